//! Last requests at the callback URL of each app: challenges, and deliveries by secret.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::Error;

/// Kind of request at a callback URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// A challenge with the right verify token.
    ChallengeAnswered,
    /// A challenge with a wrong verify token.
    ChallengeRefused,
    /// A verified delivery from Meta, live or sent with the Test button.
    Delivery,
    /// A verified delivery that is marked as simulated.
    Simulated,
}

impl What {
    const ALL: [Self; 4] = [
        Self::ChallengeAnswered,
        Self::ChallengeRefused,
        Self::Delivery,
        Self::Simulated,
    ];

    /// Value of the column `what`.
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

/// Last time of one kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// App name.
    pub app: String,
    /// Kind of request.
    pub what: What,
    /// Name of the secret that signed the delivery; empty for challenges.
    pub secret: String,
    /// Fingerprint of that secret; empty for challenges.
    pub fingerprint: String,
    /// Time of the last request.
    pub last_at: Timestamp,
}

/// Deletes the rows of simulated deliveries. A running server writes the next simulated delivery
/// again.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn forget_simulated(conn: &mut PgConnection) -> Result<(), Error> {
    let forgotten = sqlx::query("DELETE FROM callbacks WHERE what = $1");
    forgotten.bind(What::Simulated.code()).execute(conn).await?;
    Ok(())
}

/// Stores `seen`. If another instance has stored a later time, the later time stays.
///
/// # Errors
/// If Postgres is unavailable; rows that were not written can be written again.
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

/// Reads all rows.
///
/// # Errors
/// If Postgres is unavailable.
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

/// Last time of `what` at the callback URL of `app`, over all secrets.
pub fn last<'a>(seen: &'a [Seen], app: &str, what: What) -> Option<&'a Seen> {
    let of_app = seen
        .iter()
        .filter(|seen| seen.app == app && seen.what == what);
    of_app.max_by_key(|seen| seen.last_at)
}
