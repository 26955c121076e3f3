//! Takeover: the desk of a consumer as an earlier owner left it.

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::{
    Shared,
    retried::{replays, retried},
    within_deadline,
};
use crate::{
    forward::{
        consumer::{Desk, LeaseKey, Settings},
        lanes::{Code, Counts, Lanes, Stored, Waiting},
    },
    store::{
        Connection, Error,
        consumers::{self, EventRow, Progress, Taken, Totals, WaitingLane, events_at},
        wake,
    },
    telemetry::{LogEvent, consumers::ConsumerRewound},
};

/// Builds the desk from the stored state; `None` if the consumer was lost meanwhile.
///
/// If the event at a head is no longer stored, its lane cannot be known: everything from this head on
/// is read again. So is everything from the first head on if the unit of ordering has changed.
pub(super) async fn desk(
    conn: &mut Connection,
    (shared, name): (&Shared, &Arc<str>),
    settings: Arc<Settings>,
    taken: &Taken,
) -> Result<Option<Desk>, Error> {
    let mut rows = within_deadline(consumers::waiting(conn, name)).await?;
    let drawn = within_deadline(wake::last_drawn(conn)).await?;
    let mut events = within_deadline(heads(shared, taken, &rows)).await?;
    let progress = &taken.progress;
    let (now, lane) = (Instant::now(), settings.lane.as_str());
    let mut position = progress.position;
    if let Some((first, cause)) = first_lost(progress, &rows, &events, lane) {
        position = first - 1;
        rows.retain(|row| row.position < first);
        events.retain(|head, _| *head < first);
        let heads = progress.heads.iter().filter(|head| **head < first);
        let heads: Vec<_> = heads.copied().collect();
        let rewind = consumers::rewind(conn, name, taken.generation, (position, &heads), lane);
        if !within_deadline(rewind).await? {
            return Ok(None);
        }
        ConsumerRewound {
            consumer: Arc::clone(name),
            position,
            cause,
        }
        .emit();
    }
    let mut stored = Stored {
        generation: taken.generation.unsigned_abs(),
        position,
        drawn: if taken.leases.is_some() {
            progress.position
        } else {
            drawn
        },
        counts: counts(&progress.totals),
        heads: Vec::new(),
        waiting: Vec::new(),
        leases: taken.leases.clone(),
    };
    fill(&mut stored, &settings, (events, rows), now);
    let key = LeaseKey::new(taken.token_key.as_bytes());
    let limits = settings.limits(random());
    let lanes = Lanes::restore(stored, limits, now);
    let clock = shared.clock.clone();
    let replays = replays(conn, (shared, name), &settings).await?;
    let retried = retried(conn, name, &settings).await?;
    let mut desk = Desk::new(Arc::clone(name), settings, key, lanes, clock);
    desk.restore_extras(&replays, &retried, taken.leases.as_ref(), now);
    Ok(Some(desk))
}

/// First head from which the lanes cannot be known, and the cause.
fn first_lost(
    progress: &Progress,
    rows: &[WaitingLane],
    events: &HashMap<i64, EventRow>,
    lane: &str,
) -> Option<(i64, &'static str)> {
    let heads = progress.heads.iter().copied();
    let all = || heads.clone().chain(rows.iter().map(|row| row.position));
    if progress.lane == lane {
        let lost = all().filter(|head| !events.contains_key(head)).min();
        lost.map(|first| (first, "gone"))
    } else {
        all().min().map(|first| (first, "lane"))
    }
}

/// Events at the heads, by position.
async fn heads(
    shared: &Shared,
    taken: &Taken,
    rows: &[WaitingLane],
) -> Result<HashMap<i64, EventRow>, Error> {
    let heads = taken.progress.heads.iter().map(|head| (*head, None));
    let rows = rows.iter().map(|row| (row.position, Some(row.received_at)));
    let mut session = shared.log.session().await?;
    let wanted: Vec<_> = heads.chain(rows).collect();
    let events = events_at(session.connection(), &wanted).await?;
    session.keep();
    let events = events.into_iter();
    Ok(events.map(|event| (event.position, event)).collect())
}

/// Fills in the heads, of which none is missing.
fn fill(
    stored: &mut Stored,
    settings: &Settings,
    (mut events, rows): (HashMap<i64, EventRow>, Vec<WaitingLane>),
    now: Instant,
) {
    for row in rows {
        let event = events.remove(&row.position);
        let Some((event, code)) = event.zip(Code::new(&row.code)) else {
            continue;
        };
        let waiting = Waiting {
            item: settings.item(&event),
            attempts: row.attempts.unsigned_abs(),
            first_at: now.checked_sub(row.failed_for).unwrap_or(now),
            due_at: now + row.due_in,
            code,
        };
        stored.waiting.push((waiting, settings.ids(&event)));
    }
    let heads = events.into_values();
    let heads = heads.map(|event| (settings.item(&event), settings.ids(&event)));
    stored.heads.extend(heads);
}

fn counts(totals: &Totals) -> Counts {
    Counts {
        settled: totals.settled.unsigned_abs(),
        gone: totals.gone.unsigned_abs(),
        too_old: totals.too_old.unsigned_abs(),
        repeated: totals.repeated.unsigned_abs(),
        filtered: totals.filtered.unsigned_abs(),
        dead: totals.dead.unsigned_abs(),
    }
}

/// Random number that spreads the retries of the processes.
fn random() -> u64 {
    getrandom::u64().unwrap_or_default()
}
