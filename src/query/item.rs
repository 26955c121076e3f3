//! Items of the log: an event, or a repeat with its event.

use serde::Serialize;

use super::{
    Session,
    differences::{Difference, differences},
};
use crate::store::{
    Error,
    read::{EventRow, RepeatRow},
};

/// Item at a position of the log.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// An event.
    Event(Box<EventRow>),
    /// A repeat.
    Repeat(Box<RepeatedEvent>),
}

/// A repeat with its event.
#[derive(Clone, Debug, Serialize)]
pub struct RepeatedEvent {
    /// The repeat.
    pub repeat: RepeatRow,
    /// The event; `None` if the event was purged or its day was dropped.
    pub event: Option<EventRow>,
    /// Keys of the payloads with different values.
    pub differences: Vec<Difference>,
}

impl Session {
    /// Reads the event or repeat at `position`.
    pub async fn item(&mut self, position: i64) -> Result<Option<Item>, Error> {
        if let Some(event) = self.reader.event(position).await? {
            return Ok(Some(Item::Event(Box::new(event))));
        }
        let Some(repeat) = self.reader.repeat(position).await? else {
            return Ok(None);
        };
        let event = match repeat.event_position {
            Some(position) => self.reader.event(position).await?,
            None => None,
        };
        let repeated = RepeatedEvent::of(repeat, event);
        Ok(Some(Item::Repeat(Box::new(repeated))))
    }
}

impl RepeatedEvent {
    fn of(repeat: RepeatRow, event: Option<EventRow>) -> Self {
        let event = event.filter(|event| event.dedupe_key == repeat.dedupe_key);
        let payload = event.as_ref().and_then(|event| event.payload.as_ref());
        let payloads = payload.zip(repeat.payload.as_ref());
        let differences = payloads.map(|(event, repeat)| differences(event.get(), repeat.get()));
        Self {
            differences: differences.unwrap_or_default(),
            repeat,
            event,
        }
    }
}
