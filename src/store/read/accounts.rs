//! Accounts with deliveries, and the time of their last event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::QueryBuilder;

use super::{Conditions, Error, Reader, answer, json, row::row};
use crate::{meta::event::Kind, store::stats};

/// Filter for accounts: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The configured app.
    pub app: Option<String>,
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
    }
}

/// Selects the last event of each account. The counts give the hour, and the events of that hour
/// give the exact time: only one day partition is read. Events of the last two days that are not
/// counted yet are read once for all accounts.
///
/// The range of one account and both columns in ORDER BY are needed: otherwise the planner may read
/// the primary key backwards, through the events of all other accounts.
const LAST: &str = "
    WITH fresh AS MATERIALIZED (
        SELECT app, account_id, max(received_at) AS at
        FROM events
        WHERE position > coalesce((SELECT position FROM followers WHERE name = ";
const FRESH: &str = "), 0)
          AND received_at > now() - interval '2 days'
        GROUP BY app, account_id
    )
    SELECT ";
const LAST_OF_EACH: &str = " FROM (
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

impl Reader {
    /// Reads the accounts with the newest events, at most `limit`, the newest last.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Vec<AccountRow>, Error> {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        let mut query = QueryBuilder::new(LAST);
        query.push_bind(stats::NAME).push(FRESH);
        query.push(AccountRow::columns()).push(LAST_OF_EACH);
        query.push_bind(kinds).push(LAST_OF_KINDS);
        let mut query = Conditions(query);
        query.visible(&self.visible);
        query.and("app = ", filter.app.clone());
        if !filter.account_ids.is_empty() {
            query.and_any("account_id", filter.account_ids.clone());
        }
        if let Some(since) = filter.silent_since {
            let condition = query.0.push(" AND coalesce(last_event_at < ");
            condition.push_bind(since.to_sqlx()).push(", true)");
        }
        let order = " ORDER BY last_event_at DESC NULLS LAST, app, account_id";
        let mut query = query.limit(order, limit);
        let mut rows: Vec<AccountRow> =
            answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
        rows.reverse();
        Ok(rows)
    }
}
