//! Accounts with deliveries, the time of their last event, and the events that are usual for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::QueryBuilder;

use super::{Conditions, Error, Reader, answer, json, row::row};
use crate::meta::event::Kind;

/// Filter for accounts: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Client of the accounts.
    pub client: Option<String>,
    /// Ids of the accounts; empty for any.
    pub account_ids: Vec<String>,
    /// Accounts without an event at this time or later.
    pub silent_since: Option<Timestamp>,
}

row! {
    /// Account with the time of its last events; serialised as an object with a key for each
    /// column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "AccountSummary")]
    AccountRow {
        app: String,
        account_id: String,
        username: Option<String>,
        label: Option<String>,
        client: Option<String>,
        state: String,
        #[serde(serialize_with = "json::text")]
        first_seen: Timestamp,
        #[serde(serialize_with = "json::text")]
        last_seen: Timestamp,
        /// `received_at` of the newest event, or its hour if the event is no longer stored; `None`
        /// if the account never had an event.
        #[serde(serialize_with = "json::text")]
        last_event_at: Option<Timestamp>,
        /// Hour of the newest event of each kind; `None` if nothing was counted.
        #[schemars(with = "Option<BTreeMap<String, Timestamp>>")]
        last_by_kind: Option<Box<RawValue>>,
        /// Number of events of each kind in this hour and the 23 hours before it.
        #[schemars(with = "BTreeMap<String, i64>")]
        events_last_day: Option<Box<RawValue>>,
        /// Number of events of each kind in this hour and the 167 hours before it.
        #[schemars(with = "BTreeMap<String, i64>")]
        events_last_week: Option<Box<RawValue>>,
        /// Usual time between two events at this hour of the week; `None` with less than two weeks
        /// of data.
        usual_gap_seconds: Option<i64>,
        /// True if the last event is longer ago than three times the usual time.
        silent: bool,
    }
}

