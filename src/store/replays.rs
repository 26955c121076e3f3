//! Replays: stored events that a consumer gets again, as a second cursor with an end.
//!
//! Operators create, pause, resume and cancel replays. The owner of the consumer hands the events
//! out, and writes the progress with its [flushes](super::consumers::flush()).

use jiff::Timestamp;
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};

use super::{Error, consumers::heads};
use crate::{store::read::EventFilter, vocabulary::spelled};

spelled! {
    /// State of a replay.
    pub enum ReplayState {
        /// Its events are handed out, or it waits for an earlier replay of the consumer.
        Running = "running",
        /// An operator paused it.
        Paused = "paused",
        /// All of its events are settled.
        Done = "done",
        /// An operator cancelled it.
        Cancelled = "cancelled",
    }
}

/// Replay to create.
#[derive(Clone, Debug)]
pub struct NewReplay<'a> {
    /// Name of the consumer or destination.
    pub consumer: &'a str,
    /// The events.
    pub choice: ReplayChoice,
    /// Maximum number of events read a second.
    pub rate: Option<u32>,
    /// Reason given by the operator.
    pub note: Option<&'a str>,
    /// Name of the operator, as in the audit log.
    pub operator: &'a str,
    /// Number of events of the plan.
    pub events: i64,
    /// Position before the first event of the plan.
    pub after: i64,
    /// Position of the last event of the plan.
    pub through: i64,
}

/// Events of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayChoice {
    /// The filters of a list of events.
    pub filter: EventFilter,
    /// Only events with a dead letter of the consumer.
    pub of_dead: bool,
    /// Hands out events older than `max_age` as well.
    pub ignore_max_age: bool,
}

/// A replay with its progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Number of the replay.
    pub id: i32,
    /// Name of the consumer or destination.
    pub consumer: String,
    /// State.
    pub state: ReplayState,
    /// The events.
    pub choice: ReplayChoice,
    /// Maximum number of events read a second.
    pub rate: Option<u32>,
    /// Reason given by the operator.
    pub note: Option<String>,
    /// Name of the operator, as in the audit log.
    pub operator: String,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time at which it was done or cancelled.
    pub ended_at: Option<Timestamp>,
    /// Number of events of the plan.
    pub events: i64,
    /// Position before the first event of the plan.
    pub after: i64,
    /// Position of the last event of the plan.
    pub through: i64,
    /// Last position read.
    pub position: i64,
    /// Unsettled events up to `position`, in ascending order.
    pub heads: Vec<i64>,
    /// Number of settled events.
    pub settled: i64,
    /// Number of skipped events: gone, too old, or not chosen by the consumer.
    pub skipped: i64,
    /// Number of events that became dead letters.
    pub dead: i64,
}

/// Progress of a replay, written by a flush of the owner of its consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Number of the replay.
    pub id: i32,
    /// Last position read.
    pub position: i64,
    /// Unsettled events up to `position`, in ascending order.
    pub heads: Vec<i64>,
    /// Number of settled events.
    pub settled: i64,
    /// Number of skipped events.
    pub skipped: i64,
    /// Number of events that became dead letters.
    pub dead: i64,
    /// True if all events are settled.
    pub is_done: bool,
}

impl ReplayState {
    /// True for the last states.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl Replay {
    fn of(row: &PgRow) -> Result<Self, Error> {
        let position = row.try_get("position")?;
        let state: String = row.try_get("state")?;
        let mut states = ReplayState::ALL.iter().copied();
        let rate: Option<i32> = row.try_get("rate")?;
        let created_at: jiff_sqlx::Timestamp = row.try_get("created_at")?;
        let ended_at: Option<jiff_sqlx::Timestamp> = row.try_get("ended_at")?;
        let Json(filter) = row.try_get("filter")?;
        Ok(Self {
            id: row.try_get("id")?,
            consumer: row.try_get("consumer")?,
            state: states
                .find(|it| it.as_str() == state)
                .unwrap_or(ReplayState::Paused),
            choice: ReplayChoice {
                filter,
                of_dead: row.try_get("of_dead")?,
                ignore_max_age: row.try_get("ignore_max_age")?,
            },
            rate: rate.map(i32::unsigned_abs),
            note: row.try_get("note")?,
            operator: row.try_get("operator")?,
            created_at: created_at.to_jiff(),
            ended_at: ended_at.map(jiff_sqlx::Timestamp::to_jiff),
            events: row.try_get("events")?,
            after: row.try_get("after")?,
            through: row.try_get("through")?,
            position,
            heads: heads::decode(position, row.try_get("heads")?).map_err(Error::Heads)?,
            settled: row.try_get("settled")?,
            skipped: row.try_get("skipped")?,
            dead: row.try_get("dead")?,
        })
    }
}

