//! Counts requests that were not stored, in a table that a flood cannot grow past its cap.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};

use super::Error;

/// Reasons of deliveries that could not be stored and got 503 or 500.
pub const FAILURES: [&str; 5] = [
    "store_unavailable",
    "queue_full",
    "body_budget",
    "stopping",
    "internal",
];

/// Reasons of requests that got 404: an unknown app, and any other unknown path.
pub const UNKNOWN: [&str; 2] = ["unknown_app", "unknown_path"];

/// Network of the shared row, for rejections without a row of their own.
const ELSEWHERE: &str = "0.0.0.0/0";

/// Maximum number of rows of one hour: a distributed flood must leave room for earlier hours.
fn hourly_share(max_rows: u32) -> i64 {
    i64::from(max_rows / 24).max(1)
}

/// Number of new rejections by hour, app, reason and network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Hour of the requests.
    pub hour: Timestamp,
    /// App name.
    pub app: String,
    /// Reason, from a bounded set.
    pub reason: &'static str,
    /// Network in CIDR form; `None` if the address is unknown.
    pub prefix: Option<String>,
    /// Number of requests.
    pub count: i64,
    /// Time of the last request.
    pub last_at: Timestamp,
    /// Header of such a request that reveals a proxy.
    pub proxy_header: Option<&'static str>,
}

/// Number of requests that were not stored, by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Reason.
    pub reason: String,
    /// True if the rows name a network, false for the shared row.
    pub from_known: bool,
    /// Number of requests.
    pub count: i64,
}

/// Sums over all apps and networks, of rows with a request since `since`.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn sums(conn: &mut PgConnection, since: Timestamp) -> Result<Vec<Sum>, Error> {
    let sums: Vec<(String, bool, i64)> = sqlx::query_as(
        "SELECT reason, prefix <> $2::cidr, sum(count)::bigint FROM rejections
         WHERE last_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .bind(since.to_sqlx())
    .bind(ELSEWHERE)
    .fetch_all(conn)
    .await?;
    let sum = |(reason, from_known, count)| Sum {
        reason,
        from_known,
        count,
    };
    Ok(sums.into_iter().map(sum).collect())
}

/// Adds `counts`. A network without a row gets one if its hour has rows left, else it is counted in
/// the shared row. Then deletes the rows beyond `max_rows`: the oldest hours first, and within an
/// hour the smallest counts.
///
/// # Errors
/// Nothing was counted.
pub async fn add(conn: &mut PgConnection, counts: &[Count], max_rows: u32) -> Result<(), Error> {
    let mut tx = conn.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '2s'")
        .execute(&mut *tx)
        .await?;
    // Serialises instances that count at the same time, so that each sees the other's rows before
    // it takes its share.
    sqlx::query("LOCK TABLE rejections IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    for count in counts {
        add_one(&mut tx, count, hourly_share(max_rows)).await?;
    }
    let trim = sqlx::query(
        "DELETE FROM rejections WHERE (hour, app, reason, prefix) IN (
             SELECT hour, app, reason, prefix FROM rejections
             ORDER BY hour DESC, count DESC OFFSET $1)",
    );
    trim.bind(i64::from(max_rows)).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

async fn add_one(conn: &mut PgConnection, count: &Count, share: i64) -> Result<(), Error> {
    sqlx::query(
        r"INSERT INTO rejections AS known (hour, app, reason, prefix, count, last_at,
                                           proxy_header)
          SELECT $1, $2, $3,
                 CASE WHEN EXISTS (SELECT FROM rejections WHERE (hour, app, reason, prefix)
                                                               = ($1, $2, $3, $4::cidr))
                        OR (SELECT count(*) FROM rejections WHERE hour = $1) < $7
                      THEN $4::cidr ELSE $8::cidr END,
                 $5, $6, $9
          ON CONFLICT (hour, app, reason, prefix)
          DO UPDATE SET count = known.count + excluded.count,
                        last_at = greatest(known.last_at, excluded.last_at),
                        proxy_header = coalesce(excluded.proxy_header, known.proxy_header)",
    )
    .bind(count.hour.to_sqlx())
    .bind(&count.app)
    .bind(count.reason)
    .bind(count.prefix.as_deref().unwrap_or(ELSEWHERE))
    .bind(count.count)
    .bind(count.last_at.to_sqlx())
    .bind(share)
    .bind(ELSEWHERE)
    .bind(count.proxy_header)
    .execute(conn)
    .await?;
    Ok(())
}
