//! Lookups in the database: events that are to be handed out, and the next events of lanes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{Shared, within_deadline};
use crate::{
    forward::{
        consumer::{Found, Lookup, Passed, Settings, Shown, Sought},
        lanes::{BacklogWish, Item, LaneIds, MOST_LATER, Wish},
    },
    query::stream::{Log, json},
    store::{
        Connection, Error,
        consumers::{EventRow, events_at, events_of, first_stored, next_of_lane, read_payloads},
        follow::Gap,
    },
};

/// Rows of a lane and of a backlog in the first statement, and at most: few of them may be chosen.
const ROWS: u32 = 8;
const PASSED_ROWS: u32 = 64;
const MOST_ROWS: u32 = 1_000;

/// Time after which lookups of lanes end with what was read.
const PART: Duration = Duration::from_secs(1);

/// The same for backlogs: callers wait for their events meanwhile.
const SHORT_PART: Duration = Duration::from_millis(100);

/// Longest time between the deliveries of a message through two apps.
const APART: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The event at `position`, if it is in memory.
pub(super) fn cached(log: &Log, position: i64, content: bool) -> Option<Shown> {
    let event = log.cached(position)?;
    Some(Shown {
        client: log.clients().of(event.row()).cloned(),
        event: Arc::clone(event.row()),
        json: event.json(content),
    })
}

/// Answers a question of a desk.
pub(super) async fn answer(
    shared: Shared,
    settings: Arc<Settings>,
    asked: Lookup,
) -> (Lookup, Result<Found, Error>) {
    let found = within_deadline(find(&shared, &settings, &asked)).await;
    (asked, found)
}

async fn find(shared: &Shared, settings: &Settings, asked: &Lookup) -> Result<Found, Error> {
    let mut session = shared.log.session().await?;
    let conn = session.connection();
    let (mut items, end) = (Vec::new(), Instant::now() + PART);
    for wish in &asked.wishes {
        // The others are asked for again.
        if Instant::now() > end {
            break;
        }
        let found = next_items(conn, (&shared.log, settings), wish.clone(), end).await?;
        items.push(found);
    }
    let (mut backlogs, end) = (Vec::new(), Instant::now() + SHORT_PART);
    let first = match asked.backlogs[..] {
        [] => 0,
        _ => first_stored(conn).await?.unwrap_or(i64::MAX),
    };
    for wish in &asked.backlogs {
        if Instant::now() > end {
            break;
        }
        let place = (wish.clone(), first);
        let found = next_passed(conn, (&shared.log, settings), place, end).await?;
        backlogs.push(found);
    }
    let events = events(conn, &shared.log, &asked.events).await?;
    let repeated = if settings.once_per_account {
        let found = events.values().map(|it| &it.event);
        let new: Vec<_> = asked.messages.iter().chain(found).collect();
        repeated(conn, shared, settings, &new).await?
    } else {
        HashSet::new()
    };
    session.keep();
    Ok(Found {
        items,
        backlogs,
        events,
        repeated,
    })
}

/// The events that are to be handed out, by position.
async fn events(
    conn: &mut Connection,
    log: &Log,
    sought: &[Sought],
) -> Result<HashMap<i64, Shown>, Error> {
    let places = sought.iter().map(|it| (it.position, Some(it.received_at)));
    let events = events_at(conn, &places.collect::<Vec<_>>()).await?;
    let contents = sought.iter().filter(|it| it.content);
    let contents: HashSet<_> = contents.map(|it| it.position).collect();
    let has_content = |event: &EventRow| contents.contains(&event.position);
    let (mut with, without): (Vec<_>, Vec<_>) = events.into_iter().partition(has_content);
    read_payloads(conn, &mut with).await?;
    let with = with.into_iter().map(|event| shown(log, event, true));
    let without = without.into_iter().map(|event| shown(log, event, false));
    Ok(with
        .chain(without)
        .map(|it| (it.event.position, it))
        .collect())
}

