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
        consumers::{
            self, Backlog, EventRow, Progress, Taken, Totals, WaitingLane, events_at, first_stored,
        },
        wake,
    },
    telemetry::{
        LogEvent,
        consumers::{ConsumerMissed, ConsumerRewound},
    },
};

/// State of a consumer at its takeover, with the events that tell its lanes.
struct Loaded {
    /// Waiting lanes.
    rows: Vec<WaitingLane>,
    /// Events at the heads and waiting lanes that are still stored, by position.
    events: HashMap<i64, EventRow>,
    /// Backlogs with their last events, if these are still stored.
    backlogs: Vec<(Backlog, Option<EventRow>)>,
}

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
    let mut loaded = Loaded::read(conn, (shared, name), taken).await?;
    let drawn = within_deadline(wake::last_drawn(conn)).await?;
    let progress = &taken.progress;
    let (now, lane) = (Instant::now(), settings.lane.as_str());
    let mut position = progress.position;
    if let Some((first, cause)) = loaded.first_lost(progress, lane) {
        position = first - 1;
        loaded.forget_from(first);
        let heads = progress.heads.iter().filter(|head| **head < first);
        let heads: Vec<_> = heads.copied().collect();
        let backlogs = loaded.backlogs();
        let place = (position, &heads[..], &backlogs[..]);
        let rewind = consumers::rewind(conn, name, taken.generation, place, lane);
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
        backlogs: Vec::new(),
        waiting: Vec::new(),
        leases: taken.leases.clone(),
    };
    loaded.fill(&mut stored, &settings, now);
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

impl Loaded {
    async fn read(
        conn: &mut Connection,
        (shared, name): (&Shared, &Arc<str>),
        taken: &Taken,
    ) -> Result<Self, Error> {
        let rows = within_deadline(consumers::waiting(conn, name)).await?;
        let progress = &taken.progress;
        let mut events = within_deadline(events(shared, progress, &rows)).await?;
        let mut backlogs = Vec::new();
        for backlog in progress.backlogs.iter().copied() {
            let event = events.remove(&backlog.last);
            // Without an older event, all events of the backlog were dropped with their days.
            if event.is_some() || has_events_before(conn, backlog.last).await? {
                backlogs.push((backlog, event));
            } else {
                let (consumer, from) = (Arc::clone(name), backlog.after + 1);
                let to = backlog.last;
                ConsumerMissed { consumer, from, to }.emit();
            }
        }
        Ok(Self {
            rows,
            events,
            backlogs,
        })
    }

    fn backlogs(&self) -> Vec<Backlog> {
        self.backlogs.iter().map(|(backlog, _)| *backlog).collect()
    }

    /// First position from which the lanes cannot be known, and the cause.
    fn first_lost(&self, progress: &Progress, lane: &str) -> Option<(i64, &'static str)> {
        let is_same = progress.lane == lane;
        let heads = progress.heads.iter().copied();
        let heads = heads.chain(self.rows.iter().map(|row| row.position));
        let heads = heads.filter(|head| !(is_same && self.events.contains_key(head)));
        let backlogs = self.backlogs.iter();
        let backlogs = backlogs.filter(|(_, event)| !(is_same && event.is_some()));
        let all = heads.chain(backlogs.map(|(backlog, _)| backlog.after + 1));
        all.min()
            .map(|first| (first, if is_same { "gone" } else { "lane" }))
    }

    /// Forgets everything that is read again from the position `first` on.
    fn forget_from(&mut self, first: i64) {
        self.rows.retain(|row| row.position < first);
        self.events.retain(|head, _| *head < first);
        self.backlogs
            .retain(|(backlog, _)| backlog.after + 1 < first);
    }

    /// Fills in heads and backlogs, of which none is missing.
    fn fill(mut self, stored: &mut Stored, settings: &Settings, now: Instant) {
        for row in self.rows {
            let event = self.events.remove(&row.position);
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
        for (backlog, event) in self.backlogs {
            let event = event.iter();
            let event = event.map(|it| (backlog, settings.item(it), settings.ids(it)));
            stored.backlogs.extend(event);
        }
        let heads = self.events.into_values();
        let heads = heads.map(|event| (settings.item(&event), settings.ids(&event)));
        stored.heads.extend(heads);
    }
}

/// True if an event before `position` is stored.
async fn has_events_before(conn: &mut Connection, position: i64) -> Result<bool, Error> {
    let first = within_deadline(first_stored(conn)).await?;
    Ok(first.is_some_and(|first| first < position))
}

/// Events at the heads, waiting lanes and ends of backlogs, by position.
async fn events(
    shared: &Shared,
    progress: &Progress,
    rows: &[WaitingLane],
) -> Result<HashMap<i64, EventRow>, Error> {
    let heads = progress.heads.iter().copied();
    let heads = heads.chain(progress.backlogs.iter().map(|backlog| backlog.last));
    let rows = rows.iter().map(|row| (row.position, Some(row.received_at)));
    let mut session = shared.log.session().await?;
    let wanted: Vec<_> = heads.map(|head| (head, None)).chain(rows).collect();
    let events = events_at(session.connection(), &wanted).await?;
    session.keep();
    let events = events.into_iter();
    Ok(events.map(|event| (event.position, event)).collect())
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
