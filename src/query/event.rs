//! JSON of an event: the same for the command line, the API, streams and exports.
//!
//! The keys are the columns of `events`. `data` has the own columns of the kind's view. `schema` is
//! the version of this form, and `masked` lists the keys that are null because the reader may not
//! see content. `docs/event.schema.json` describes the form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::{
    own_data::own_data,
    schema::{self, SCHEMA},
};
use crate::{meta::event::Kind, store::read::EventRow};

/// Columns of events with content, besides the own fields of a kind.
const CONTENT: [&str; 3] = ["text", "username", "payload"];

/// Event in its JSON form.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventForm {
    schema: u8,
    #[serde(flatten)]
    columns: EventRow,
    masked: Vec<String>,
}

/// Converts a row into its JSON form. Without `content`, text, user name, payload and the own fields
/// with content are null, and `masked` lists their keys, even of an event that lacks them.
pub fn event(mut row: EventRow, content: bool) -> EventForm {
    let kind = Kind::of_name(&row.kind);
    row.data = kind.and_then(|kind| own_data(kind, &row, content));
    let mut masked = Vec::new();
    if !content {
        (row.text, row.username, row.payload) = (None, None, None);
        masked.extend(CONTENT.map(str::to_owned));
        masked.extend(kind.into_iter().flat_map(masked_data));
    }
    EventForm {
        schema: SCHEMA,
        columns: row,
        masked,
    }
}

/// Paths of the own fields with content.
fn masked_data(kind: Kind) -> impl Iterator<Item = String> {
    let fields = kind.own_fields().filter(|field| field.is_content);
    fields.map(|field| format!("data.{}", field.name))
}

impl JsonSchema for EventForm {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::event(generator)
    }
}

impl EventForm {
    /// True if content is hidden from the reader.
    pub fn is_masked(&self) -> bool {
        !self.masked.is_empty()
    }

    /// The columns of `events`, with the own fields of the kind in `data`.
    pub fn columns(&self) -> &EventRow {
        &self.columns
    }
}

#[cfg(test)]
mod tests;
