//! Schema of the JSON of an event, and types made from it.
//!
//! [`COLUMNS`] lists the columns of `events`; the own fields of a kind are declared in its file.

mod json_schema;
mod python;
mod typescript;

pub(super) use json_schema::event;
pub use json_schema::json_schema;
pub use python::python;
pub use typescript::typescript;

use crate::meta::{
    event::{Channel, Kind, OccurredAtSource, Problem, Source},
    kinds::{Field, Form},
};

/// Version of the form. It changes only if a key is removed or changes its meaning.
pub const SCHEMA: u8 = 1;

/// Key of the JSON of an event.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Name of the key.
    pub name: &'static str,
    /// Type of the value.
    pub of: Type,
    /// True if the value can be null.
    pub is_nullable: bool,
}

/// Type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Type {
    /// The version of the schema.
    Schema,
    /// Text or an id.
    Text,
    /// A number as a string.
    Digits,
    /// A UUID.
    Uuid,
    /// Time in RFC 3339, in UTC with milliseconds.
    Moment,
    /// Whole number.
    Integer,
    /// True or false.
    Flag,
    /// Choice of texts.
    OneOf(fn() -> Vec<&'static str>),
    /// List of texts; a text can be null.
    OptionalTexts,
    /// List of texts.
    Texts,
    /// Any JSON.
    Json,
}

/// Keys that all kinds have, except `kind` and `data`.
pub const COLUMNS: [Property; 30] = [
    always("schema", Type::Schema),
    always("position", Type::Digits),
    always("delivery_id", Type::Uuid),
    always("received_at", Type::Moment),
    nullable("occurred_at", Type::Moment),
    always(
        "occurred_at_source",
        Type::OneOf(|| names(OccurredAtSource::ALL, OccurredAtSource::as_str)),
    ),
    always("app", Type::Text),
    nullable("object", Type::Text),
    nullable("field", Type::Text),
    always(
        "channel",
        Type::OneOf(|| names(Channel::ALL, Channel::as_str)),
    ),
    nullable("account_id", Type::Text),
    nullable("person_id", Type::Text),
    nullable("sender_id", Type::Text),
    nullable("recipient_id", Type::Text),
    nullable("username", Type::Text),
    nullable("message_id", Type::Text),
    nullable("comment_id", Type::Text),
    nullable("media_id", Type::Text),
    nullable("parent_id", Type::Text),
    nullable("text", Type::Text),
    always("is_echo", Type::Flag),
    always("is_self", Type::Flag),
    always("item_start", Type::Integer),
    always("item_length", Type::Integer),
    nullable("payload", Type::Json),
    nullable(
        "problem",
        Type::OneOf(|| names(Problem::ALL, Problem::as_str)),
    ),
    always("source", Type::OneOf(|| names(Source::ALL, Source::as_str))),
    always("dedupe_key", Type::Uuid),
    nullable("erased_at", Type::Moment),
    always("masked", Type::Texts),
];

const fn always(name: &'static str, of: Type) -> Property {
    Property {
        name,
        of,
        is_nullable: false,
    }
}

const fn nullable(name: &'static str, of: Type) -> Property {
    Property {
        name,
        of,
        is_nullable: true,
    }
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|it| name(*it)).collect()
}

/// Keys of `data` of a kind.
pub fn data(kind: Kind) -> impl Iterator<Item = Property> {
    kind.own_fields().map(property)
}

fn property(field: &Field) -> Property {
    let of = match field.form {
        Form::Text | Form::Written => Type::Text,
        Form::Integer => Type::Integer,
        Form::Flag => Type::Flag,
        Form::Moment => Type::Moment,
        Form::Json => Type::Json,
        Form::Types => Type::OptionalTexts,
    };
    Property {
        name: field.name,
        of,
        is_nullable: !matches!(field.form, Form::Flag | Form::Types),
    }
}

/// Name of a kind in types, such as `LiveComment`.
fn type_name(kind: Kind) -> String {
    let words = kind.as_str().split('_');
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.map(word).collect()
}

/// Texts in quotes.
fn quoted(texts: &[&str], between: &str) -> String {
    let quoted = texts.iter().map(|text| format!("\"{text}\""));
    quoted.collect::<Vec<_>>().join(between)
}
