//! Hourly counts of events and repeats, grouped by dimensions, and the lag of the counts.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{Conditions, Error, Reader, answer};
use crate::{
    meta::event::{Kind, Source},
    store::{
        follow::{self, Lag},
        stats,
    },
};

/// Maximum number of rows of one answer.
pub const MOST_COUNTS: u32 = 10_000;

/// Dimension to group counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Day (UTC) of receipt.
    Day,
    /// Hour of receipt.
    Hour,
    /// Kind of the event.
    Kind,
    /// The configured app.
    App,
    /// The professional account.
    Account,
    /// Client of the account.
    Client,
    /// Source of the deliveries.
    Source,
}

impl Dimension {
    /// All dimensions.
    pub const ALL: &'static [Self] = &[
        Self::Day,
        Self::Hour,
        Self::Kind,
        Self::App,
        Self::Account,
        Self::Client,
        Self::Source,
    ];

    /// Name on the command line.
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

    /// Name of the column.
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

/// Filter for counts: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsFilter {
    /// The kinds; empty for any.
    pub kinds: Vec<Kind>,
    /// The configured app.
    pub app: Option<String>,
    /// The professional accounts; empty for any.
    pub account_ids: Vec<String>,
    /// Client of the account.
    pub client: Option<String>,
    /// The sources of the deliveries; empty for any.
    pub sources: Vec<Source>,
    /// Hours that end after this moment.
    pub since: Option<Timestamp>,
    /// Hours that begin before this moment.
    pub until: Option<Timestamp>,
}

/// Counts of one combination; serialised as an object with a key for each dimension and each count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requested dimensions in the requested order, with their values; `None` if the events have no
    /// value.
    pub values: Vec<(Dimension, Option<String>)>,
    /// Number of new events.
    pub events: i64,
    /// Number of repeats.
    pub repeats: i64,
}

/// Counts for a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// First combinations, in order.
    pub rows: Vec<Count>,
    /// Number of all combinations.
    pub combinations: i64,
    /// Events of all combinations.
    pub events: i64,
    /// Repeats of all combinations.
    pub repeats: i64,
}

/// Values, events and repeats of a combination; then the number, events and repeats of all
/// combinations.
type Counted = (Vec<Option<String>>, i64, i64, i64, i64, i64);

impl Reader {
    /// Counts the events and repeats that meet `filter`, grouped by `by`: at most [`MOST_COUNTS`]
    /// rows, in order of their values.
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
        query.visible(&self.visible);
        query.0.push(") SELECT ARRAY[");
        let mut values = query.0.separated(", ");
        for dimension in by {
            values.push(dimension.expression());
        }
        query.0.push(
            "]::text[] AS by, sum(events)::bigint, sum(repeats)::bigint, count(*) OVER (),
             (sum(sum(events)) OVER ())::bigint, (sum(sum(repeats)) OVER ())::bigint
             FROM known GROUP BY by",
        );
        let mut query = query.limit(" ORDER BY by", MOST_COUNTS);
        let rows: Vec<Counted> = answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        Ok(Counts::of(by, rows))
    }

    /// Lag of each follower, by name.
    pub async fn followers(&mut self) -> Result<Vec<(String, Lag)>, Error> {
        follow::lags(&mut self.conn).await
    }

    /// Lag of the counts; `None` if nothing was ever counted.
    pub async fn counting(&mut self) -> Result<Option<Lag>, Error> {
        follow::lag(&mut self.conn, stats::NAME).await
    }
}

impl Counts {
    fn of(by: &[Dimension], rows: Vec<Counted>) -> Self {
        let (_, _, _, combinations, events, repeats) = rows.first().cloned().unwrap_or_default();
        let count = |(values, events, repeats, ..): Counted| Count {
            values: by.iter().copied().zip(values).collect(),
            events,
            repeats,
        };
        Self {
            rows: rows.into_iter().map(count).collect(),
            combinations,
            events,
            repeats,
        }
    }
}

impl Count {
    /// Zero counts for these dimensions.
    pub fn none(by: &[Dimension]) -> Self {
        Self {
            values: by.iter().map(|dimension| (*dimension, None)).collect(),
            ..Self::default()
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len() + 2))?;
        for (dimension, value) in &self.values {
            map.serialize_entry(dimension.column(), value)?;
        }
        map.serialize_entry("events", &self.events)?;
        map.serialize_entry("repeats", &self.repeats)?;
        map.end()
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let value = json_schema!({"type": ["string", "null"]});
        let values = Dimension::ALL.iter().map(|it| it.column());
        let mut schema = json_schema!({
            "type": "object",
            "properties": {"events": {"type": "integer"}, "repeats": {"type": "integer"}},
            "required": ["events", "repeats"],
        });
        if let Some(properties) = schema
            .get_mut("properties")
            .and_then(|it| it.as_object_mut())
        {
            properties.extend(values.map(|name| (name.to_owned(), value.clone().to_value())));
        }
        schema
    }
}

impl StatsFilter {
    fn apply(&self, query: &mut Conditions) {
        query
            .among("kind", &self.kinds, Kind::as_str)
            .among("stats_hourly.source", &self.sources, Source::as_str)
            .and("app = ", self.app.clone())
            .and("client = ", self.client.clone())
            .and(
                "hour > ",
                self.since.map(an_hour_before).map(ToSqlx::to_sqlx),
            )
            .and("hour < ", self.until.map(ToSqlx::to_sqlx));
        if !self.account_ids.is_empty() {
            query.and_any("account_id", self.account_ids.clone());
        }
    }
}

/// Subtracts an hour. An hour that begins after the result ends after `moment`.
fn an_hour_before(moment: Timestamp) -> Timestamp {
    let hour = jiff::SignedDuration::from_hours(1);
    moment.checked_sub(hour).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_the_order_asked_for() {
        let by = [Dimension::Account, Dimension::Client];
        let account = vec![Some("1784".to_owned()), None];
        let counts = Counts::of(&by, vec![(account, 3, 0, 1, 3, 0)]);
        assert_eq!(
            serde_json::to_string(&counts.rows).unwrap(),
            r#"[{"account_id":"1784","client":null,"events":3,"repeats":0}]"#
        );
    }
}