/// Positions of those of `new` whose message or comment came before, through another app.
async fn repeated(
    conn: &mut Connection,
    shared: &Shared,
    settings: &Settings,
    new: &[&Arc<EventRow>],
) -> Result<HashSet<i64>, Error> {
    let messages: Vec<_> = new
        .iter()
        .filter_map(|it| it.ids.message_id.as_deref())
        .collect();
    let comments: Vec<_> = new
        .iter()
        .filter_map(|it| it.ids.comment_id.as_deref())
        .collect();
    let first = new
        .iter()
        .map(|it| it.received_at)
        .min()
        .unwrap_or_default();
    let since = first.checked_sub(APART).unwrap_or(Timestamp::MIN);
    let places = events_of(conn, &messages, &comments, since).await?;
    let earlier = events_at(conn, &places).await?;
    let clients = shared.log.clients();
    let is_chosen = |it: &&EventRow| settings.chooses(it, clients.of(it).map(String::as_str));
    let earlier: Vec<_> = earlier.iter().filter(is_chosen).collect();
    let is_repeated = |it: &&&Arc<EventRow>| earlier.iter().any(|other| is_same(other, it));
    Ok(new
        .iter()
        .filter(is_repeated)
        .map(|it| it.position)
        .collect())
}

/// True if `other` is the same message or comment as `event`, and came before through another app.
fn is_same(other: &EventRow, event: &EventRow) -> bool {
    let of = |it: &EventRow| (it.ids.message_id.clone(), it.ids.comment_id.clone());
    other.position < event.position
        && other.app != event.app
        && other.account_id == event.account_id
        && other.kind == event.kind
        && of(event) != (None, None)
        && of(other) == of(event)
}

/// The first items of a lane that are chosen.
async fn next_items(
    conn: &mut Connection,
    settings: (&Log, &Settings),
    mut wish: Wish,
    end: Instant,
) -> Result<(Wish, Vec<Item>), Error> {
    let (lane, size) = ((&wish.ids, wish.after), (ROWS, MOST_LATER));
    let events = next_chosen(conn, settings, (lane, &mut wish.through), size, end).await?;
    let items = events.iter().map(|event| settings.1.item(event));
    let items = items.filter(|item| item.lane == wish.lane).collect();
    Ok((wish, items))
}

/// The first events of a backlog that are chosen, and the positions before them whose days were
/// dropped: `first` is the first position with an event.
async fn next_passed(
    conn: &mut Connection,
    settings: (&Log, &Settings),
    (mut wish, first): (BacklogWish, i64),
    end: Instant,
) -> Result<Passed, Error> {
    let (from, to) = (wish.after + 1, (first - 1).min(wish.through));
    let gap = (from <= to).then_some(Gap { from, to });
    let (account, size) = ((&wish.ids, wish.after), (PASSED_ROWS, wish.most));
    let events = next_chosen(conn, settings, (account, &mut wish.through), size, end).await?;
    Ok(Passed { wish, events, gap })
}

/// The first events of a lane or an account after a position that are chosen, at most `most`. Lowers
/// `through` to their end if there may be more: many others are looked up in parts.
async fn next_chosen(
    conn: &mut Connection,
    (log, settings): (&Log, &Settings),
    ((ids, mut after), through): ((&LaneIds, i64), &mut i64),
    (mut limit, most): (u32, usize),
    end: Instant,
) -> Result<Vec<EventRow>, Error> {
    let (filter, clients) = (settings.lane_filter(ids), log.clients());
    let is_chosen = |row: &EventRow| settings.chooses(row, clients.of(row).map(String::as_str));
    let mut events = Vec::new();
    loop {
        let rows = next_of_lane(conn, &filter, after, *through, limit).await?;
        let Some(last) = rows.last() else {
            return Ok(events);
        };
        (after, limit) = (last.position, (4 * limit).min(MOST_ROWS));
        events.extend(rows.into_iter().filter(is_chosen));
        events.truncate(most);
        if events.len() == most || Instant::now() > end {
            let last = events.last().filter(|_| events.len() == most);
            *through = last.map_or(after, |last| last.position);
            return Ok(events);
        }
    }
}

fn shown(log: &Log, event: EventRow, content: bool) -> Shown {
    Shown {
        client: log.clients().of(&event).cloned(),
        json: json(event.clone(), content),
        event: event.into(),
    }
}
