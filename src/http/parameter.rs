//! Declarations of parameters: name, meaning and form. Requests are parsed by them, and the OpenAPI
//! document lists them.

use serde_json::{Value, json};

/// A parameter of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Meaning.
    pub(super) about: &'static str,
    pub(super) form: Form,
    pub(super) is_required: bool,
}

/// Form of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Any text: a form that the route does not know is ignored.
    Any,
    /// Text or id.
    Text,
    /// Part of a text to search for.
    Search,
    /// Position in the log.
    Position,
    /// Whole number: the least, the most, and the value of an unset parameter.
    Number(u32, u32, u32),
    /// True or false.
    Flag,
    /// Time.
    Moment,
    /// Id of a delivery.
    Delivery,
    /// Place in a list, from an earlier answer: an example and a pattern.
    Place(&'static str, &'static str),
    /// A name from a list.
    OneOf(fn() -> Vec<&'static str>),
    /// Some of these names: given several times, or with commas between them.
    SomeOf(fn() -> Vec<&'static str>),
}

/// Pattern of times. Some further spellings are taken, such as `7 days ago`.
const MOMENT: &str = "^(today|yesterday|[0-9]{1,3}(s|min|h|d)|\
    20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
    (T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-2]):[0-5][0-9]))?)$";

impl Parameter {
    /// A text.
    pub(super) const fn one(name: &'static str, about: &'static str) -> Self {
        Self::of(name, about, Form::Text)
    }

    pub(super) const fn of(name: &'static str, about: &'static str, form: Form) -> Self {
        Self {
            name,
            about,
            form,
            is_required: false,
        }
    }

    pub(super) const fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    /// True if it may be given several times.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.form, Form::SomeOf(_))
    }
}

impl Form {
    /// Allowed values, for a person.
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Any => "any text".to_owned(),
            Self::Text => "1 to 512 bytes without U+0000".to_owned(),
            Self::Search => "1 to 200 characters without U+0000".to_owned(),
            Self::Position => format!("a whole number from 0 to {}", i64::MAX),
            Self::Number(least, most, _) => format!("a whole number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::Moment => "a time such as 2026-11-02T15:04:05Z, a date, today, yesterday, or a \
                             while ago such as 2h"
                .to_owned(),
            Self::Delivery => {
                "the id of a delivery, such as 0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a".to_owned()
            }
            Self::Place(example, _) => {
                format!("a place from an earlier answer, such as {example}")
            }
            Self::OneOf(names) | Self::SomeOf(names) => names().join(", "),
        }
    }

    /// JSON Schema of a value.
    pub(super) fn schema(self) -> Value {
        match self {
            Self::Any => json!({"type": "string"}),
            Self::Text => json!({"type": "string", "minLength": 1, "maxLength": 512}),
            Self::Search => json!({"type": "string", "minLength": 1, "maxLength": 200}),
            Self::Position => json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
            Self::Number(least, most, default) => {
                json!({"type": "integer", "minimum": least, "maximum": most, "default": default})
            }
            Self::Flag => json!({"type": "boolean"}),
            Self::Moment => json!({"type": "string", "pattern": MOMENT}),
            Self::Delivery => json!({"type": "string", "format": "uuid"}),
            Self::Place(_, pattern) => json!({"type": "string", "pattern": pattern}),
            Self::OneOf(names) => json!({"type": "string", "enum": names()}),
            Self::SomeOf(names) => {
                let item = json!({"type": "string", "enum": names()});
                json!({"type": "array", "minItems": 1, "items": item})
            }
        }
    }
}
