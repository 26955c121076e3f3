//! Accounts that deliveries came for, with the time of their last event.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, QueryBuilder, Row, postgres::PgRow, types::Json};

use super::{Conditions, Error, Reader, answer, moment, moment_or_null};
use crate::{meta::event::Kind, store::stats};

/// Filter of accounts: all that meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The configured app.
    pub app: Option<String>,
    /// No event was received at this moment or later.
    pub silent_since: Option<Timestamp>,
}

/// An account with its last events; serialised, an object with a key for each column.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(
    missing_docs,
    reason = "the comments of the table describe its columns"
)]
pub struct AccountRow {
    pub app: String,
    pub account_id: String,
    pub username: Option<String>,
    pub label: Option<String>,
    pub client: Option<String>,
    pub state: String,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// `received_at` of the newest event; none where no event is stored.
    pub last_event_at: Option<Timestamp>,
    /// The hour in which the newest event of each kind was received; none where nothing was counted.
    pub last_by_kind: Option<Box<RawValue>>,
}

/// The hour of the last event of an account comes from the counts, the moment from the events of
/// that hour alone: so the partition of one day is asked, however many there are. What is not
/// counted yet is read once for all accounts.
///
/// A range of one account, and both columns in the order: otherwise the planner may read the primary
/// key backwards, past all that other accounts got.
const LAST: &str = "
    WITH fresh AS MATERIALIZED (
        SELECT app, account_id, max(received_at) AS at
        FROM events
        WHERE position > coalesce((SELECT position FROM followers WHERE name = ";
const LAST_OF_EACH: &str = "), 0)
          AND received_at > now() - interval '2 days'
        GROUP BY app, account_id
    )
    SELECT * FROM (
        SELECT a.app, a.account_id, a.username, a.label, a.client, a.state, a.first_seen,
               a.last_seen, greatest(fresh.at, coalesce(known.at, counted.hour)) AS last_event_at,
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

impl Reader {
    /// The accounts whose events are the newest, at most `limit` of them, the newest last.
    ///
    /// # Errors
    /// Postgres is away or does not answer in time.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountRow>, Error> {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let mut query = QueryBuilder::new(LAST);
        query.push_bind(stats::NAME).push(LAST_OF_EACH);
        query.push_bind(kinds).push(LAST_OF_KINDS);
        let mut query = Conditions(query);
        query.and("app = ", filter.app.clone());
        if let Some(since) = filter.silent_since {
            let condition = query.0.push(" AND coalesce(last_event_at < ");
            condition.push_bind(since.to_sqlx()).push(", true)");
        }
        let order = " ORDER BY last_event_at DESC NULLS LAST, app, account_id";
        let mut query = query.limit(order, limit);
        let mut rows: Vec<AccountRow> =
            answer(query.build_query_as().fetch_all(&mut self.0)).await?;
        rows.reverse();
        Ok(rows)
    }
}

impl FromRow<'_, PgRow> for AccountRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let last: Option<Json<Box<RawValue>>> = row.try_get("last_by_kind")?;
        Ok(Self {
            app: row.try_get("app")?,
            account_id: row.try_get("account_id")?,
            username: row.try_get("username")?,
            label: row.try_get("label")?,
            client: row.try_get("client")?,
            state: row.try_get("state")?,
            first_seen: moment(row, "first_seen")?,
            last_seen: moment(row, "last_seen")?,
            last_event_at: moment_or_null(row, "last_event_at")?,
            last_by_kind: last.map(|Json(last)| last),
        })
    }
}
