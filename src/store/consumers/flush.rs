//! Flush: progress of a consumer, written by its owner in one autocommit statement.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{Backlog, Totals, heads, millis};
use crate::store::{Error, replays::ReplayProgress};

/// Progress of a consumer. A flush may be repeated if its answer was lost: totals are absolute, and
/// the first failure of an event keeps its time.
#[derive(Clone, Debug)]
pub struct Flush {
    /// Name of the consumer.
    pub name: String,
    /// Generation of the ownership.
    pub generation: i64,
    /// Last position read.
    pub position: i64,
    /// Everything committed before this time has a position up to `position`; `None` keeps the stored
    /// time. A time without the position that it belongs to would hide events at the next takeover.
    pub caught_up_at: Option<Timestamp>,
    /// Unit of ordering of the heads: `person`, `account` or `none`.
    pub lane: &'static str,
    /// First unsettled position of each lane that does not wait, in ascending order.
    pub heads: Vec<i64>,
    /// Backlogs of accounts.
    pub backlogs: Vec<Backlog>,
    /// Time for which the ownership goes on.
    pub owned_for: Duration,
    /// Numbers of events since the consumer was created.
    pub totals: Totals,
    /// Changes of heads outside of `heads`, by position. One change for each position: the
    /// statement cannot delete and write the same row.
    pub lanes: BTreeMap<i64, LaneChange>,
    /// Reason of a new pause; `None` changes nothing.
    pub pause: Option<&'static str>,
    /// Positions of events whose dead letters are settled, if there are any: after a retry or a
    /// replay. None of these becomes a dead letter in the same flush.
    pub settled_letters: Vec<i64>,
    /// Progress of replays of the consumer.
    pub replays: Vec<ReplayProgress>,
}

/// Change of a lane that waits, or begins to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneChange {
    /// The head is settled: the lane waits no longer.
    Settled,
    /// The lane waits for the next attempt at its head.
    Waiting {
        /// Last failure of the head.
        failure: Failure,
        /// Time until the next attempt.
        delay: Duration,
    },
    /// The head becomes a dead letter, or a retried dead letter failed again: the lane waits no
    /// longer.
    Dead {
        /// Last failure of the head.
        failure: Failure,
        /// Rule that gave the event up.
        reason: &'static str,
    },
}

/// Failure of a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Time of receipt of the event.
    pub received_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time since the first failure. The first flush with the failure decides.
    pub failed_for: Duration,
    /// Code of the last failure: a few letters, digits and underscores, never a text.
    pub code: String,
}

/// Result of a flush.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Everything was written.
    Written {
        /// Reason of a pause, if the consumer is paused by now.
        paused: Option<String>,
    },
    /// Another process owns the consumer, or it was moved or removed: nothing was written.
    Lost,
}

/// Place (`ctid`) of the present version of a consumer's row, as the last flush left it. A flush that
/// knows the place does not search the index: the index has an entry for each version that a
/// transaction held open by another client keeps.
#[derive(Clone, Debug, Default)]
pub struct RowPlace(Option<String>);

/// Writes the progress of a consumer, and extends the ownership.
///
/// # Errors
/// If Postgres is unavailable. Nothing was written, unless only the answer was lost: the same flush,
/// or a later one with the same changes, can be sent again.
pub async fn flush(conn: &mut PgConnection, flush: &Flush) -> Result<Flushed, Error> {
    flush_at(conn, flush, &mut RowPlace::default()).await
}

/// Same as [`flush()`], with the place of the row, which it updates.
///
/// # Errors
/// Same as [`flush()`].
pub async fn flush_at(
    conn: &mut PgConnection,
    flush: &Flush,
    place: &mut RowPlace,
) -> Result<Flushed, Error> {
    loop {
        if let Some(known) = &place.0
            && let Some((paused, now)) = send(conn, flush, known).await?
        {
            place.0 = Some(now);
            return Ok(Flushed::Written { paused });
        }
        // Another process may have changed the row since the place was known.
        let search = sqlx::query_scalar("SELECT ctid::text FROM consumers WHERE name = $1");
        let found = search.bind(&flush.name).fetch_optional(&mut *conn).await?;
        if found.is_none() || found == place.0 {
            return Ok(Flushed::Lost);
        }
        place.0 = found;
    }
}

