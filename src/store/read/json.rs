//! JSON of positions and times: positions are strings, because some languages round large numbers;
//! times are RFC 3339 in UTC with milliseconds.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// Value with a text form in JSON.
pub(crate) trait Textual {
    /// Text, or a structure of texts.
    type Form: Serialize;

    /// Converts the value.
    fn form(&self) -> Self::Form;
}

impl Textual for i64 {
    type Form = String;

    fn form(&self) -> String {
        self.to_string()
    }
}

impl Textual for Timestamp {
    type Form = String;

    fn form(&self) -> String {
        format!("{self:.3}")
    }
}

impl<T: Textual> Textual for Option<T> {
    type Form = Option<T::Form>;

    fn form(&self) -> Self::Form {
        self.as_ref().map(Textual::form)
    }
}

impl<T: Textual> Textual for Vec<T> {
    type Form = Vec<T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(Textual::form).collect()
    }
}

/// Schema of a position in its text form.
#[derive(Clone, Copy, Debug)]
pub struct Digits;

impl JsonSchema for Digits {
    fn schema_name() -> Cow<'static, str> {
        "Digits".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+$"})
    }
}

/// Serialises a value in its text form.
pub(crate) fn text<S: Serializer>(value: &impl Textual, serializer: S) -> Result<S::Ok, S::Error> {
    value.form().serialize(serializer)
}
