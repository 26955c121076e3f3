//! Masks of the JSON of an event.
//!
//! A masked column or own field is null, and `masked` has its name, as for a reader without content.
//! Attachments and the payload lose their masked parts only, and `masked` has their names, too.
//! Columns and fields that are unknown here are null.

use std::borrow::Cow;

use super::Mask;
use crate::meta::{
    event::Kind,
    json::{Index, MAX_DEPTH, Value},
    kinds::{Field, Form},
};

/// Columns with content.
const CONTENT: &[&str] = &["text", "username"];

/// Columns without content.
const PLAIN: &[&str] = &[
    "schema",
    "position",
    "delivery_id",
    "received_at",
    "occurred_at",
    "occurred_at_source",
    "app",
    "object",
    "field",
    "kind",
    "channel",
    "account_id",
    "person_id",
    "sender_id",
    "recipient_id",
    "message_id",
    "comment_id",
    "media_id",
    "parent_id",
    "is_echo",
    "is_self",
    "item_start",
    "item_length",
    "problem",
    "source",
    "dedupe_key",
    "erased_at",
];

const NULL: &str = "null";

impl Mask {
    /// The JSON of an event of this kind without the masked parts; `None` if it is not an object.
    pub(in crate::forward) fn event(self, kind: Kind, json: &str) -> Option<Cow<'_, str>> {
        if self.is_empty() {
            return Some(json.into());
        }
        let index = Index::of(json)?;
        let (mut pairs, mut masked) = (Vec::new(), Vec::new());
        for (name, value) in index.root(json).object()?.pairs() {
            let name = name.string()?;
            if name == "masked" {
                continue;
            }
            let value = self.column(kind, &name, value, &mut masked);
            pairs.push(format!("\"{name}\":{value}"));
        }
        let masked: Vec<_> = masked.iter().map(|name| format!("\"{name}\"")).collect();
        pairs.push(format!("\"masked\":[{}]", masked.join(",")));
        Some(format!("{{{}}}", pairs.join(",")).into())
    }

    /// A column, masked. Adds the names of its masked parts to `masked`.
    fn column(
        self,
        kind: Kind,
        name: &str,
        value: Value<'_, '_>,
        masked: &mut Vec<String>,
    ) -> String {
        if name == "data" {
            return self.data(kind, value, masked);
        }
        if PLAIN.contains(&name) || CONTENT.contains(&name) && !self.hides(name, true) {
            return value.raw().to_owned();
        }
        masked.push(name.to_owned());
        // A payload that is a string is unknown content.
        let payload = (name == "payload").then(|| self.masked("", value, MAX_DEPTH));
        payload.flatten().unwrap_or_else(|| NULL.to_owned())
    }

    /// The own fields of a kind, masked.
    fn data(self, kind: Kind, data: Value<'_, '_>, masked: &mut Vec<String>) -> String {
        let Some(data) = data.object() else {
            return NULL.to_owned();
        };
        let pairs = data.pairs().filter_map(|(name, value)| {
            let name = name.string()?;
            let field = kind.own_fields().find(|field| field.name == name);
            let (value, is_masked) = match field {
                Some(field) => self.own_field(field, value),
                None => (NULL.to_owned(), true),
            };
            if is_masked {
                masked.push(format!("data.{name}"));
            }
            Some(format!("\"{name}\":{value}"))
        });
        let pairs: Vec<_> = pairs.collect();
        format!("{{{}}}", pairs.join(","))
    }

    /// An own field, masked, and true if it may lack parts.
    fn own_field(self, field: &Field, value: Value<'_, '_>) -> (String, bool) {
        let key = field.keys().last().unwrap_or_default();
        match field.form {
            Form::Types => (value.raw().to_owned(), false),
            Form::Json => {
                let masked = self.masked(key, value, MAX_DEPTH);
                (masked.unwrap_or_else(|| NULL.to_owned()), field.is_content)
            }
            _ if self.hides(key, true) => (NULL.to_owned(), true),
            _ => (value.raw().to_owned(), false),
        }
    }
}