/// Sends the statement. Returns the reason of a pause and the place of the row; `None` if nothing was
/// written, because the row has another generation or is not at `place`.
async fn send(
    conn: &mut PgConnection,
    flush: &Flush,
    place: &str,
) -> Result<Option<(Option<String>, String)>, Error> {
    let (lanes, replays) = (Lanes::of(&flush.lanes), Replays::of(&flush.replays));
    let mine = sqlx::query_as(FLUSH)
        .bind(&flush.name)
        .bind(flush.generation)
        .bind(flush.position)
        .bind(flush.caught_up_at.map(ToSqlx::to_sqlx))
        .bind(heads::encode(flush.position, &flush.heads))
        .bind(flush.lane)
        .bind(millis(flush.owned_for))
        .bind(flush.totals.settled)
        .bind(flush.totals.dead)
        .bind(flush.totals.gone)
        .bind(flush.totals.too_old)
        .bind(flush.totals.repeated)
        .bind(flush.totals.filtered)
        .bind(lanes.done)
        .bind(lanes.waiting.positions)
        .bind(lanes.waiting.received_at)
        .bind(lanes.waiting.attempts)
        .bind(lanes.waiting.failed_for)
        .bind(lanes.waiting.codes)
        .bind(lanes.delays)
        .bind(lanes.dead.positions)
        .bind(lanes.dead.received_at)
        .bind(lanes.dead.attempts)
        .bind(lanes.dead.failed_for)
        .bind(lanes.dead.codes)
        .bind(lanes.reasons)
        .bind(&flush.settled_letters)
        .bind(flush.pause)
        .bind(replays.ids)
        .bind(replays.positions)
        .bind(replays.heads)
        .bind(replays.settled)
        .bind(replays.skipped)
        .bind(replays.dead)
        .bind(replays.done)
        .bind(Backlog::encode(&flush.backlogs))
        .bind(place);
    Ok(mine.fetch_optional(conn).await?)
}

/// All parts depend on `mine`, which is empty for another generation, and if the log ends before the
/// position: the database was restored to an earlier state. A row that exists keeps the
/// time of its first failure. A letter that was retried and failed again is dead again; one that was
/// discarded since the first try of this flush stays discarded. A replay that was cancelled stays
/// cancelled, and one that is done has no later progress.
const FLUSH: &str = "
    WITH mine AS (
        UPDATE consumers
        SET position = $3, caught_up_at = coalesce($4, caught_up_at), heads = $5, lane = $6,
            owned_until = clock_timestamp() + $7 * interval '1 ms',
            settled = $8, dead = $9, gone = $10, too_old = $11, repeated = $12, filtered = $13,
            paused = coalesce($28, paused), leases = NULL, backlogs = $36
        WHERE name = $1 AND generation = $2 AND $3 <= (SELECT last_value FROM event_position)
          AND ctid = $37::text::tid
        RETURNING paused, ctid::text AS place
    ), done AS (
        DELETE FROM consumer_lanes USING mine
        WHERE consumer = $1 AND consumer_lanes.position = ANY ($14)
    ), late AS (
        INSERT INTO consumer_lanes (consumer, position, received_at, attempts, first_at, due_at,
                                    code)
        SELECT $1, lane.position, lane.received_at, lane.attempts,
               clock_timestamp() - lane.failed_for * interval '1 ms',
               clock_timestamp() + lane.delay * interval '1 ms', lane.code
        FROM mine CROSS JOIN unnest($15::bigint[], $16::timestamptz[], $17::int[], $18::bigint[],
                                    $19::text[], $20::bigint[])
             AS lane (position, received_at, attempts, failed_for, code, delay)
        ON CONFLICT (consumer, position) DO UPDATE
        SET attempts = excluded.attempts, due_at = excluded.due_at, code = excluded.code
    ), lost AS (
        INSERT INTO dead_letters (consumer, position, received_at, attempts, first_at, last_at,
                                  reason, code, state)
        SELECT $1, letter.position, letter.received_at, letter.attempts,
               clock_timestamp() - letter.failed_for * interval '1 ms', clock_timestamp(),
               letter.reason, letter.code, 'dead'
        FROM mine CROSS JOIN unnest($21::bigint[], $22::timestamptz[], $23::int[], $24::bigint[],
                                    $25::text[], $26::text[])
             AS letter (position, received_at, attempts, failed_for, code, reason)
        ON CONFLICT (consumer, position) DO UPDATE
        SET attempts = excluded.attempts, last_at = excluded.last_at, reason = excluded.reason,
            code = excluded.code, state = excluded.state
        WHERE dead_letters.state <> 'discarded' OR dead_letters.last_at < excluded.first_at
    ), retried AS (
        UPDATE dead_letters SET state = 'settled' FROM mine
        WHERE consumer = $1 AND dead_letters.position = ANY ($27) AND state IN ('dead', 'retried')
    ), replayed AS (
        UPDATE replays
        SET position = new.position, heads = new.heads, settled = new.settled,
            skipped = new.skipped, dead = new.dead,
            state = CASE WHEN new.done AND state <> 'cancelled' THEN 'done' ELSE state END,
            ended_at = CASE WHEN new.done AND state <> 'cancelled' THEN clock_timestamp()
                            ELSE ended_at END
        FROM mine CROSS JOIN unnest($29::int[], $30::bigint[], $31::bytea[], $32::bigint[],
                                    $33::bigint[], $34::bigint[], $35::bool[])
             AS new (id, position, heads, settled, skipped, dead, done)
        WHERE replays.id = new.id AND consumer = $1 AND state <> 'done'
    )
    SELECT paused, place FROM mine";

