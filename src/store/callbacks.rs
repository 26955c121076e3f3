//! What last happened at the callback URL of each app: challenges, and deliveries by secret.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::Error;

/// What happened at a callback URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// A challenge carried the verify token and was answered.
    ChallengeAnswered,
    /// A challenge carried another verify token.
    ChallengeRefused,
    /// A delivery was verified, live or of the Test button.
    Delivery,
    /// A delivery was verified that is marked as simulated.
    Simulated,
}

impl What {
    const ALL: [Self; 4] = [
        Self::ChallengeAnswered,
        Self::ChallengeRefused,
        Self::Delivery,
        Self::Simulated,
    ];

    /// Its word in the table.
    pub fn code(self) -> &'static str {
        match self {
            Self::ChallengeAnswered => "challenge_answered",
            Self::ChallengeRefused => "challenge_refused",
            Self::Delivery => "delivery",
            Self::Simulated => "simulated",
        }
    }

    fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.code() == code)
    }
}

/// When something last happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The app.
    pub app: String,
    /// What happened.
    pub what: What,
    /// The name of the secret that signed it; empty for challenges.
    pub secret: String,
    /// Which secret that name stood for; empty for challenges.
    pub fingerprint: String,
    /// When.
    pub last_at: Timestamp,
}

/// Forgets when simulated deliveries came. A running server writes the next one down again.
///
/// # Errors
/// Where Postgres is away.
pub async fn forget_simulated(conn: &mut PgConnection) -> Result<(), Error> {
    let forgotten = sqlx::query("DELETE FROM callbacks WHERE what = $1");
    forgotten.bind(What::Simulated.code()).execute(conn).await?;
    Ok(())
}

/// Writes down what was seen. The latest moment stays: another instance may have seen a later one.
///
/// # Errors
/// Where Postgres is away; what was not written can be written again.
pub async fn note(conn: &mut PgConnection, seen: &[Seen]) -> Result<(), Error> {
    for seen in seen {
        let noted = sqlx::query(
            "INSERT INTO callbacks AS known (app, what, secret, fingerprint, last_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (app, what, secret) DO UPDATE
             SET last_at = excluded.last_at, fingerprint = excluded.fingerprint
             WHERE known.last_at < excluded.last_at",
        );
        noted
            .bind(&seen.app)
            .bind(seen.what.code())
            .bind(&seen.secret)
            .bind(&seen.fingerprint)
            .bind(seen.last_at.to_sqlx())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Everything that was ever seen.
///
/// # Errors
/// Where Postgres is away.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<Seen>, Error> {
    let rows: Vec<(String, String, String, String, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT app, what, secret, fingerprint, last_at FROM callbacks ORDER BY app, what, secret",
    )
    .fetch_all(conn)
    .await?;
    let seen = |(app, what, secret, fingerprint, last_at): (String, String, _, _, _)| {
        let last_at: jiff_sqlx::Timestamp = last_at;
        Some(Seen {
            app,
            what: What::of(&what)?,
            secret,
            fingerprint,
            last_at: last_at.to_jiff(),
        })
    };
    Ok(rows.into_iter().filter_map(seen).collect())
}

/// When something last happened at the callback URL of `app`, whichever secret signed it.
pub fn last<'a>(seen: &'a [Seen], app: &str, what: What) -> Option<&'a Seen> {
    let of_app = seen
        .iter()
        .filter(|seen| seen.app == app && seen.what == what);
    of_app.max_by_key(|seen| seen.last_at)
}
