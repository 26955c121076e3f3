//! Deletes simulated data in small transactions while the server keeps storing deliveries.
//!
//! Each transaction leaves consistent tables: an event is deleted together with its dedupe key, and
//! counts are lowered with the rows that they count. An interrupted purge therefore needs no
//! repair, only another run. Data that arrive after the purge has read a day are left to the next
//! purge.
//!
//! Dead letters go with their events. Waiting lanes and heads of consumers stay, because events of
//! the same lane may be behind them: the owner settles a head without an event.
//!
//! Lock order: the rows of the followers `stats` and `conversations`, the fence, rows, keys. A commit
//! locks the fence before the event that it completes. The fence is held while the events of one
//! batch and their keys are deleted, so that no commit can find them. Conversations and media are
//! counted again before.

mod accounts;
mod batch;
mod events;
mod new_rows;
mod survey;
mod turn;

use jiff::civil::Date;
use sqlx::{PgConnection, postgres::PgConnectOptions};

use self::{events::Events, new_rows::NewRows, survey::Survey};
use super::{Error, callbacks, connect::connect_rewriter, follow::Turn, stats};

/// Advisory lock of a running purge or reparse.
const REWRITERS: i64 = 0x0068_6f6f_6b73_6833;

/// A purge in progress.
#[derive(Debug)]
pub struct Purge {
    conn: PgConnection,
    survey: Survey,
    new_rows: NewRows,
}

/// Numbers of rows that a purge will delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Days with simulated data, in order.
    pub days: Vec<DayPlan>,
    /// Number of accounts without any other delivery.
    pub accounts: usize,
    /// Number of rows of `stats_hourly`.
    pub stats: i64,
    /// Number of events that stay because another delivery repeated them.
    pub turned: usize,
}

/// Numbers of rows that a purge will delete from one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayPlan {
    /// Day (UTC) of `received_at`.
    pub day: Date,
    /// Number of deliveries.
    pub deliveries: i64,
    /// Number of events.
    pub events: i64,
    /// Number of repeats.
    pub repeats: i64,
}

/// Numbers of deleted rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Number of deliveries.
    pub deliveries: u64,
    /// Number of events.
    pub events: u64,
    /// Number of repeats.
    pub repeats: u64,
    /// Number of dedupe keys.
    pub keys: u64,
    /// Number of events that were turned into events of another delivery, which had repeated them.
    pub turned: u64,
}

impl Purge {
    /// Opens a session and surveys the tables. Deletes nothing.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        // After a crash the last batches may be back as a whole; the next purge deletes them again.
        let options = options.clone().options([("synchronous_commit", "off")]);
        let mut conn = connect_rewriter(&options, "hookshelf purge").await?;
        let mut new_rows = NewRows::begin(&mut conn).await?;
        let survey = Survey::take(&mut conn).await?;
        if survey.has_old {
            new_rows.note_keys();
        }
        Ok(Self {
            conn,
            survey,
            new_rows,
        })
    }

    /// Numbers of rows to delete.
    pub fn plan(&self) -> Plan {
        self.survey.plan()
    }

    /// Brings the counts up to date and deletes the accounts; returns the number of deleted
    /// accounts. Accounts are deleted first, while the rows that prove their simulated origin still
    /// exist.
    ///
    /// # Errors
    /// If Postgres is unavailable; the next purge continues.
    pub async fn begin(&mut self) -> Result<u64, Error> {
        claim(&mut self.conn).await?;
        // The survey read whole partitions; all later statements look rows up by key.
        sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
            .execute(&mut self.conn)
            .await?;
        let mut counting = stats::follower();
        while is_behind(counting.turn(&mut self.conn, &mut stats::Hourly).await?) {}
        accounts::delete(&mut self.conn, &self.survey.accounts, &mut self.new_rows).await
    }

    /// Deletes the simulated rows of one day.
    ///
    /// # Errors
    /// Same as [`begin`](Self::begin).
    pub async fn day(&mut self, day: Date) -> Result<Purged, Error> {
        let mut purged = Purged::default();
        let cut = batch::cut(&mut self.conn, day).await?;
        let mut after = 0;
        while let Some(last) = batch::repeats(&mut self.conn, &cut, after, &mut purged).await? {
            after = last;
        }
        after = 0;
        while let Some(events) = Events::next(&mut self.conn, &cut, after).await? {
            self.events(&cut, &events, &mut purged).await?;
            after = events.last;
        }
        batch::deliveries(&mut self.conn, &mut purged).await?;
        stats::delete_empty(&mut self.conn, (cut.from, cut.to)).await?;
        Ok(purged)
    }

    /// Deletes counts of days whose partitions were dropped, and the time of the last simulated
    /// delivery.
    ///
    /// # Errors
    /// Same as [`begin`](Self::begin).
    pub async fn finish(mut self) -> Result<(), Error> {
        batch::counts_without_rows(&mut self.conn).await?;
        callbacks::forget_simulated(&mut self.conn).await
    }
}

/// True if the follower has still to count rows that existed when its turn began. Rows that arrive
/// later are left to the server: waiting for them might never end.
fn is_behind(turn: Turn) -> bool {
    match turn {
        Turn::Idle => false,
        Turn::Moved(lag) => lag.positions > 0,
        Turn::Taken => true,
    }
}

/// Takes the advisory lock until the session ends: two purges at once would process the same rows,
/// and a reparse would move rows that a purge has listed.
pub(super) async fn claim(conn: &mut PgConnection) -> Result<(), Error> {
    let alone: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(REWRITERS)
        .fetch_one(conn)
        .await?;
    if alone {
        Ok(())
    } else {
        Err(Error::RewriteRuns)
    }
}