/// Selects the last event of each account on the page. The counts give the hour, and the events of
/// that hour give the exact time: only one day partition is read. Events of the last two days that
/// are not counted yet are read once for all accounts: with the position as a parameter, the
/// planner knows that they are few, and does not scan the days.
///
/// The range of one account and both columns in ORDER BY are needed: otherwise the planner may read
/// the primary key backwards, through the events of all other accounts.
const PAGE: &str = "
    WITH fresh AS MATERIALIZED (
        SELECT app, account_id, max(received_at) AS at
        FROM events
        WHERE position > ";
const FRESH: &str = "
          AND received_at > now() - interval '2 days'
        GROUP BY app, account_id
    ), page AS (SELECT * FROM (
        SELECT a.*, greatest(fresh.at, coalesce(known.at, counted.hour)) AS last_event_at,
               counted.last_by_kind
        FROM accounts AS a
        LEFT JOIN fresh ON (fresh.app, fresh.account_id) = (a.app, a.account_id)
        CROSS JOIN LATERAL (
            SELECT max(last.hour) AS hour,
                   json_object_agg(kind, to_char(last.hour AT TIME ZONE 'UTC',
                                                 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
                                   ORDER BY last.hour DESC, kind) AS last_by_kind
            FROM unnest(";
const LAST_OF_KINDS: &str = "::text[]) AS kind
            CROSS JOIN LATERAL (
                SELECT s.hour
                FROM stats_hourly AS s
                WHERE s.app = a.app AND s.account_id = a.account_id AND s.kind = kind.kind
                  AND s.events > 0
                ORDER BY s.hour DESC LIMIT 1
            ) AS last
        ) AS counted
        LEFT JOIN LATERAL (
            SELECT e.received_at AS at
            FROM events AS e
            WHERE e.account_id BETWEEN a.account_id AND a.account_id AND e.app = a.app
              AND e.received_at >= counted.hour
              AND e.received_at < counted.hour + interval '1 hour'
            ORDER BY e.account_id DESC, e.position DESC LIMIT 1
        ) AS known ON true
    ) AS account
    WHERE true";

/// Newest events first.
const ORDER: &str = " ORDER BY last_event_at DESC NULLS LAST, app, account_id";

/// Reads the counts of each account on the page. The counts are exact to the hour, and the index of
/// an account gives them: no event is read.
///
/// The usual gap is the median over eight weeks, at the same hour of the week (UTC), up to the last
/// event: for each week, the time between the hours of the last event before this hour and of the
/// next event. If both are consecutive hours, it is an hour divided by the events of the second. At
/// least two weeks are needed. Hours in the future, as of a clock that was ahead, do not count.
const ACTIVITY: &str = "
    )
    SELECT * FROM page
    CROSS JOIN LATERAL (
        SELECT date_trunc('hour', now(), 'UTC') AS hour,
               ARRAY(SELECT json_object_keys(page.last_by_kind)) AS kinds
    ) AS present
    CROSS JOIN LATERAL (
        SELECT coalesce(json_object_agg(kind, day ORDER BY kind) FILTER (WHERE day > 0), '{}')
                   AS events_last_day,
               coalesce(json_object_agg(kind, week ORDER BY kind) FILTER (WHERE week > 0), '{}')
                   AS events_last_week
        FROM unnest(present.kinds) AS kind
        CROSS JOIN LATERAL (
            SELECT (sum(s.events) FILTER (WHERE s.hour > now() - interval '24 hours'))::bigint AS day,
                   sum(s.events)::bigint AS week
            FROM stats_hourly AS s
            WHERE s.app = page.app AND s.account_id = page.account_id AND s.kind = kind.kind
              AND s.hour > now() - interval '168 hours' AND s.hour <= now()
        ) AS counted
    ) AS recent
    CROSS JOIN LATERAL (
        SELECT max(last.hour) AS last_hour
        FROM unnest(present.kinds) AS kind
        CROSS JOIN LATERAL (
            SELECT s.hour FROM stats_hourly AS s
            WHERE s.app = page.app AND s.account_id = page.account_id AND s.kind = kind.kind
              AND s.events > 0 AND s.hour <= now()
            ORDER BY s.hour DESC LIMIT 1
        ) AS last
    ) AS seen
    CROSS JOIN LATERAL (
        SELECT CASE WHEN count(gap) > 1
               THEN ceil(percentile_cont(0.5) WITHIN GROUP (ORDER BY gap))::bigint
               END AS usual_gap_seconds
        FROM generate_series(1, 8) AS week
        CROSS JOIN LATERAL (
            SELECT present.hour - interval '168 hours' * (week + div(
                       extract(epoch FROM present.hour - seen.last_hour)::bigint, 604800))::int
                   AS hour
        ) AS past
        CROSS JOIN LATERAL (
            SELECT max(before.hour) AS before, min(next.hour) AS next
            FROM unnest(present.kinds) AS kind
            LEFT JOIN LATERAL (
                SELECT s.hour FROM stats_hourly AS s
                WHERE s.app = page.app AND s.account_id = page.account_id AND s.kind = kind.kind
                  AND s.events > 0 AND s.hour < past.hour
                ORDER BY s.hour DESC LIMIT 1
            ) AS before ON true
            LEFT JOIN LATERAL (
                SELECT s.hour FROM stats_hourly AS s
                WHERE s.app = page.app AND s.account_id = page.account_id AND s.kind = kind.kind
                  AND s.events > 0 AND s.hour >= past.hour AND s.hour <= now()
                ORDER BY s.hour LIMIT 1
            ) AS next ON true
        ) AS around
        CROSS JOIN LATERAL (
            SELECT CASE WHEN around.next - around.before > interval '1 hour'
                   THEN extract(epoch FROM around.next - around.before)
                   ELSE 3600.0 / sum(s.events)
                   END::float8 AS gap
            FROM unnest(present.kinds) AS kind
            LEFT JOIN stats_hourly AS s
                ON s.app = page.app AND s.account_id = page.account_id AND s.kind = kind.kind
               AND s.hour = around.next AND around.before IS NOT NULL AND s.events > 0
        ) AS one
    ) AS usual
    CROSS JOIN LATERAL (
        SELECT coalesce(now() - CASE WHEN page.last_event_at <= now() THEN page.last_event_at
                                     ELSE least(now(), seen.last_hour + interval '1 hour') END
                        > 3 * usual_gap_seconds * interval '1 second', false) AS silent
    ) AS silence";

impl Reader {
    /// Reads the accounts with the newest events, at most `limit`, the newest last. Events up to the
    /// position `counted` are in the counts.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        counted: i64,
        limit: u32,
    ) -> Result<Vec<AccountRow>, Error> {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let select = format!("SELECT {} FROM (", AccountRow::columns());
        let mut query = QueryBuilder::new(select);
        query.push(PAGE).push_bind(counted).push(FRESH);
        query.push_bind(kinds).push(LAST_OF_KINDS);
        let mut query = Conditions(query);
        query.visible(&self.visible);
        query
            .and("app = ", filter.app.clone())
            .and("client = ", filter.client.clone());
        if !filter.account_ids.is_empty() {
            query.and_any("account_id", filter.account_ids.clone());
        }
        if let Some(since) = filter.silent_since {
            let condition = query.0.push(" AND coalesce(last_event_at < ");
            condition.push_bind(since.to_sqlx()).push(", true)");
        }
        let mut query = query.limit(ORDER, limit);
        query.push(ACTIVITY).push(") AS account").push(ORDER);
        let mut rows: Vec<AccountRow> =
            answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        rows.reverse();
        Ok(rows)
    }
}
