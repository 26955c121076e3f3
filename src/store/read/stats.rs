//! Counts of what was received, by the hour and whatever else is asked for, and how far they go.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{FromRow, Row, postgres::PgRow};

use super::{Conditions, Error, Reader, answer};
use crate::{
    meta::event::{Kind, Source},
    store::{
        follow::{self, Lag},
        stats,
    },
};

/// The most rows of one answer.
pub const MOST_COUNTS: u32 = 10_000;

/// What counts are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The day (UTC) of receiving.
    Day,
    /// The hour of receiving.
    Hour,
    /// What happened.
    Kind,
    /// The configured app.
    App,
    /// The professional account.
    Account,
    /// Whose account it is.
    Client,
    /// Who made the deliveries.
    Source,
}

impl Dimension {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Day,
        Self::Hour,
        Self::Kind,
        Self::App,
        Self::Account,
        Self::Client,
        Self::Source,
    ];

    /// The word for it on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Kind => "kind",
            Self::App => "app",
            Self::Account => "account",
            Self::Client => "client",
            Self::Source => "source",
        }
    }

    /// The name of its column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Account => "account_id",
            other => other.as_str(),
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::Day => "to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
            Self::Hour => "to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            Self::Kind => "kind",
            Self::App => "app",
            Self::Account => "nullif(account_id, '')",
            Self::Client => "client",
            Self::Source => "source",
        }
    }
}

/// Which counts: all that meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsFilter {
    /// The kinds; empty for any.
    pub kinds: Vec<Kind>,
    /// The configured app.
    pub app: Option<String>,
    /// The professional account.
    pub account_id: Option<String>,
    /// Whose account it is.
    pub client: Option<String>,
    /// The sources of the deliveries; empty for any.
    pub sources: Vec<Source>,
    /// Received in the hour of this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment, or in its hour.
    pub until: Option<Timestamp>,
}

/// The counts of one combination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// A value for each dimension asked for, in that order; none where events have none.
    pub values: Vec<Option<String>>,
    /// Events that were new.
    pub events: i64,
    /// Items that came again.
    pub repeats: i64,
}

/// The counts of all that meet the conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The first of them, in order.
    pub rows: Vec<Count>,
    /// How many there are.
    pub combinations: i64,
    /// Events of all of them.
    pub events: i64,
    /// Repeats of all of them.
    pub repeats: i64,
}

struct Counted(Count, [i64; 3]);

impl Reader {
    /// Counts what meets `filter`, told apart by `by`: at most [`MOST_COUNTS`] rows, in the order
    /// of their values.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn counts(
        &mut self,
        filter: &StatsFilter,
        by: &[Dimension],
    ) -> Result<Counts, Error> {
        let mut query = Conditions::after(
            "WITH known AS (
                 SELECT hour, app, account_id, kind, stats_hourly.source, client, events, repeats
                 FROM stats_hourly LEFT JOIN accounts USING (app, account_id) WHERE",
        );
        filter.apply(&mut query);
        query.0.push(") SELECT ARRAY[");
        let mut values = query.0.separated(", ");
        for dimension in by {
            values.push(dimension.expression());
        }
        query.0.push(
            "]::text[] AS by, sum(events)::bigint AS events, sum(repeats)::bigint AS repeats,
             (sum(sum(events)) OVER ())::bigint AS all_events,
             (sum(sum(repeats)) OVER ())::bigint AS all_repeats,
             count(*) OVER () AS combinations
             FROM known GROUP BY by",
        );
        let mut query = query.limit(" ORDER BY by", MOST_COUNTS);
        let rows: Vec<Counted> = answer(query.build_query_as().fetch_all(&mut self.0)).await?;
        Ok(Counts::from(rows))
    }

    /// How far behind the counts are; none where nothing was ever counted.
    ///
    /// # Errors
    /// As [`counts`](Self::counts).
    pub async fn counting(&mut self) -> Result<Option<Lag>, Error> {
        follow::lag(&mut self.0, stats::NAME).await
    }
}

impl From<Vec<Counted>> for Counts {
    fn from(rows: Vec<Counted>) -> Self {
        let [combinations, events, repeats] = rows.first().map_or([0; 3], |row| row.1);
        Self {
            rows: rows.into_iter().map(|row| row.0).collect(),
            combinations,
            events,
            repeats,
        }
    }
}

impl StatsFilter {
    fn apply(&self, query: &mut Conditions) {
        query
            .among("kind", self.kinds.iter().map(|it| it.as_str()).collect())
            .among(
                "stats_hourly.source",
                self.sources.iter().map(|it| it.as_str()).collect(),
            )
            .and("app = ", self.app.clone())
            .and("account_id = ", self.account_id.clone())
            .and("client = ", self.client.clone())
            .and(
                "hour > ",
                self.since.map(an_hour_before).map(ToSqlx::to_sqlx),
            )
            .and("hour < ", self.until.map(ToSqlx::to_sqlx));
    }
}

/// Hours that begin later than this reach beyond `moment`.
fn an_hour_before(moment: Timestamp) -> Timestamp {
    let hour = jiff::SignedDuration::from_hours(1);
    moment.checked_sub(hour).unwrap_or(Timestamp::MIN)
}

impl FromRow<'_, PgRow> for Counted {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let count = Count {
            values: row.try_get("by")?,
            events: row.try_get("events")?,
            repeats: row.try_get("repeats")?,
        };
        let totals = [
            row.try_get("combinations")?,
            row.try_get("all_events")?,
            row.try_get("all_repeats")?,
        ];
        Ok(Self(count, totals))
    }
}
