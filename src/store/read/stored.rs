//! Look-up of stored deliveries and known dedupe keys, before storing.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

use super::{Error, Reader, answer};

/// Tolerance for rounded times: Postgres keeps microseconds.
const ROUNDED: SignedDuration = SignedDuration::from_millis(1);

/// Maximum number of keys per query.
const KEYS: usize = 10_000;

impl Reader {
    /// Returns the stored ids among `ids`. All `ids` were received from `oldest` to `newest`.
    pub async fn stored_deliveries(
        &mut self,
        ids: &[Uuid],
        oldest: Timestamp,
        newest: Timestamp,
    ) -> Result<Vec<Uuid>, Error> {
        let query = sqlx::query_scalar(
            "SELECT id FROM deliveries
             WHERE received_at BETWEEN $1 AND $2 AND id = ANY ($3)",
        );
        let query = query
            .bind((oldest - ROUNDED).to_sqlx())
            .bind((newest + ROUNDED).to_sqlx())
            .bind(ids);
        answer(query.fetch_all(&mut *self.conn)).await
    }

    /// Counts the known keys among `keys`. Items with known keys would be repeats.
    pub async fn known_keys(&mut self, keys: &[Uuid]) -> Result<u64, Error> {
        let mut known = 0;
        for keys in keys.chunks(KEYS) {
            let query = sqlx::query_scalar(
                "SELECT count(DISTINCT key) FROM dedupe
                 WHERE epoch >= (SELECT epoch - 1 FROM commit_fence) AND key = ANY ($1)",
            );
            let found: i64 = answer(query.bind(keys).fetch_one(&mut *self.conn)).await?;
            known += found.unsigned_abs();
        }
        Ok(known)
    }
}