/// Changes of lanes, as columns of the statement.
#[derive(Debug, Default)]
struct Lanes<'a> {
    /// Heads of lanes that wait no longer.
    done: Vec<i64>,
    waiting: Failures<'a>,
    delays: Vec<i64>,
    dead: Failures<'a>,
    reasons: Vec<&'static str>,
}

/// Progress of replays, as columns of the statement.
#[derive(Debug, Default)]
struct Replays {
    ids: Vec<i32>,
    positions: Vec<i64>,
    heads: Vec<Vec<u8>>,
    settled: Vec<i64>,
    skipped: Vec<i64>,
    dead: Vec<i64>,
    done: Vec<bool>,
}

impl Replays {
    fn of(progress: &[ReplayProgress]) -> Self {
        let mut replays = Self::default();
        for replay in progress {
            replays.ids.push(replay.id);
            replays.positions.push(replay.position);
            let heads = heads::encode(replay.position, &replay.heads);
            replays.heads.push(heads);
            replays.settled.push(replay.settled);
            replays.skipped.push(replay.skipped);
            replays.dead.push(replay.dead);
            replays.done.push(replay.is_done);
        }
        replays
    }
}

#[derive(Debug, Default)]
struct Failures<'a> {
    positions: Vec<i64>,
    received_at: Vec<jiff_sqlx::Timestamp>,
    attempts: Vec<i32>,
    failed_for: Vec<i64>,
    codes: Vec<&'a str>,
}

impl<'a> Lanes<'a> {
    fn of(changes: &'a BTreeMap<i64, LaneChange>) -> Self {
        let mut lanes = Self::default();
        for (position, change) in changes {
            match change {
                LaneChange::Settled => lanes.done.push(*position),
                LaneChange::Waiting { failure, delay } => {
                    lanes.waiting.push(*position, failure);
                    lanes.delays.push(millis(*delay));
                }
                LaneChange::Dead { failure, reason } => {
                    lanes.done.push(*position);
                    lanes.dead.push(*position, failure);
                    lanes.reasons.push(*reason);
                }
            }
        }
        lanes
    }
}

impl<'a> Failures<'a> {
    fn push(&mut self, position: i64, failure: &'a Failure) {
        self.positions.push(position);
        self.received_at.push(failure.received_at.to_sqlx());
        self.attempts.push(failure.attempts);
        self.failed_for.push(millis(failure.failed_for));
        self.codes.push(&failure.code);
    }
}
