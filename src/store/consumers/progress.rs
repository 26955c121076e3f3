//! Progress of a consumer, as stored in its row.

use jiff::Timestamp;
use sqlx::{Row, postgres::PgRow};

use super::heads;
use crate::store::Error;

/// Place of a consumer in the log, and its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Last position read.
    pub position: i64,
    /// Everything committed before this time is read; `None` before the first catch-up.
    pub caught_up_at: Option<Timestamp>,
    /// First unsettled position of each lane that does not wait, in ascending order.
    pub heads: Vec<i64>,
    /// Backlogs of accounts.
    pub backlogs: Vec<Backlog>,
    /// Unit of ordering under which the heads were saved.
    pub lane: String,
    /// Numbers of settled and skipped events.
    pub totals: Totals,
    /// Reason of a pause.
    pub paused: Option<String>,
}

/// Backlog of an account: its events that were passed over, because too many of its lanes wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Position up to which the events of the account are read.
    pub after: i64,
    /// Position of its last event that was passed over. It tells the account.
    pub last: i64,
}

/// Numbers of events since the consumer was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Settled events.
    pub settled: i64,
    /// Events that became dead letters.
    pub dead: i64,
    /// Events that no longer existed at their turn.
    pub gone: i64,
    /// Events that were older than `max_age` at their turn.
    pub too_old: i64,
    /// Events of which another one was handed out, by `once_per`.
    pub repeated: i64,
    /// Events that no longer met the filter at their turn.
    pub filtered: i64,
}

impl Progress {
    /// Columns of a statement, separated by commas.
    pub(super) const COLUMNS: &'static str =
        "position, caught_up_at, heads, backlogs, lane, paused,
         settled, dead, gone, too_old, repeated, filtered";

    pub(super) fn of(row: &PgRow) -> Result<Self, Error> {
        let position = row.try_get("position")?;
        let caught_up_at: Option<jiff_sqlx::Timestamp> = row.try_get("caught_up_at")?;
        Ok(Self {
            position,
            caught_up_at: caught_up_at.map(jiff_sqlx::Timestamp::to_jiff),
            heads: heads::decode(position, row.try_get("heads")?).map_err(Error::Heads)?,
            backlogs: Backlog::decode(row.try_get("backlogs")?),
            lane: row.try_get("lane")?,
            totals: Totals::of(row)?,
            paused: row.try_get("paused")?,
        })
    }
}

impl Backlog {
    /// Pairs of numbers; null without a backlog.
    pub(super) fn encode(backlogs: &[Self]) -> Option<Vec<i64>> {
        let pairs = backlogs.iter().flat_map(|it| [it.after, it.last]);
        (!backlogs.is_empty()).then(|| pairs.collect())
    }

    fn decode(pairs: Option<Vec<i64>>) -> Vec<Self> {
        let pairs = pairs.unwrap_or_default();
        let (pairs, _) = pairs.as_chunks();
        pairs
            .iter()
            .map(|&[after, last]| Self { after, last })
            .collect()
    }
}

impl Totals {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            settled: row.try_get("settled")?,
            dead: row.try_get("dead")?,
            gone: row.try_get("gone")?,
            too_old: row.try_get("too_old")?,
            repeated: row.try_get("repeated")?,
            filtered: row.try_get("filtered")?,
        })
    }
}
