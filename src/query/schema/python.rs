//! Python types of an event.

use super::{COLUMNS, Property, SCHEMA, Type, data, quoted, type_name};
use crate::meta::event::Kind;

/// A module with a `TypedDict` for each kind, and their union `Event`.
pub fn python() -> String {
    let kinds = Kind::ALL.iter();
    let of_kinds: String = kinds.clone().map(|kind| of_kind(*kind)).collect();
    let all: Vec<_> = kinds
        .map(|kind| format!("{}Event", type_name(*kind)))
        .collect();
    format!(
        "\"\"\"Events of Hookshelf, schema {SCHEMA}, for Python 3.10 or newer.\n\n\
         Printed by `hookshelf schema --python`.\n\"\"\"\n\n\
         from typing import Any, Literal, TypedDict, Union\n\n\n{}\n\n{of_kinds}\
         Event = Union[\n    {},\n]\n",
        class("Columns", "Keys of every event.", COLUMNS.into_iter()),
        all.join(",\n    ")
    )
}

fn of_kind(kind: Kind) -> String {
    let (name, code) = (type_name(kind), kind.as_str());
    let what = format!("Own fields of `{code}`.");
    let data = class(&format!("{name}Data"), &what, data(kind));
    format!(
        "{data}\n\nclass {name}Event(Columns):\n    \"\"\"Event of the kind `{code}`.\"\"\"\n\n    \
         kind: Literal[\"{code}\"]\n    data: {name}Data\n\n\n"
    )
}

fn class(name: &str, what: &str, properties: impl Iterator<Item = Property>) -> String {
    let keys = properties.map(|it| format!("    {}: {}\n", it.name, of(it)));
    let mut keys = keys.collect::<Vec<_>>().concat();
    if !keys.is_empty() {
        keys.insert(0, '\n');
    }
    format!("class {name}(TypedDict):\n    \"\"\"{what}\"\"\"\n{keys}")
}

fn of(property: Property) -> String {
    let of = match property.of {
        Type::Schema => format!("Literal[{SCHEMA}]"),
        Type::Text | Type::Digits | Type::Uuid | Type::Moment => "str".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::Flag => "bool".to_owned(),
        Type::OneOf(values) => format!("Literal[{}]", quoted(&values(), ", ")),
        Type::Texts => "list[str]".to_owned(),
        Type::OptionalTexts => "list[str | None]".to_owned(),
        Type::Json => return "Any".to_owned(),
    };
    if property.is_nullable {
        of + " | None"
    } else {
        of
    }
}
