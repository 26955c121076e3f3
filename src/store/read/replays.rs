//! Replays, and the numbers of their plans.
//!
//! A plan is one statement: it reads the events that the filter selects, up to a maximum, and counts
//! them by kind, day and account at the same time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Postgres, QueryBuilder};

use super::{Between, Conditions, Error, EventFilter, MOST_COUNTED, Order, Reader};
use crate::{
    config::EventChoice,
    store::replays::{self, Replay},
};

/// Maximum number of days in a plan.
const MOST_DAYS: i64 = 31;

/// Maximum number of accounts in a plan.
const MOST_ACCOUNTS: i64 = 10;

/// Settings of a transaction that looks up the event of each dead letter. The planner believes that
/// letters of all partitions are as likely, and would read all events.
const BY_DEAD_LETTERS: &str =
    "BEGIN; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Columns of events that the numbers need.
const COLUMNS: &str =
    "position, received_at, occurred_at, kind, app, account_id, channel, source, is_echo, is_self";

/// Numbers of all events, and of each kind, day and account; the most frequent ones first.
const COUNT: &str = "
    SELECT what, name, number, events, filtered, too_old, first, last, first_at, last_at
    FROM (
        SELECT grouping(kind, day, account_id) AS what,
               coalesce(kind, day, account_id) AS name,
               count(*) OVER same AS number,
               row_number() OVER (same ORDER BY count(*) DESC, kind, day, account_id) AS place,
               count(*) AS events,
               count(*) FILTER (WHERE NOT is_chosen) AS filtered,
               count(*) FILTER (WHERE is_chosen AND is_too_old) AS too_old,
               min(position) AS first, max(position) AS last,
               min(received_at) AS first_at, max(received_at) AS last_at
        FROM (
            SELECT position, received_at, kind, account_id, is_chosen, is_too_old,
                   to_char(received_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
            FROM (";

/// Events to plan a replay for.
#[derive(Clone, Debug)]
pub struct PlannedEvents<'p> {
    /// Filter of the replay.
    pub filter: &'p EventFilter,
    /// Only events with a dead letter of this consumer.
    pub dead_of: Option<&'p str>,
    /// Filter of the consumer.
    pub choice: &'p EventChoice,
    /// Present time.
    pub now: Timestamp,
    /// Events that happened before this time are too old for the consumer.
    pub oldest: Option<Timestamp>,
    /// End of the log.
    pub through: i64,
}

/// Numbers of the events of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    /// Number of events; at most a million, of the first ones.
    pub events: i64,
    /// Number of events that the filter of the consumer leaves out.
    pub filtered: i64,
    /// Number of the other events that are too old for the consumer.
    pub too_old: i64,
    /// First and last position.
    pub positions: Option<[i64; 2]>,
    /// Times of receipt of the oldest and the newest event.
    pub times: Option<[Timestamp; 2]>,
    /// Kinds.
    pub kinds: Groups,
    /// Days of receipt in UTC, at most 31.
    pub days: Groups,
    /// Accounts, at most ten.
    pub accounts: Groups,
}

/// Numbers of events by a column, the most frequent values first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Values with their numbers of events. A value is `None` for events without one.
    pub most: Vec<(Option<String>, i64)>,
    /// Number of all values.
    pub number: i64,
}

/// Row of the statement.
type Row = (
    i32,
    Option<String>,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<jiff_sqlx::Timestamp>,
    Option<jiff_sqlx::Timestamp>,
);

/// Values of `grouping`: a bit is set for each column that a row does not group by.
const BY_KIND: i32 = 0b011;
const BY_DAY: i32 = 0b101;
const BY_ACCOUNT: i32 = 0b110;

impl Reader {
    /// Counts the events of a plan.
    pub async fn plan_replay(
        &mut self,
        planned: &PlannedEvents<'_>,
    ) -> Result<ReplayCounts, Error> {
        let Some(filter) = self.in_time(planned.filter).await? else {
            return Ok(ReplayCounts::default());
        };
        let range = Between {
            after: None,
            before: Some(planned.through.saturating_add(1)),
        };
        let rows: Vec<Row> = if let Some(consumer) = planned.dead_of {
            let select = self.dead(&filter, range, consumer);
            self.rows_in(BY_DEAD_LETTERS, planned.counted(select))
                .await?
        } else {
            let list = self.list(&filter).await?;
            let select = list.select(COUNT, COLUMNS, range, (Order::Oldest, MOST_COUNTED));
            self.rows(&list, planned.counted(select)).await?
        };
        Ok(rows
            .into_iter()
            .fold(ReplayCounts::default(), ReplayCounts::with))
    }

    /// Selects the events that meet `filter` and have a dead letter of the consumer.
    fn dead(&self, filter: &EventFilter, range: Between, consumer: &str) -> QueryBuilder<Postgres> {
        let mut query = Conditions::after(&format!("{COUNT}SELECT {COLUMNS} FROM events WHERE"));
        filter.apply(&mut query);
        query
            .visible(&self.visible)
            .and("position < ", range.before);
        query
            .0
            .push(
                " AND (position, received_at) IN (
                      SELECT position, received_at FROM dead_letters
                      WHERE state IN ('dead', 'retried') AND consumer = ",
            )
            .push_bind(consumer.to_owned())
            .push(")");
        query.limit(" ORDER BY position", MOST_COUNTED)
    }

    /// Reads a replay.
    pub async fn replay(&mut self, id: i32) -> Result<Option<Replay>, Error> {
        replays::replay(&mut self.conn, id).await
    }

    /// Reads the first running replay of a consumer.
    pub async fn running_replay(&mut self, consumer: &str) -> Result<Option<Replay>, Error> {
        replays::running(&mut self.conn, consumer).await
    }

    /// Reads replays, the newest first, at most `limit`; only those of a consumer, or before a
    /// number, if these are given.
    pub async fn replays(
        &mut self,
        consumer: Option<&str>,
        before: Option<i32>,
        limit: u32,
    ) -> Result<Vec<Replay>, Error> {
        replays::replays(&mut self.conn, consumer, before, limit).await
    }
}

impl PlannedEvents<'_> {
    /// Completes the statement behind the selected events.
    fn counted(&self, select: QueryBuilder<Postgres>) -> QueryBuilder<Postgres> {
        let mut query = Conditions(select);
        query
            .again(") AS event CROSS JOIN LATERAL (SELECT coalesce(")
            .chosen(self.choice);
        let Conditions(mut query) = query;
        // As `Settings::is_too_old` has it.
        query
            .push(", false) AS is_chosen, coalesce(CASE WHEN occurred_at <= ")
            .push_bind(self.now.to_sqlx())
            .push(" THEN occurred_at ELSE received_at END < ")
            .push_bind(self.oldest.map(ToSqlx::to_sqlx))
            .push(", false) AS is_too_old) AS judged) AS event")
            .push(" GROUP BY GROUPING SETS ((), (kind), (day), (account_id))")
            .push(" WINDOW same AS (PARTITION BY grouping(kind, day, account_id))) AS counted")
            .push(" WHERE place <= CASE what WHEN ")
            .push_bind(BY_DAY)
            .push(" THEN ")
            .push_bind(MOST_DAYS)
            .push(" WHEN ")
            .push_bind(BY_ACCOUNT)
            .push(" THEN ")
            .push_bind(MOST_ACCOUNTS)
            .push(" ELSE place END ORDER BY what, place");
        query
    }
}

impl ReplayCounts {
    /// The numbers with those of a row.
    fn with(mut self, row: Row) -> Self {
        let (what, name, number, events, filtered, too_old, first, last, first_at, last_at) = row;
        let groups = match what {
            BY_KIND => &mut self.kinds,
            BY_DAY => &mut self.days,
            BY_ACCOUNT => &mut self.accounts,
            _ => {
                let time = |at: jiff_sqlx::Timestamp| at.to_jiff();
                (self.events, self.filtered, self.too_old) = (events, filtered, too_old);
                self.positions = first.zip(last).map(<[_; 2]>::from);
                let times = first_at.map(time).zip(last_at.map(time));
                self.times = times.map(<[_; 2]>::from);
                return self;
            }
        };
        groups.number = number;
        groups.most.push((name, events));
        self
    }
}
