//! What of something that is not stored yet is stored already.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use uuid::Uuid;

use super::{Error, Reader, answer};

/// The database keeps microseconds of a moment only.
const ROUNDED: SignedDuration = SignedDuration::from_millis(1);

/// How many keys are asked for at once.
const KEYS: usize = 10_000;

impl Reader {
    /// Those of `ids` that are stored; all of them were received from `oldest` to `newest`.
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
        answer(query.fetch_all(&mut self.0)).await
    }

    /// How many of these dedupe keys are known, so that their items would be repeats.
    pub async fn known_keys(&mut self, keys: &[Uuid]) -> Result<u64, Error> {
        let mut known = 0;
        for keys in keys.chunks(KEYS) {
            let query = sqlx::query_scalar(
                "SELECT count(DISTINCT key) FROM dedupe
                 WHERE epoch >= (SELECT epoch - 1 FROM commit_fence) AND key = ANY ($1)",
            );
            let found: i64 = answer(query.bind(keys).fetch_one(&mut self.0)).await?;
            known += found.unsigned_abs();
        }
        Ok(known)
    }
}
