//! Attempts of destinations, in daily partitions that are kept for a week.

use jiff::{Timestamp, ToSpan, civil::Date};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{
    Error, commit,
    names::day_name,
    partitions::{drop_partition, ensure, midnight},
};

/// The table.
const TABLE: &str = "attempts";

/// Number of days for which attempts are kept, besides the current day.
pub const DAYS_KEPT: i32 = 7;

/// Attempt to send an event to a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttempt {
    /// Time of the end of the attempt.
    pub at: Timestamp,
    /// Name of the destination.
    pub destination: String,
    /// Position of the event.
    pub position: i64,
    /// Time of receipt of the event.
    pub received_at: Timestamp,
    /// Number of the attempt, counted from one.
    pub attempt: i32,
    /// Outcome: a few letters and underscores.
    pub outcome: String,
    /// HTTP status of the answer.
    pub status: Option<i16>,
    /// Duration in milliseconds.
    pub millis: i32,
}

/// Creates the partition of `day` if it is missing.
///
/// # Errors
/// If Postgres is unavailable, or if another session locks the table for more than two seconds.
pub async fn ensure_day(conn: &mut PgConnection, day: Date) -> Result<(), Error> {
    let (from, to) = (midnight(day), midnight(day.saturating_add(1.day())));
    let check = format!("at >= '{from}' AND at < '{to}'");
    let bounds = format!("FROM ('{from}') TO ('{to}')");
    ensure(conn, TABLE, &day_name(TABLE, day), &check, &bounds).await
}

/// Drops the partitions of days more than [`DAYS_KEPT`] before the day of `now`.
///
/// # Errors
/// If Postgres is unavailable. The next call completes an interrupted drop.
pub async fn drop_old(conn: &mut PgConnection, now: Timestamp) -> Result<(), Error> {
    let oldest = day_name(TABLE, commit::day(now).saturating_sub(DAYS_KEPT.days()));
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
         WHERE inhparent = 'attempts'::regclass AND relname::text < $1 ORDER BY 1",
    )
    .bind(oldest)
    .fetch_all(&mut *conn)
    .await?;
    for name in old {
        drop_partition(conn, TABLE, &name).await?;
    }
    Ok(())
}

/// Writes attempts in one statement.
///
/// # Errors
/// If Postgres is unavailable. The attempts may be written or not.
pub async fn write(conn: &mut PgConnection, attempts: &[StoredAttempt]) -> Result<(), Error> {
    for day in days(attempts) {
        ensure_day(conn, day).await?;
    }
    let text = |of: fn(&StoredAttempt) -> &str| attempts.iter().map(of).collect::<Vec<_>>();
    let number = |of: fn(&StoredAttempt) -> i32| attempts.iter().map(of).collect::<Vec<_>>();
    let time = |of: fn(&StoredAttempt) -> Timestamp| {
        let times = attempts.iter().map(of);
        times.map(ToSqlx::to_sqlx).collect::<Vec<_>>()
    };
    sqlx::query(
        "INSERT INTO attempts
             (at, destination, position, received_at, attempt, outcome, status, millis)
         SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::bigint[], $4::timestamptz[],
                              $5::int[], $6::text[], $7::smallint[], $8::int[])",
    )
    .bind(time(|it| it.at))
    .bind(text(|it| &it.destination))
    .bind(attempts.iter().map(|it| it.position).collect::<Vec<_>>())
    .bind(time(|it| it.received_at))
    .bind(number(|it| it.attempt))
    .bind(text(|it| &it.outcome))
    .bind(attempts.iter().map(|it| it.status).collect::<Vec<_>>())
    .bind(number(|it| it.millis))
    .execute(conn)
    .await?;
    Ok(())
}

/// Days of the attempts.
fn days(attempts: &[StoredAttempt]) -> Vec<Date> {
    let mut days: Vec<_> = attempts.iter().map(|it| commit::day(it.at)).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// Filter for attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptFilter {
    /// Name of the destination.
    pub destination: String,
    /// Position of the event.
    pub position: Option<i64>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// Reads the newest attempts of a destination, at most `limit`.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn newest(
    conn: &mut PgConnection,
    filter: &AttemptFilter,
    limit: u32,
) -> Result<Vec<StoredAttempt>, Error> {
    type Row = (
        jiff_sqlx::Timestamp,
        i64,
        jiff_sqlx::Timestamp,
        i32,
        String,
        Option<i16>,
        i32,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT at, position, received_at, attempt, outcome, status, millis FROM attempts
         WHERE destination = $1 AND position = coalesce($2, position)
           AND at >= coalesce($3, '-infinity') AND at < coalesce($4, 'infinity')
         ORDER BY at DESC LIMIT $5",
    )
    .bind(&filter.destination)
    .bind(filter.position)
    .bind(filter.since.map(ToSqlx::to_sqlx))
    .bind(filter.until.map(ToSqlx::to_sqlx))
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    let attempt =
        |(at, position, received_at, attempt, outcome, status, millis): Row| StoredAttempt {
            at: at.to_jiff(),
            destination: filter.destination.clone(),
            position,
            received_at: received_at.to_jiff(),
            attempt,
            outcome,
            status,
            millis,
        };
    Ok(rows.into_iter().map(attempt).collect())
}
