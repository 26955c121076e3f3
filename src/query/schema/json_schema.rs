//! JSON Schema (draft 2020-12) of an event.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{COLUMNS, Property, SCHEMA, Type, data, type_name};
use crate::meta::event::Kind;

const DESCRIPTION: &str = "An event of Hookshelf, as `--json` prints it and the API sends it. \
    docs/reference/schema.md has the meaning of the keys: those of an event in the view `events`, \
    those of `data` in the view of the kind. A later version may add keys, kinds and values; \
    `schema` changes if a key is removed or changes its meaning.";

/// The schema as indented text.
pub fn json_schema() -> String {
    let (mut schema, kinds) = of_kinds("#/$defs/", |kind| kind.as_str().to_owned());
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Event".into();
    schema["description"] = DESCRIPTION.into();
    schema["$defs"] = kinds.into();
    format!("{schema:#}\n")
}

/// The schema among the definitions of `generator`.
pub(in crate::query) fn event(generator: &mut SchemaGenerator) -> Schema {
    let place = format!("#{}/", generator.settings().definitions_path);
    let (mut schema, kinds) = of_kinds(&place, |kind| format!("{}Event", type_name(kind)));
    schema["description"] = DESCRIPTION.into();
    generator.definitions_mut().extend(kinds);
    Schema::try_from(schema).unwrap_or_default()
}

/// Schema of an event, and the schemas of the kinds, to which it refers at `place` by name.
fn of_kinds(place: &str, name: fn(Kind) -> String) -> (Value, Map<String, Value>) {
    let kinds = Kind::ALL.iter().copied();
    let definitions: Map<_, _> = kinds.clone().map(|it| (name(it), of_kind(it))).collect();
    let refs = kinds
        .clone()
        .map(|it| json!({"$ref": format!("{place}{}", name(it))}));
    let mut schema = object(COLUMNS.into_iter());
    let names: Vec<_> = kinds.map(Kind::as_str).collect();
    schema["properties"]["kind"] = json!({"enum": names});
    schema["properties"]["data"] = json!({"type": "object"});
    let own = ["kind", "data"].map(Value::from);
    if let Some(required) = schema["required"].as_array_mut() {
        required.extend(own);
    }
    schema["oneOf"] = refs.collect();
    (schema, definitions)
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
