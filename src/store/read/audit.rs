//! Entries of the audit.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Conditions, Error, Place, Reader, answer,
    extent::{Extent, counting},
    row::row,
};
use crate::store::audit::AuditFilter;

row! {
    /// Entry of the audit; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "AuditEntry")]
    AuditRow {
        /// Order of the entries.
        #[serde(skip)]
        id: i64,
        at: Timestamp,
        token: String,
        address: Option<String> = "host(address)",
        verb: String,
        subject: Option<String>,
        rows: Option<i64>,
    }
}

impl AuditRow {
    /// Place of the entry in the list.
    pub fn place(&self) -> Place {
        Place {
            at: self.at,
            position: self.id,
        }
    }
}

impl AuditFilter {
    fn apply(&self, query: &mut Conditions) {
        query
            .and("token = ", self.token.clone())
            .and("at >= ", self.since.map(ToSqlx::to_sqlx))
            .and("at < ", self.until.map(ToSqlx::to_sqlx));
        if !self.subjects.is_empty() {
            query.and_any("subject", self.subjects.clone());
        }
    }

    fn select(&self) -> Conditions {
        let mut query =
            Conditions::after(&format!("SELECT {} FROM audit WHERE", AuditRow::columns()));
        self.apply(&mut query);
        query
    }
}

impl Reader {
    /// Reads the newest entries before `before`, or else the oldest ones after `after`: at most
    /// `limit`, the newest first.
    pub async fn audit(
        &mut self,
        filter: &AuditFilter,
        [before, after]: [Option<Place>; 2],
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let is_after = after.is_some() && before.is_none();
        let order = if is_after {
            " ORDER BY at, id"
        } else {
            " ORDER BY at DESC, id DESC"
        };
        let mut query = filter.select();
        query.before_place("at", "id", before);
        query.after_place("at", "id", after);
        let mut query = query.limit(order, limit);
        let found = query.build_query_as().fetch_all(&mut *self.conn);
        let mut rows: Vec<AuditRow> = answer(found).await?;
        if is_after {
            rows.reverse();
        }
        Ok(rows)
    }

    /// Id of the last entry; 0 if there is none.
    pub async fn end_of_audit(&mut self) -> Result<i64, Error> {
        let query = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM audit");
        answer(query.fetch_one(&mut *self.conn)).await
    }

    /// Reads at most `limit` entries behind the id `after`, up to the id `end`, in their order.
    pub async fn audit_between(
        &mut self,
        filter: &AuditFilter,
        (after, end): (i64, i64),
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let mut query = filter.select();
        query.and("id > ", Some(after)).and("id <= ", Some(end));
        let mut query = query.limit(" ORDER BY id", limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Counts the entries up to the id `end`.
    pub async fn extent_of_audit(
        &mut self,
        filter: &AuditFilter,
        end: i64,
    ) -> Result<Extent, Error> {
        let mut query = counting("at", "at", " FROM audit WHERE");
        filter.apply(&mut query);
        query.and("id <= ", Some(end));
        self.count(query).await
    }
}
