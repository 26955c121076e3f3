//! Deliveries as rows: in the order of arrival, or one by its id, with its bytes.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, row::row};
use crate::meta::event::{Problem, Source};

/// Which deliveries: all that meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryFilter {
    /// The configured app.
    pub app: Option<String>,
    /// What could not be read as it came.
    pub problem: Option<Problem>,
    /// The sources; empty for any.
    pub sources: Vec<Source>,
    /// Received at this moment or later.
    pub since: Option<Timestamp>,
    /// Received before this moment.
    pub until: Option<Timestamp>,
}

row! {
    /// A delivery as it is stored, with the size of its body instead of the bytes, and what became
    /// of its items; serialised, an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize)]
    DeliveryRow {
        id: Uuid,
        received_at: Timestamp,
        app: String,
        object: Option<String>,
        /// The length of `body` in bytes; none once it is erased.
        body_bytes: Option<i32> = "octet_length(body)",
        headers: Option<Box<RawValue>>,
        remote_addr: Option<String> = "host(remote_addr)",
        secret: String,
        problem: Option<String>,
        event_count: i32,
        source: String,
        erased_at: Option<Timestamp>,
        /// The number of items that became events. Of a refused delivery no item was stored.
        new: i32 = "CASE WHEN problem = 'refused' THEN 0 ELSE event_count - cardinality(repeats) END",
        /// The number of items whose event was stored already.
        repeated: i32 = "cardinality(repeats)",
        /// The positions of the repeats.
        repeats: Vec<i64>,
        /// The positions of the events that they repeat, in the same order.
        repeated_events: Vec<Option<i64>>,
    }
}

/// The bytes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As they were received.
    Kept(Vec<u8>),
    /// They were erased.
    Erased,
}

/// Deliveries with their repeats; conditions and [`END`] follow.
fn select() -> Conditions {
    Conditions::after(&format!(
        "SELECT {} FROM (
             SELECT *,
                 ARRAY(SELECT r.position FROM repeats AS r
                       WHERE r.delivery_id = d.id AND r.received_at = d.received_at
                       ORDER BY r.position) AS repeats,
                 ARRAY(SELECT r.event_position FROM repeats AS r
                       WHERE r.delivery_id = d.id AND r.received_at = d.received_at
                       ORDER BY r.position) AS repeated_events
             FROM deliveries AS d WHERE",
        DeliveryRow::COLUMNS
    ))
}

const END: &str = ") AS delivery ORDER BY id";

impl Reader {
    /// The delivery with this id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        let mut query = select();
        query.and("id = ", Some(id));
        let mut query = query.limit("", 1);
        answer(query.push(END).build_query_as().fetch_optional(&mut self.0)).await
    }

    /// The bytes of the delivery with this id.
    pub async fn delivery_body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        let query = sqlx::query_scalar("SELECT body FROM deliveries WHERE id = $1").bind(id);
        let found: Option<Option<Vec<u8>>> = answer(query.fetch_optional(&mut self.0)).await?;
        Ok(found.map(|body| body.map_or(Content::Erased, Content::Kept)))
    }

    /// The first deliveries after the one with the id `after`, else the newest; at most `limit` of
    /// them, oldest first. Ids are in the order of arrival.
    pub async fn deliveries(
        &mut self,
        filter: &DeliveryFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let mut query = select();
        query
            .and("app = ", filter.app.clone())
            .and("problem = ", filter.problem.map(Problem::as_str))
            .among("source", &filter.sources, Source::as_str)
            .and("id > ", after)
            .received(filter.since, filter.until);
        let order = match after {
            Some(_) => " ORDER BY id",
            None => " ORDER BY id DESC",
        };
        let mut query = query.limit(order, limit);
        answer(query.push(END).build_query_as().fetch_all(&mut self.0)).await
    }
}
