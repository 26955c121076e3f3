//! The OpenAPI document, made from the tables of operations and the types of their answers.

mod answers;
mod page;
mod request;

pub(super) use page::{POLICY, page};

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::operation::{Caller, Operation};
use crate::config::BasePath;

const DESCRIPTION: &str = "Events of Instagram webhooks that Hookshelf received: read, follow, \
    search and export them. The API is on the admin listener. Positions and ids are strings. A \
    later version may add keys and values. docs/http-api.md has the guide, \
    docs/reference/schema.md the meaning of the columns.";

const BEARER: &str = "A token of [[admin.tokens]]; `hookshelf token new` makes one. Without \
    tokens, each client on this machine is an operator.";

/// Schemas of the document.
struct Schemas {
    /// Base path of the types of problems.
    base: BasePath,
    /// Of answers: a key that is always written is required.
    answers: SchemaGenerator,
    /// Of bodies of requests.
    bodies: SchemaGenerator,
}

impl Schemas {
    fn new(base: &BasePath) -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|it| {
                it.definitions_path = "/components/schemas".into();
                it.meta_schema = None;
            })
        };
        Self {
            base: base.clone(),
            answers: settings().for_serialize().into_generator(),
            bodies: settings().for_deserialize().into_generator(),
        }
    }

    fn all(mut self) -> Map<String, Value> {
        let mut all = self.answers.take_definitions(true);
        all.extend(self.bodies.take_definitions(true));
        all.values_mut().for_each(reword);
        all
    }
}

/// Rewords the comments of Rust types for clients.
fn reword(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("`None`", "null").replace('\n', " ");
                    }
                    other => reword(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(reword),
        _ => {}
    }
}

/// The document of these operations, which are served below `base`.
pub(super) fn document(tables: &[&[Operation]], base: &BasePath) -> Value {
    let root = if base.is_root() { "/" } else { "" };
    let mut schemas = Schemas::new(base);
    let mut paths: Map<String, Value> = Map::new();
    for operation in tables.iter().copied().flatten() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation, &mut schemas);
    }
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Hookshelf",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": base.join(root)}],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": BEARER},
            },
        },
    })
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let (security, role) = match operation.caller {
        Caller::Token(role) => (json!([{"bearer": []}]), role.as_str()),
        Caller::Anyone | Caller::Probe => (json!([]), "none"),
    };
    let mut described = json!({
        "operationId": id(operation),
        "summary": operation.about,
        "description": format!("Needed role: {role}."),
        "security": security,
        "x-role": role,
        "parameters": request::parameters(operation),
        "responses": answers::responses(operation, schemas),
    });
    if let Some(body) = operation.body {
        let example: Value = serde_json::from_str(body.example).unwrap_or_default();
        described["requestBody"] = json!({
            "required": body.is_required,
            "content": {"application/json": {
                "schema": (body.schema)(&mut schemas.bodies),
                "example": example,
            }},
        });
    }
    described
}

/// Method and words of the path.
fn id(operation: &Operation) -> String {
    let words = operation
        .path
        .split(|char: char| !char.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    [operation.method]
        .into_iter()
        .chain(words)
        .collect::<Vec<_>>()
        .join("_")
}
