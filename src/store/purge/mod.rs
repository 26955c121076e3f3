//! Takes away what was simulated, in small transactions beside a server that goes on receiving.
//!
//! Each transaction leaves the tables as if its rows had never been: an event goes together with
//! its dedupe key, and counts with the rows that they count. So an interruption at any point
//! leaves less to do and nothing to repair. What arrives after the purge has looked at a day stays
//! whole, for the next one.
//!
//! Locks are taken in one order: the row of the follower `stats`, rows, the fence, keys. The fence
//! is held for the deletion of the keys of one batch, during which no commit can find them; rows
//! that other commits never lock go before.

mod accounts;
mod batch;
mod events;
mod survey;
mod turn;
mod watch;

use std::time::Duration;

use jiff::civil::Date;
use sqlx::{PgConnection, postgres::PgConnectOptions};

use self::{events::Events, survey::Survey, watch::Watch};
use super::{Error, callbacks, connect, follow::Turn, stats};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// Whoever purges holds this advisory lock.
const PURGERS: i64 = 0x0068_6f6f_6b73_6833;

/// A purge under way.
#[derive(Debug)]
pub struct Purge {
    conn: PgConnection,
    survey: Survey,
    watch: Watch,
}

/// What a purge is going to take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The days that have anything of it, in order.
    pub days: Vec<DayPlan>,
    /// Accounts that nothing else speaks for.
    pub accounts: usize,
    /// Rows of `stats_hourly`.
    pub stats: i64,
    /// Events that stay because something else brought them again.
    pub turned: usize,
}

/// What a purge is going to take away of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayPlan {
    /// The day (UTC) of receiving.
    pub day: Date,
    /// How many deliveries.
    pub deliveries: i64,
    /// How many events.
    pub events: i64,
    /// How many repeats.
    pub repeats: i64,
}

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// How many deliveries.
    pub deliveries: u64,
    /// How many events.
    pub events: u64,
    /// How many repeats.
    pub repeats: u64,
    /// How many dedupe keys.
    pub keys: u64,
    /// Events that became those of another delivery, which had brought them again.
    pub turned: u64,
}

impl Purge {
    /// Opens a session and looks what there is. Nothing is taken away yet.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn open(options: &PgConnectOptions) -> Result<Self, Error> {
        let options = options
            .clone()
            .application_name("hookshelf purge")
            .options([
                ("plan_cache_mode", "force_custom_plan"),
                ("default_transaction_isolation", "read committed"),
                ("statement_timeout", "10min"),
                ("lock_timeout", "0"),
                ("idle_in_transaction_session_timeout", "5s"),
                // A crash may bring back the last batches, whole as they were; they are purged again.
                ("synchronous_commit", "off"),
                ("jit", "off"),
            ]);
        let mut conn = connect(&options, CONNECTING).await?;
        let mut watch = Watch::begin(&mut conn).await?;
        let survey = Survey::take(&mut conn).await?;
        if survey.has_old {
            watch.note_keys();
        }
        Ok(Self {
            conn,
            survey,
            watch,
        })
    }

    /// What there is to take away.
    pub fn plan(&self) -> Plan {
        self.survey.plan()
    }

    /// Brings the counts up to date and takes away the accounts. They go first, while what tells
    /// that only simulated deliveries made them is still there; says how many went.
    ///
    /// # Errors
    /// Where Postgres is away; the next purge goes on.
    pub async fn begin(&mut self) -> Result<u64, Error> {
        claim(&mut self.conn).await?;
        // The survey read whole partitions; from here on rows are found by their keys.
        sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
            .execute(&mut self.conn)
            .await?;
        let mut counting = stats::follower();
        while is_behind(counting.turn(&mut self.conn, &mut stats::Hourly).await?) {}
        accounts::delete(&mut self.conn, &self.survey.accounts, &mut self.watch).await
    }

    /// Takes away what a day has of it.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
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
        batch::empty_counts(&mut self.conn, &cut).await?;
        Ok(purged)
    }

    /// Takes away counts of days whose rows were dropped long ago, and when the last one came.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn finish(mut self) -> Result<(), Error> {
        batch::counts_without_rows(&mut self.conn).await?;
        callbacks::forget_simulated(&mut self.conn).await
    }
}

/// Whether a turn left something of what was there when it began. What arrives meanwhile is left to
/// the server, or there would be no end while deliveries come.
fn is_behind(turn: Turn) -> bool {
    match turn {
        Turn::Idle => false,
        Turn::Moved(lag) => lag.positions > 0,
        Turn::Taken => true,
    }
}

/// Two at once would take the same rows for their own. The lock ends with the session.
async fn claim(conn: &mut PgConnection) -> Result<(), Error> {
    let alone: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(PURGERS)
        .fetch_one(conn)
        .await?;
    if alone { Ok(()) } else { Err(Error::PurgeRuns) }
}
