//! Rows of sessions.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;

use super::{
    super::{Connection, Error, Writes},
    Digest, IDLE, LONGEST,
    memory::Removal,
};

/// Time for which a further use is not written.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Row of a valid session.
pub(super) struct Row {
    pub(super) token: Digest,
    pub(super) created_at: Timestamp,
}

pub(super) async fn create(
    writes: &Writes,
    id: &Digest,
    token: &Digest,
    now: Timestamp,
) -> Result<(), Error> {
    let insert = sqlx::query(
        "INSERT INTO admin_sessions (id, token, created_at, last_seen_at) VALUES ($1, $2, $3, $3)",
    );
    let insert = insert.bind(&id[..]).bind(&token[..]).bind(now.to_sqlx());
    writes.execute(insert).await.map(drop)
}

/// Reads a session that is valid at `now`.
pub(super) async fn find(
    writes: &Writes,
    id: &Digest,
    now: Timestamp,
) -> Result<Option<Row>, Error> {
    let mut session = writes.session().await?;
    let found: Option<(Vec<u8>, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT token, created_at FROM admin_sessions
         WHERE id = $1 AND created_at > $2 AND last_seen_at > $3",
    )
    .bind(&id[..])
    .bind((now - LONGEST).to_sqlx())
    .bind((now - IDLE).to_sqlx())
    .fetch_optional(&mut *session)
    .await?;
    Ok(found.and_then(|(token, created_at)| {
        Some(Row {
            token: token.try_into().ok()?,
            created_at: created_at.to_jiff(),
        })
    }))
}

/// Writes the last uses of sessions, each at most once a minute, and returns the ids of those that
/// are valid at `now`.
pub(super) async fn note(
    writes: &Writes,
    used: &[(Digest, Timestamp)],
    now: Timestamp,
) -> Result<Vec<Digest>, Error> {
    let mut session = writes.session().await?;
    let valid: Vec<Vec<u8>> = sqlx::query_scalar(
        "WITH used AS (
             SELECT * FROM unnest($1::bytea[], $2::timestamptz[]) AS used (id, used_at)
         ), noted AS (
             UPDATE admin_sessions AS known SET last_seen_at = used_at FROM used
             WHERE known.id = used.id AND last_seen_at <= used_at - $3 * interval '1 second'
         )
         SELECT id FROM admin_sessions JOIN used USING (id)
         WHERE created_at > $4 AND greatest(last_seen_at, used_at) > $5",
    )
    .bind(used.iter().map(|(id, _)| id.to_vec()).collect::<Vec<_>>())
    .bind(used.iter().map(|(_, at)| at.to_sqlx()).collect::<Vec<_>>())
    .bind(NOTED.as_secs_f64())
    .bind((now - LONGEST).to_sqlx())
    .bind((now - IDLE).to_sqlx())
    .fetch_all(&mut *session)
    .await?;
    let digests = valid.into_iter().map(Digest::try_from);
    Ok(digests.filter_map(Result::ok).collect())
}

pub(super) async fn remove(writes: &Writes, id: &Digest) -> Result<(), Error> {
    let delete = sqlx::query("DELETE FROM admin_sessions WHERE id = $1");
    writes.execute(delete.bind(&id[..])).await.map(drop)
}

/// Removes the sessions of a token and returns their number.
pub(super) async fn remove_all(writes: &Writes, token: &Digest) -> Result<u64, Error> {
    let delete = sqlx::query("DELETE FROM admin_sessions WHERE token = $1");
    writes.execute(delete.bind(&token[..])).await
}

/// Removes the sessions that ended when their tokens were removed.
pub(super) async fn remove_others(writes: &Writes, removal: &Removal) -> Result<u64, Error> {
    let delete =
        sqlx::query("DELETE FROM admin_sessions WHERE created_at <= $1 AND token <> ALL($2)");
    let kept: Vec<_> = removal.kept.iter().map(|it| it.to_vec()).collect();
    writes
        .execute(delete.bind(removal.at.to_sqlx()).bind(kept))
        .await
}

/// Removes the sessions that have expired at `now`, and returns their number.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn remove_expired(conn: &mut Connection, now: Timestamp) -> Result<u64, Error> {
    let delete =
        sqlx::query("DELETE FROM admin_sessions WHERE created_at <= $1 OR last_seen_at <= $2");
    let delete = delete
        .bind((now - LONGEST).to_sqlx())
        .bind((now - IDLE).to_sqlx());
    Ok(delete.execute(conn).await?.rows_affected())
}
