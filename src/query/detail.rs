//! Single events and deliveries with everything that belongs to them.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{
    EventForm, Session,
    differences::{Difference, differences},
    event,
};
use crate::store::{
    Error,
    read::{Between, DeliveryRow, EventFilter, EventRow, Order, RepeatRow},
};

/// Maximum number of other events about the same message or comment.
const RELATED: u32 = 100;

/// An event with its delivery, its repeats, and the other events about the same message or comment.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventDetail {
    /// The event.
    pub event: EventForm,
    /// Its delivery; `None` if it was purged.
    pub delivery: Option<DeliveryRow>,
    /// Its repeats.
    pub repeats: Vec<ComparedRepeat>,
    /// Other events about the same message or comment, oldest first.
    pub related: Vec<EventForm>,
}

/// A repeat, compared with its event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ComparedRepeat {
    /// The repeat.
    pub repeat: RepeatRow,
    /// `same`, `different`, or `unknown` if a payload is gone.
    #[schemars(extend("enum" = ["same", "different", "unknown"]))]
    pub comparison: &'static str,
    /// Keys with different values; without content, empty.
    pub differences: Vec<Difference>,
}

/// A delivery with its events and repeats in order.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: DeliveryRow,
    /// Its new events.
    pub events: Vec<EventForm>,
    /// Its repeats of stored events.
    pub repeats: Vec<RepeatRow>,
}

/// Events before and after an event, on its account.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Around {
    /// Events before it, oldest first.
    pub before: Vec<EventForm>,
    /// The event.
    pub event: EventForm,
    /// Events after it, oldest first.
    pub after: Vec<EventForm>,
}

impl Session {
    /// Reads the event at `position` with everything that belongs to it.
    pub async fn event_detail(&mut self, position: i64) -> Result<Option<EventDetail>, Error> {
        let Some(event) = self.reader.event(position).await? else {
            return Ok(None);
        };
        let repeats = self.reader.repeats_of(&event).await?;
        let compared = repeats.into_iter().map(|repeat| compare(&event, repeat));
        let compared = compared.collect();
        Ok(Some(EventDetail {
            delivery: self.reader.delivery(event.delivery_id).await?,
            repeats: self.masked(compared),
            related: self.related(&event).await?,
            event: self.form(event),
        }))
    }

    fn form(&self, row: EventRow) -> EventForm {
        event(row, self.scope.shows_content())
    }

    /// Without content, values of differences and payloads are left out.
    fn masked(&self, mut repeats: Vec<ComparedRepeat>) -> Vec<ComparedRepeat> {
        if !self.scope.shows_content() {
            for compared in &mut repeats {
                compared.differences.clear();
                compared.repeat.payload = None;
            }
        }
        repeats
    }

    async fn related(&mut self, event: &EventRow) -> Result<Vec<EventForm>, Error> {
        let ids = &event.ids;
        let filter = EventFilter {
            message_id: ids.message_id.clone(),
            comment_id: ids.comment_id.clone().filter(|_| ids.message_id.is_none()),
            ..EventFilter::default()
        };
        if filter == EventFilter::default() {
            return Ok(Vec::new());
        }
        let content = self.scope.shows_content();
        let order = (Order::Oldest, RELATED);
        let events = self
            .reader
            .events(&filter, Between::default(), order, content);
        let mut events = events.await?;
        events.retain(|other| other.position != event.position);
        Ok(self.forms(events))
    }

    /// Reads the event at `position` and about `count` events around it, on its account.
    pub async fn around(&mut self, position: i64, count: u32) -> Result<Option<Around>, Error> {
        let content = self.scope.shows_content();
        let Some(event) = self.reader.event(position).await? else {
            return Ok(None);
        };
        let filter = EventFilter {
            app: Some(event.app.clone()),
            account_ids: event.account_id.iter().cloned().collect(),
            ..EventFilter::default()
        };
        let older = Between {
            after: None,
            before: Some(event.position),
        };
        let newer = Between {
            after: Some(event.position),
            before: None,
        };
        let half = count.div_ceil(2);
        let reader = &mut self.reader;
        let mut before = reader
            .events(&filter, older, (Order::Newest, half), content)
            .await?;
        before.reverse();
        let after = reader
            .events(&filter, newer, (Order::Oldest, half), content)
            .await?;
        Ok(Some(Around {
            before: self.forms(before),
            event: self.form(event),
            after: self.forms(after),
        }))
    }

    /// Reads the delivery with this id, its events and its repeats.
    pub async fn delivery_detail(&mut self, id: Uuid) -> Result<Option<DeliveryDetail>, Error> {
        let Some(delivery) = self.reader.delivery(id).await? else {
            return Ok(None);
        };
        let Some(items) = self.reader.items_of(id).await? else {
            return Ok(Some(DeliveryDetail {
                delivery,
                events: Vec::new(),
                repeats: Vec::new(),
            }));
        };
        let filter = EventFilter {
            delivery: Some(items),
            ..EventFilter::default()
        };
        let content = self.scope.shows_content();
        let order = (Order::Oldest, items.count.unsigned_abs());
        let events = self
            .reader
            .events(&filter, Between::default(), order, content);
        let events = events.await?;
        let mut repeats = self.reader.repeats_in(items).await?;
        if !content {
            for repeat in &mut repeats {
                repeat.payload = None;
            }
        }
        Ok(Some(DeliveryDetail {
            delivery,
            events: self.forms(events),
            repeats,
        }))
    }
}

fn compare(event: &EventRow, repeat: RepeatRow) -> ComparedRepeat {
    let payloads = event.payload.as_ref().zip(repeat.payload.as_ref());
    let differences = payloads.map(|(event, repeat)| differences(event.get(), repeat.get()));
    ComparedRepeat {
        comparison: match &differences {
            None => "unknown",
            Some(none) if none.is_empty() => "same",
            Some(_) => "different",
        },
        differences: differences.unwrap_or_default(),
        repeat,
    }
}
