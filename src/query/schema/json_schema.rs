//! JSON Schema (draft 2020-12) of an event.

use serde_json::{Map, Value, json};

use super::{COLUMNS, Property, SCHEMA, Type, data};
use crate::meta::event::Kind;

const DESCRIPTION: &str = "An event of Hookshelf, as `--json` prints it and the API sends it. \
    docs/reference/schema.md has the meaning of the keys: those of an event in the view `events`, \
    those of `data` in the view of the kind. A later version may add keys, kinds and values; \
    `schema` changes if a key is removed or changes its meaning.";

/// The schema as indented text.
pub fn json_schema() -> String {
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let (refs, definitions): (Vec<_>, Map<_, _>) = kinds
        .clone()
        .zip(Kind::ALL)
        .map(|(name, kind)| {
            let reference = json!({"$ref": format!("#/$defs/{name}")});
            (reference, (name.to_owned(), of_kind(*kind)))
        })
        .unzip();
    let mut schema = object(COLUMNS.into_iter());
    schema["properties"]["kind"] = json!({"enum": kinds.collect::<Vec<_>>()});
    schema["properties"]["data"] = json!({"type": "object"});
    let own = ["kind", "data"].map(Value::from);
    schema["required"]
        .as_array_mut()
        .into_iter()
        .for_each(|it| it.extend(own.clone()));
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Event".into();
    schema["description"] = DESCRIPTION.into();
    schema["oneOf"] = refs.into();
    schema["$defs"] = definitions.into();
    format!("{schema:#}\n")
}

/// Schema of the keys that depend on the kind.
fn of_kind(kind: Kind) -> Value {
    json!({"properties": {"kind": {"const": kind.as_str()}, "data": object(data(kind))}})
}

fn object(properties: impl Iterator<Item = Property>) -> Value {
    let (required, schemas): (Vec<_>, Map<_, _>) = properties
        .map(|it| (it.name, (it.name.to_owned(), schema(it))))
        .unzip();
    json!({"type": "object", "required": required, "properties": schemas})
}

/// Schema of a value. Null is listed beside the values of an enumeration.
fn schema(property: Property) -> Value {
    let null = property.is_nullable;
    let typed = |name: &str| {
        if null {
            json!([name, "null"])
        } else {
            json!(name)
        }
    };
    match property.of {
        Type::Schema => json!({"const": SCHEMA}),
        Type::Text => json!({"type": typed("string")}),
        Type::Digits => json!({"type": typed("string"), "pattern": "^[0-9]+$"}),
        Type::Uuid => json!({"type": typed("string"), "format": "uuid"}),
        Type::Moment => json!({"type": typed("string"), "format": "date-time"}),
        Type::Integer => json!({"type": typed("integer")}),
        Type::Flag => json!({"type": typed("boolean")}),
        Type::OneOf(values) => {
            let values = values().into_iter().map(Value::from);
            let null = null.then_some(Value::Null);
            json!({"enum": values.chain(null).collect::<Vec<_>>()})
        }
        Type::Texts => json!({"type": typed("array"), "items": {"type": "string"}}),
        Type::OptionalTexts => {
            json!({"type": typed("array"), "items": {"type": ["string", "null"]}})
        }
        Type::Json => json!({}),
    }
}
