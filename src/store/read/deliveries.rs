//! Deliveries as rows: in the order of arrival, or one by its id, with its bytes.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{FromRow, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{Conditions, Error, Reader, answer, moment, moment_or_null};
use crate::meta::event::Problem;

/// Which deliveries: all that meet every condition that is set.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    /// The configured app.
    pub app: Option<String>,
    /// What could not be read as it came.
    pub problem: Option<Problem>,
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
}

/// The bytes of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As they were received.
    Kept(Vec<u8>),
    /// They were erased.
    Erased,
}

const SELECT: &str = "SELECT id, received_at, app, object, octet_length(body) AS body_bytes,
        headers, host(remote_addr) AS remote_addr, secret, problem, event_count, source, erased_at
    FROM deliveries WHERE";

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
        Ok(Self {
            id: row.try_get("id")?,
            received_at: moment(row, "received_at")?,
            app: row.try_get("app")?,
            object: row.try_get("object")?,
            body_bytes: row.try_get("body_bytes")?,
            headers: headers.map(|Json(headers)| headers),
            remote_addr: row.try_get("remote_addr")?,
            secret: row.try_get("secret")?,
            problem: row.try_get("problem")?,
            event_count: row.try_get("event_count")?,
            source: row.try_get("source")?,
            erased_at: moment_or_null(row, "erased_at")?,
        })
    }
}
