//! Progress through the log: start, order, and the age at which events are skipped.

use std::time::Duration;

use jiff::SignedDuration;

use super::{
    fault::quoted,
    print::Printer,
    reader::Reader,
    spans::{Spans, written},
    tree::Value,
};
use crate::vocabulary::spelled;

/// Range of `max_age`.
pub(super) const MAX_AGE: Spans =
    SignedDuration::from_secs(1)..=SignedDuration::from_hours(24 * 366);

/// Start of a consumer, destination or follower that has no position yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Events that arrive from now on.
    Now,
    /// The first stored event.
    Beginning,
    /// The event behind this position.
    After(i64),
}

spelled! {
    /// Unit of ordering: of a lane, at most one event is out at a time.
    pub enum Lane {
        /// The events between an account and a person.
        Person = "person",
        /// The events of an account.
        Account = "account",
        /// Each event alone.
        None = "none",
    }
}

impl Start {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let value = reader.required("start")?;
        let start = match &value {
            Value::Number(position) => Self::after(*position),
            Value::Text { text, .. } => match text.as_str() {
                "now" => Some(Self::Now),
                "beginning" => Some(Self::Beginning),
                position => position.parse().ok().and_then(Self::after),
            },
            _ => None,
        };
        if start.is_none() {
            let problem = match &value {
                Value::Text { text, .. } => format!("{} is not allowed", quoted(text)),
                _ => format!("found {}", value.describe()),
            };
            reader.refuse(
                "start",
                &value,
                problem,
                "now, beginning, or a position from 0",
            );
        }
        start
    }

    fn after(position: i64) -> Option<Self> {
        (position >= 0).then_some(Self::After(position))
    }

    pub(super) fn print(self, out: &mut Printer) {
        match self {
            Self::Now => out.text("start", "now"),
            Self::Beginning => out.text("start", "beginning"),
            Self::After(position) => out.plain("start", position),
        }
    }
}

/// A `max_age` as text.
pub(super) fn age(age: Option<Duration>) -> String {
    age.map_or_else(|| "off".to_owned(), written)
}
