//! Gaps in the deliveries of an app, and the liveness of servers, from which the next start detects
//! that no server was running.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};

use super::Error;
use crate::vocabulary::named;

/// Age of a liveness row from which its server counts as gone. Rows are written once a minute.
const GONE_AFTER: SignedDuration = SignedDuration::from_secs(90);

/// Cause of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapCause {
    /// No server was running.
    Down,
    /// Nothing but rejections from Meta's networks.
    Refusing,
    /// Neither Postgres nor the spool took deliveries.
    Unable,
    /// Deliveries went into the spool: late, not lost.
    Spooling,
}

impl GapCause {
    /// All causes.
    pub const ALL: &'static [Self] = &[Self::Down, Self::Refusing, Self::Unable, Self::Spooling];

    /// Value of the column `cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Refusing => "refusing",
            Self::Unable => "unable",
            Self::Spooling => "spooling",
        }
    }
}

named!(GapCause);

/// Gap in the deliveries of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// App name.
    pub app: String,
    /// Cause.
    pub cause: GapCause,
    /// Start.
    pub opened_at: Timestamp,
    /// End; `None` while the gap is open.
    pub closed_at: Option<Timestamp>,
}

/// Stores `gaps`. A stored gap with the same start gets the new end.
///
/// # Errors
/// If Postgres is unavailable; gaps that were not written can be written again.
pub async fn write(conn: &mut PgConnection, gaps: &[Gap]) -> Result<(), Error> {
    for gap in gaps {
        let written = sqlx::query(
            "INSERT INTO gaps (app, cause, opened_at, closed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (app, cause, opened_at) DO UPDATE SET closed_at = excluded.closed_at",
        );
        written
            .bind(&gap.app)
            .bind(gap.cause.as_str())
            .bind(gap.opened_at.to_sqlx())
            .bind(gap.closed_at.map(ToSqlx::to_sqlx))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Begins to serve `app` at `at`. If no other server is running, the time since the last server ran
/// is a gap, and the gaps that this server left open end. A row from the future, as of a clock that
/// was ahead, says nothing.
///
/// # Errors
/// If Postgres is unavailable; nothing was written.
pub async fn begin(
    conn: &mut PgConnection,
    instance: &str,
    app: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let gone = at.checked_sub(GONE_AFTER).unwrap_or(at);
    let ahead = at.checked_add(GONE_AFTER).unwrap_or(at);
    let mut tx = conn.begin().await?;
    let last: Option<Option<jiff_sqlx::Timestamp>> = sqlx::query_scalar(
        "SELECT max(alive_at) FILTER (WHERE alive_at <= $5) FROM liveness WHERE app = $1
         HAVING NOT bool_or(instance <> $2 AND NOT stopped AND alive_at > $3 AND alive_at <= $4)",
    )
    .bind(app)
    .bind(instance)
    .bind(gone.to_sqlx())
    .bind(ahead.to_sqlx())
    .bind(at.to_sqlx())
    .fetch_optional(&mut *tx)
    .await?;
    // Without a row, another server is running, or none ever was.
    if let Some(last) = last {
        let last = last.map_or(at, jiff_sqlx::Timestamp::to_jiff);
        close_all(&mut tx, app, last).await?;
        let down = Gap {
            app: app.to_owned(),
            cause: GapCause::Down,
            opened_at: last,
            closed_at: Some(at),
        };
        if last < at {
            write(&mut tx, &[down]).await?;
        }
    }
    let forget = sqlx::query(
        "DELETE FROM liveness
         WHERE app = $1 AND instance <> $2 AND (stopped OR alive_at <= $3 OR alive_at > $4)",
    );
    let forget = forget.bind(app).bind(instance).bind(gone.to_sqlx());
    forget.bind(ahead.to_sqlx()).execute(&mut *tx).await?;
    alive(&mut tx, instance, &[app], at).await?;
    Ok(tx.commit().await?)
}

/// Ends the open gaps of an app at `at`.
async fn close_all(conn: &mut PgConnection, app: &str, at: Timestamp) -> Result<(), Error> {
    let close = sqlx::query(
        "UPDATE gaps SET closed_at = greatest(opened_at, $2)
         WHERE app = $1 AND closed_at IS NULL",
    );
    close.bind(app).bind(at.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// Notes that the server was running at `at` and served `apps`.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn alive(
    conn: &mut PgConnection,
    instance: &str,
    apps: &[&str],
    at: Timestamp,
) -> Result<(), Error> {
    let noted = sqlx::query(
        "INSERT INTO liveness (app, instance, alive_at, stopped)
         SELECT app, $2, $3, false FROM unnest($1::text[]) AS app
         ON CONFLICT (app, instance)
         DO UPDATE SET alive_at = excluded.alive_at, stopped = excluded.stopped",
    );
    let noted = noted.bind(apps).bind(instance).bind(at.to_sqlx());
    noted.execute(conn).await?;
    Ok(())
}

/// Notes that the server stopped at `at`.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn stop(conn: &mut PgConnection, instance: &str, at: Timestamp) -> Result<(), Error> {
    let stopped =
        sqlx::query("UPDATE liveness SET alive_at = $2, stopped = true WHERE instance = $1");
    let stopped = stopped.bind(instance).bind(at.to_sqlx());
    stopped.execute(conn).await?;
    Ok(())
}
