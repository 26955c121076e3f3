//! Rows of deliveries: a list in order of arrival, or one delivery by id with its bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Conditions, Error, Items, Reader, answer, json, lookup::received, row::row};
use crate::meta::event::{Problem, Source};

/// Filter for deliveries: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Problems of the delivery; empty for any delivery.
    pub problems: Vec<Problem>,
    /// The sources; empty for any.
    pub sources: Vec<Source>,
    /// Before this id.
    pub before: Option<Uuid>,
    /// Received at this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

row! {
    /// Stored delivery with the size of its body instead of the bytes, and with the results of its
    /// items; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "Delivery")]
    DeliveryRow {
        id: Uuid,
        #[serde(serialize_with = "json::text")]
        received_at: Timestamp,
        app: String,
        object: Option<String>,
        /// Length of `body` in bytes; `None` after its erasure.
        body_bytes: Option<i32> = "octet_length(body)",
        #[schemars(with = "Option<BTreeMap<String, Value>>")]
        headers: Option<Box<RawValue>>,
        remote_addr: Option<String> = "host(remote_addr)",
        secret: String,
        #[schemars(with = "Option<Problem>")]
        problem: Option<String>,
        #[serde(serialize_with = "json::text")]
        #[schemars(with = "Option<json::Digits>")]
        first_position: Option<i64>,
        event_count: i32,
        #[schemars(with = "Source")]
        source: String,
        #[serde(serialize_with = "json::text")]
        erased_at: Option<Timestamp>,
        /// Number of new events. A refused delivery has none, because no item was stored.
        new: i32 = "CASE WHEN problem = 'refused' THEN 0 ELSE event_count - cardinality(repeats) END",
        /// Number of repeats of stored events.
        repeated: i32 = "cardinality(repeats)",
        /// Positions of the repeats.
        #[serde(serialize_with = "json::text")]
        #[schemars(with = "Vec<json::Digits>")]
        repeats: Vec<i64>,
        /// Positions of the repeated events, in the same order.
        #[serde(serialize_with = "json::text")]
        #[schemars(with = "Vec<Option<json::Digits>>")]
        repeated_events: Vec<Option<i64>>,
    }
}

/// Body of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Bytes as received.
    Kept(Vec<u8>),
    /// The bytes were erased.
    Erased,
}

/// Body of a delivery with the place of its items in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedBody {
    /// Bytes as received; `None` if they were erased.
    pub body: Option<Vec<u8>>,
    /// Place of the items.
    pub items: Items,
}

/// Deliveries; conditions and [`with_repeats`] follow.
fn select() -> Conditions {
    Conditions::after(&format!(
        "SELECT {} FROM (SELECT * FROM deliveries AS d WHERE",
        DeliveryRow::columns()
    ))
}

/// Adds the repeats of each delivery, and the order. The range of receipt is that of the
/// deliveries, so that no other partition is planned.
fn with_repeats(
    query: QueryBuilder<Postgres>,
    [since, until]: [Option<Timestamp>; 2],
) -> QueryBuilder<Postgres> {
    let mut query = Conditions(query);
    query.0.push(
        ") AS delivery CROSS JOIN LATERAL (
             SELECT coalesce(array_agg(r.position ORDER BY r.position), '{}') AS repeats,
                    coalesce(array_agg(r.event_position ORDER BY r.position), '{}')
                        AS repeated_events
             FROM repeats AS r
             WHERE r.received_at = delivery.received_at AND r.position >= delivery.first_position
               AND r.position < delivery.first_position + delivery.event_count",
    );
    query.received(since, until);
    query.0.push(") AS repeated ORDER BY id");
    query.0
}

impl Reader {
    /// Reads the delivery with this id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        for [since, until] in received(id) {
            let mut query = select();
            query
                .visible_delivery(&self.visible)
                .and("id = ", Some(id))
                .received(since, until);
            let mut query = with_repeats(query.limit("", 1), [since, until]);
            let query = query.build_query_as();
            let found = answer(query.fetch_optional(&mut *self.conn)).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Reads the bytes of the delivery with this id.
    pub async fn delivery_body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        for [since, until] in received(id) {
            let mut query = Conditions::after("SELECT body FROM deliveries WHERE");
            query.and("id = ", Some(id)).received(since, until);
            let mut query = query.limit("", 1);
            let query = query.build_query_scalar();
            let found: Option<Option<Vec<u8>>> =
                answer(query.fetch_optional(&mut *self.conn)).await?;
            if let Some(body) = found {
                return Ok(Some(body.map_or(Content::Erased, Content::Kept)));
            }
        }
        Ok(None)
    }

    /// Reads the body of a delivery with items, received at this time: a look-up in one partition.
    pub async fn received_body(
        &mut self,
        id: Uuid,
        received_at: Timestamp,
    ) -> Result<Option<ReceivedBody>, Error> {
        let query = sqlx::query_as(
            "SELECT body, first_position, event_count FROM stored_deliveries
             WHERE id = $1 AND received_at = $2 AND first_position IS NOT NULL",
        );
        let query = query.bind(id).bind(received_at.to_sqlx());
        let found: Option<(Option<Vec<u8>>, i64, i32)> =
            answer(query.fetch_optional(&mut *self.conn)).await?;
        Ok(found.map(|(body, first, count)| ReceivedBody {
            body,
            items: Items {
                id,
                received_at,
                first,
                count,
            },
        }))
    }

    /// Reads at most `limit` deliveries, oldest first: the first behind the id `after`, or the
    /// newest if `after` is `None`. Ids are in order of arrival.
    pub async fn deliveries(
        &mut self,
        filter: &DeliveryFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let mut query = select();
        query
            .visible_delivery(&self.visible)
            .and("app = ", filter.app.clone())
            .among("problem", &filter.problems, Problem::as_str)
            .among("source", &filter.sources, Source::as_str)
            .and("id > ", after)
            .and("id < ", filter.before)
            .received(filter.since, filter.until);
        let order = match after {
            Some(_) => " ORDER BY id",
            None => " ORDER BY id DESC",
        };
        let mut query = with_repeats(query.limit(order, limit), [filter.since, filter.until]);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }
}
