//! TypeScript types of an event.

use super::{COLUMNS, Property, SCHEMA, Type, data, quoted, type_name};
use crate::meta::event::Kind;

/// A module with an interface for each kind, and their union `HookshelfEvent`.
pub fn typescript() -> String {
    let kinds = Kind::ALL.iter();
    let of_kinds: String = kinds.clone().map(|kind| of_kind(*kind)).collect();
    let all: Vec<_> = kinds
        .map(|kind| format!("{}Event", type_name(*kind)))
        .collect();
    format!(
        "// Events of Hookshelf, schema {SCHEMA}. Printed by `hookshelf schema --typescript`.\n\n\
         /** Keys of every event. */\n{}\n{of_kinds}\
         /** Any event; `kind` tells which one. */\nexport type HookshelfEvent =\n  | {};\n",
        interface("Columns", COLUMNS.into_iter()),
        all.join("\n  | ")
    )
}

fn of_kind(kind: Kind) -> String {
    let (name, code) = (type_name(kind), kind.as_str());
    let data = interface(&format!("{name}Data"), data(kind));
    format!(
        "{data}\nexport interface {name}Event extends Columns {{\n  kind: \"{code}\";\n  \
         data: {name}Data;\n}}\n\n"
    )
}

fn interface(name: &str, properties: impl Iterator<Item = Property>) -> String {
    let keys = properties.map(|it| format!("  {}: {};\n", it.name, of(it)));
    let keys = keys.collect::<Vec<_>>().concat();
    if keys.is_empty() {
        return format!("export type {name} = Record<string, never>;\n");
    }
    format!("export interface {name} {{\n{keys}}}\n")
}

fn of(property: Property) -> String {
    let of = match property.of {
        Type::Schema => SCHEMA.to_string(),
        Type::Text | Type::Digits | Type::Uuid | Type::Moment => "string".to_owned(),
        Type::Integer => "number".to_owned(),
        Type::Flag => "boolean".to_owned(),
        Type::OneOf(values) => quoted(&values(), " | "),
        Type::Texts => "string[]".to_owned(),
        Type::OptionalTexts => "(string | null)[]".to_owned(),
        Type::Json => return "unknown".to_owned(),
    };
    if property.is_nullable {
        of + " | null"
    } else {
        of
    }
}
