//! Deliveries as rows: in the order of arrival, or one by its id, with its bytes.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, moment, moment_or_null};
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

/// A delivery as it is stored, with the size of its body instead of the bytes; serialised, an
/// object with a key for each column.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(
    missing_docs,
    reason = "the comments of the table describe its columns"
)]
pub struct DeliveryRow {
    pub id: Uuid,
    pub received_at: Timestamp,
    pub app: String,
    pub object: Option<String>,
    /// The length of `body` in bytes; none once it is erased.
    pub body_bytes: Option<i32>,
    pub headers: Option<Box<RawValue>>,
    pub remote_addr: Option<String>,
    pub secret: String,
    pub problem: Option<String>,
    pub event_count: i32,
    pub source: String,
    pub erased_at: Option<Timestamp>,
    /// The number of items that became events.
    pub new: i32,
    /// The number of items whose event was stored already.
    pub repeated: i32,
    /// The positions of the repeats.
    pub repeats: Vec<i64>,
    /// The positions of the events that they repeat, in the same order.
    pub repeated_events: Vec<Option<i64>>,
}

/// The bytes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As they were received.
    Kept(Vec<u8>),
    /// They were erased.
    Erased,
}

/// The repeats of a delivery, in their order.
macro_rules! of_its_repeats {
    ($column:expr) => {
        concat!(
            "ARRAY(SELECT ",
            $column,
            " FROM repeats AS r
              WHERE r.delivery_id = deliveries.id AND r.received_at = deliveries.received_at
              ORDER BY r.position)"
        )
    };
}

const SELECT: &str = concat!(
    "SELECT id, received_at, app, object, octet_length(body) AS body_bytes,
        headers, host(remote_addr) AS remote_addr, secret, problem, event_count, source, erased_at, ",
    of_its_repeats!("r.position"),
    " AS repeats, ",
    of_its_repeats!("r.event_position"),
    " AS repeated_events FROM deliveries WHERE"
);

impl Reader {
    /// The delivery with this id.
    ///
    /// # Errors
    /// Where Postgres is away or does not answer in time.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        let mut query = Conditions::after(SELECT);
        query.and("id = ", Some(id));
        let mut query = query.limit("", 1);
        answer(query.build_query_as().fetch_optional(&mut self.0)).await
    }

    /// The bytes of the delivery with this id.
    ///
    /// # Errors
    /// As [`delivery`](Self::delivery).
    pub async fn delivery_body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        let query = sqlx::query_scalar("SELECT body FROM deliveries WHERE id = $1").bind(id);
        let found: Option<Option<Vec<u8>>> = answer(query.fetch_optional(&mut self.0)).await?;
        Ok(found.map(|body| body.map_or(Content::Erased, Content::Kept)))
    }

    /// The first deliveries after the one with the id `after`, else the newest; at most `limit` of
    /// them, oldest first. Ids are in the order of arrival.
    ///
    /// # Errors
    /// As [`delivery`](Self::delivery).
    pub async fn deliveries(
        &mut self,
        filter: &DeliveryFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let mut query = Conditions::after(SELECT);
        query
            .and("app = ", filter.app.clone())
            .and("problem = ", filter.problem.map(Problem::as_str))
            .among(
                "source",
                filter.sources.iter().map(|it| it.as_str()).collect(),
            )
            .and("id > ", after)
            .received(filter.since, filter.until);
        let order = match after {
            Some(_) => " ORDER BY id",
            None => " ORDER BY id DESC",
        };
        let mut query = query.limit(order, limit);
        let mut rows: Vec<DeliveryRow> =
            answer(query.build_query_as().fetch_all(&mut self.0)).await?;
        if after.is_none() {
            rows.reverse();
        }
        Ok(rows)
    }
}

impl FromRow<'_, PgRow> for DeliveryRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let headers: Option<Json<Box<RawValue>>> = row.try_get("headers")?;
        let problem: Option<String> = row.try_get("problem")?;
        let event_count: i32 = row.try_get("event_count")?;
        let repeats: Vec<i64> = row.try_get("repeats")?;
        let repeated = i32::try_from(repeats.len()).unwrap_or(i32::MAX);
        // Of a refused delivery no item was stored.
        let is_refused = problem.as_deref() == Some(Problem::Refused.as_str());
        let new = if is_refused {
            0
        } else {
            event_count - repeated
        };
        Ok(Self {
            id: row.try_get("id")?,
            received_at: moment(row, "received_at")?,
            app: row.try_get("app")?,
            object: row.try_get("object")?,
            body_bytes: row.try_get("body_bytes")?,
            headers: headers.map(|Json(headers)| headers),
            remote_addr: row.try_get("remote_addr")?,
            secret: row.try_get("secret")?,
            problem,
            event_count,
            new,
            repeated,
            repeats,
            repeated_events: row.try_get("repeated_events")?,
            source: row.try_get("source")?,
            erased_at: moment_or_null(row, "erased_at")?,
        })
    }
}
