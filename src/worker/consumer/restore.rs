//! Takeover: the desk of a consumer as an earlier owner left it.

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::{Shared, within_deadline};
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
/// If the event at a head is no longer stored, its lane cannot be known: everything from the first
/// head on is read again. So it is if the unit of ordering has changed.
pub(super) async fn desk(
    conn: &mut Connection,
    (shared, name): (&Shared, &Arc<str>),
    settings: Arc<Settings>,
    taken: &Taken,
) -> Result<Option<Desk>, Error> {
    let rows = within_deadline(consumers::waiting(conn, name)).await?;
    let drawn = within_deadline(wake::last_drawn(conn)).await?;
    let events = heads(shared, taken, &rows).await?;
    let progress = &taken.progress;
    let is_whole = events.len() == progress.heads.len() + rows.len();
    let first = events_begin(progress, &rows);
    let rewound = first.filter(|_| !is_whole || progress.lane != settings.lane.as_str());
    let now = Instant::now();
    let mut stored = Stored {
        generation: taken.generation.unsigned_abs(),
        position: rewound.map_or(progress.position, |first| first - 1),
        drawn,
        counts: counts(&progress.totals),
        heads: Vec::new(),
        waiting: Vec::new(),
    };
    if rewound.is_some() {
        let lane = settings.lane.as_str();
        let rewind = consumers::rewind(conn, name, taken.generation, stored.position, lane);
        if !within_deadline(rewind).await? {
            return Ok(None);
        }
        ConsumerRewound {
            consumer: Arc::clone(name),
            position: stored.position,
            cause: if is_whole { "lane" } else { "gone" },
        }
        .emit();
    } else {
        fill(&mut stored, &settings, (events, rows), now);
    }
    let key = LeaseKey::new(taken.token_key.as_bytes());
    let limits = settings.limits(random());
    let lanes = Lanes::restore(stored, limits, now);
    let clock = shared.clock.clone();
    Ok(Some(Desk::new(
        Arc::clone(name),
        settings,
        key,
        lanes,
        clock,
    )))
}

/// Position of the first head.
fn events_begin(progress: &Progress, rows: &[WaitingLane]) -> Option<i64> {
    let rows = rows.first().map(|row| row.position);
    progress
        .heads
        .first()
        .copied()
        .into_iter()
        .chain(rows)
        .min()
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
