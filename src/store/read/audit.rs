//! Entries of the audit.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::Serialize;

use super::{Conditions, Error, Reader, answer, row::row};
use crate::store::audit::AuditFilter;

row! {
    /// Entry of the audit; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize)]
    AuditRow {
        at: Timestamp,
        token: String,
        address: Option<String> = "host(address)",
        verb: String,
        subject: Option<String>,
        rows: Option<i64>,
    }
}

impl Reader {
    /// Reads the newest entries, at most `limit`, the newest first.
    pub async fn audit(
        &mut self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let select = format!("SELECT {} FROM audit WHERE", AuditRow::columns());
        let mut query = Conditions::after(&select);
        query
            .and("token = ", filter.token.clone())
            .and("at >= ", filter.since.map(ToSqlx::to_sqlx))
            .and("at < ", filter.until.map(ToSqlx::to_sqlx));
        if !filter.subjects.is_empty() {
            query.and_any("subject", filter.subjects.clone());
        }
        let mut query = query.limit(" ORDER BY at DESC", limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }
}
