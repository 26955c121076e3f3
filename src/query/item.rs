//! Items of the log: an event, or a repeat with its event.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Session,
    differences::{Difference, differences},
    event::{EventForm, event},
};
use crate::store::{
    Error,
    read::{EventRow, RepeatRow},
};

/// Keys of a repeat with content.
const CONTENT: [&str; 3] = ["repeat.payload", "differences.event", "differences.repeat"];

/// Item at a position of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Item {
    /// An event.
    Event(Box<EventForm>),
    /// A repeat.
    Repeat(Box<RepeatedEvent>),
}

/// A repeat with its event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RepeatedEvent {
    /// The repeat.
    pub repeat: RepeatRow,
    /// The event; `None` if the event was purged or its day was dropped.
    pub event: Option<EventForm>,
    /// Keys of the payloads with different values.
    pub differences: Vec<Difference>,
    /// Keys that are null because the reader may not see content.
    pub masked: Vec<&'static str>,
}

impl Session {
    /// Reads the event or repeat at `position`; without content in the scope, its content is null.
    pub async fn item(&mut self, position: i64) -> Result<Option<Item>, Error> {
        let content = self.scope.shows_content();
        if let Some(row) = self.reader.event(position).await? {
            return Ok(Some(Item::Event(Box::new(event(row, content)))));
        }
        let Some(repeat) = self.reader.repeat(position).await? else {
            return Ok(None);
        };
        let repeated = match repeat.event_position {
            Some(position) => self.reader.event(position).await?,
            None => None,
        };
        let repeated = RepeatedEvent::of(repeat, repeated, content);
        Ok(Some(Item::Repeat(Box::new(repeated))))
    }
}

impl RepeatedEvent {
    fn of(mut repeat: RepeatRow, row: Option<EventRow>, content: bool) -> Self {
        let row = row.filter(|row| row.dedupe_key == repeat.dedupe_key);
        let payload = row.as_ref().and_then(|row| row.payload.as_ref());
        let payloads = payload.zip(repeat.payload.as_ref());
        let found = payloads.map(|(event, repeat)| differences(event.get(), repeat.get()));
        let mut differences = found.unwrap_or_default();
        let mut masked = Vec::new();
        if !content {
            repeat.payload = None;
            for it in &mut differences {
                (it.event, it.repeat) = (None, None);
            }
            masked.extend(CONTENT);
        }
        Self {
            repeat,
            event: row.map(|row| event(row, content)),
            differences,
            masked,
        }
    }
}
