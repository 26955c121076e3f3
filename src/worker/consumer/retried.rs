//! Dead letters that an operator retries.

use super::within_deadline;
use crate::{
    forward::{
        consumer::Settings,
        lanes::{AccountKey, Item, LaneKey, MOST_EXTRAS},
    },
    store::{
        Connection, Error,
        consumers::{self, DeadLetter, EventRow, events_at},
    },
};

/// Events of the retried letters of the consumer `name`, the oldest first, as many as fit in memory.
pub(super) async fn retried(
    conn: &mut Connection,
    name: &str,
    settings: &Settings,
) -> Result<Vec<Item>, Error> {
    let limit = u32::try_from(MOST_EXTRAS).unwrap_or(u32::MAX);
    let letters = within_deadline(consumers::retried(conn, name, 0, limit)).await?;
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let letter = |it: &DeadLetter| (it.position, Some(it.received_at));
    let places: Vec<_> = letters.iter().map(letter).collect();
    let events = within_deadline(events_at(conn, &places)).await?;
    let item = |letter: &DeadLetter| item(letter, &events, settings);
    Ok(letters.iter().map(item).collect())
}

/// Item of a letter. An event that is gone has a lane of its own, and is skipped at its turn.
fn item(letter: &DeadLetter, events: &[EventRow], settings: &Settings) -> Item {
    let mut events = events.iter();
    let event = events.find(|event| event.position == letter.position);
    event.map_or_else(
        || Item {
            position: letter.position,
            received_at: letter.received_at,
            lane: LaneKey::alone(letter.position),
            account: AccountKey::of("", ""),
        },
        |event| settings.item(event),
    )
}