/// Creates a replay in the state `running`. Returns its number.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn create(conn: &mut PgConnection, new: NewReplay<'_>) -> Result<i32, Error> {
    let create = sqlx::query_scalar(
        "INSERT INTO replays (consumer, filter, of_dead, ignore_max_age, rate, note, operator,
                              events, after, through, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9) RETURNING id",
    );
    let create = create.bind(new.consumer).bind(Json(&new.choice.filter));
    let create = create
        .bind(new.choice.of_dead)
        .bind(new.choice.ignore_max_age);
    let rate = new.rate.map(|rate| i32::try_from(rate).unwrap_or(i32::MAX));
    let create = create.bind(rate).bind(new.note).bind(new.operator);
    let create = create.bind(new.events).bind(new.after).bind(new.through);
    Ok(create.fetch_one(conn).await?)
}

/// Reads the first running replay of a consumer.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn running(conn: &mut PgConnection, consumer: &str) -> Result<Option<Replay>, Error> {
    let running = sqlx::query(
        "SELECT * FROM replays WHERE consumer = $1 AND state = 'running' ORDER BY id LIMIT 1",
    );
    let row = running.bind(consumer).fetch_optional(conn).await?;
    row.as_ref().map(Replay::of).transpose()
}

/// Reads the replays of a consumer that a new owner needs, in the order of their numbers: the first
/// running one, and those with unsettled events, which workers may have. A lease lasts for an hour at
/// most.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn unfinished(conn: &mut PgConnection, consumer: &str) -> Result<Vec<Replay>, Error> {
    let unfinished = sqlx::query(
        "SELECT * FROM replays
         WHERE consumer = $1
           AND (heads <> '' AND (state IN ('running', 'paused')
                                 OR (state = 'cancelled'
                                     AND ended_at > clock_timestamp() - interval '1 hour'))
                OR id = (SELECT id FROM replays WHERE consumer = $1 AND state = 'running'
                         ORDER BY id LIMIT 1))
         ORDER BY id",
    );
    let rows = unfinished.bind(consumer).fetch_all(conn).await?;
    rows.iter().map(Replay::of).collect()
}

/// Reads the first running replay of a consumer, and those with the numbers `known`, in the order of
/// their numbers.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn running_and(
    conn: &mut PgConnection,
    consumer: &str,
    known: &[i32],
) -> Result<Vec<Replay>, Error> {
    let look = sqlx::query(
        "SELECT * FROM replays
         WHERE consumer = $1 AND id = ANY ($2 || ARRAY(
             SELECT id FROM replays WHERE consumer = $1 AND state = 'running'
             ORDER BY id LIMIT 1))
         ORDER BY id",
    );
    let rows = look.bind(consumer).bind(known).fetch_all(conn).await?;
    rows.iter().map(Replay::of).collect()
}

/// Reads a replay.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn replay(conn: &mut PgConnection, id: i32) -> Result<Option<Replay>, Error> {
    let show = sqlx::query("SELECT * FROM replays WHERE id = $1");
    let row = show.bind(id).fetch_optional(conn).await?;
    row.as_ref().map(Replay::of).transpose()
}

/// Reads replays, the newest first, at most `limit`; only those of a consumer, or before a number,
/// if these are given.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn replays(
    conn: &mut PgConnection,
    consumer: Option<&str>,
    before: Option<i32>,
    limit: u32,
) -> Result<Vec<Replay>, Error> {
    let list = sqlx::query(
        "SELECT * FROM replays WHERE ($1::text IS NULL OR consumer = $1) AND id < $2
         ORDER BY id DESC LIMIT $3",
    );
    let list = list.bind(consumer).bind(before.unwrap_or(i32::MAX));
    let rows = list.bind(i64::from(limit)).fetch_all(conn).await?;
    rows.iter().map(Replay::of).collect()
}

/// Puts a replay that has not ended into another state. Returns false if there is none, or if it has
/// ended.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn set_state(
    conn: &mut PgConnection,
    id: i32,
    state: ReplayState,
) -> Result<bool, Error> {
    let set = sqlx::query(
        "UPDATE replays SET state = $2,
             ended_at = CASE WHEN $2 IN ('done', 'cancelled') THEN clock_timestamp() END
         WHERE id = $1 AND state IN ('running', 'paused')",
    );
    let set = set.bind(id).bind(state.as_str()).execute(conn).await?;
    Ok(set.rows_affected() > 0)
}
