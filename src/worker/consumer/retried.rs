//! Events that go out again: those of retried dead letters, and those at the heads of replays.

use jiff::Timestamp;

use super::{Shared, within_deadline};
use crate::{
    forward::{
        consumer::Settings,
        lanes::{AccountKey, Item, LaneKey, MOST_RETRIES},
    },
    store::{
        Connection, Error,
        consumers::{self, DeadLetter, EventRow, events_at},
        replays::{self, Replay},
    },
};

/// Events of the retried letters of the consumer `name`, the oldest first, as many as fit in memory.
pub(super) async fn retried(
    conn: &mut Connection,
    name: &str,
    settings: &Settings,
) -> Result<Vec<Item>, Error> {
    let limit = u32::try_from(MOST_RETRIES).unwrap_or(u32::MAX);
    let letters = within_deadline(consumers::retried(conn, name, 0, limit)).await?;
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let letter = |it: &DeadLetter| (it.position, Some(it.received_at));
    let places: Vec<_> = letters.iter().map(letter).collect();
    let events = within_deadline(events_at(conn, &places)).await?;
    let item = |it: &DeadLetter| item((it.position, it.received_at), &events, settings);
    Ok(letters.iter().map(item).collect())
}

/// The replays of an earlier owner, each with the events at its heads.
pub(super) async fn replays(
    conn: &mut Connection,
    (shared, name): (&Shared, &str),
    settings: &Settings,
) -> Result<Vec<(Replay, Vec<Item>)>, Error> {
    let unfinished = within_deadline(replays::unfinished(conn, name)).await?;
    let heads = unfinished.iter().flat_map(|replay| &replay.heads);
    let wanted: Vec<_> = heads.map(|head| (*head, None)).collect();
    let mut session = shared.log.session().await?;
    let events = within_deadline(events_at(session.connection(), &wanted)).await?;
    session.keep();
    let with_items = |replay: Replay| {
        let item = |head: &i64| item((*head, replay.created_at), &events, settings);
        let items = replay.heads.iter().map(item).collect();
        (replay, items)
    };
    Ok(unfinished.into_iter().map(with_items).collect())
}

/// Item of an event. One that is gone has a lane of its own, and is skipped at its turn.
fn item(
    (position, received_at): (i64, Timestamp),
    events: &[EventRow],
    settings: &Settings,
) -> Item {
    let mut events = events.iter();
    let event = events.find(|event| event.position == position);
    event.map_or_else(
        || Item {
            position,
            received_at,
            lane: LaneKey::alone(position),
            account: AccountKey::of("", ""),
        },
        |event| settings.item(event),
    )
}
