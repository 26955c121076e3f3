//! Dead letters: events that a consumer gave up.

use jiff::Timestamp;
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::store::Error;

/// Maximum number of letters that a call marks if it names no positions.
const AT_ONCE: i64 = 10_000;

/// Event that a consumer gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Position of the event.
    pub position: i64,
    /// Time of receipt of the event.
    pub received_at: Timestamp,
    /// Number of failed attempts.
    pub attempts: i32,
    /// Time of the first failure.
    pub first_at: Timestamp,
    /// Time of the last failure.
    pub last_at: Timestamp,
    /// Rule that gave the event up.
    pub reason: String,
    /// Code of the last failure.
    pub code: String,
    /// State of the letter.
    pub state: LetterState,
}

/// State of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterState {
    /// The event was given up.
    Dead,
    /// An operator asked for another hand-out.
    Retried,
    /// The event was settled after a retry.
    Settled,
    /// An operator discarded the letter.
    Discarded,
}

impl LetterState {
    /// All states.
    pub const ALL: &'static [Self] = &[Self::Dead, Self::Retried, Self::Settled, Self::Discarded];

    /// Name of the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Retried => "retried",
            Self::Settled => "settled",
            Self::Discarded => "discarded",
        }
    }

    fn of_name(name: &str) -> Self {
        let state = Self::ALL.iter().find(|state| state.as_str() == name);
        state.copied().unwrap_or(Self::Dead)
    }
}

impl DeadLetter {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        let time = |column| -> sqlx::Result<Timestamp> {
            let time: jiff_sqlx::Timestamp = row.try_get(column)?;
            Ok(time.to_jiff())
        };
        Ok(Self {
            position: row.try_get("position")?,
            received_at: time("received_at")?,
            attempts: row.try_get("attempts")?,
            first_at: time("first_at")?,
            last_at: time("last_at")?,
            reason: row.try_get("reason")?,
            code: row.try_get("code")?,
            state: LetterState::of_name(row.try_get("state")?),
        })
    }
}

/// Page of a list of dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    /// Only letters in this state.
    pub state: Option<LetterState>,
    /// Only letters before this position.
    pub before: Option<i64>,
    /// Maximum number of letters.
    pub limit: u32,
}

/// Reads dead letters of the consumer `name`, the newest first.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn dead_letters(
    conn: &mut PgConnection,
    name: &str,
    page: Letters,
) -> Result<Vec<DeadLetter>, Error> {
    // A statement for each form, so that each reads an index in its order.
    let list = match page.state {
        Some(_) => {
            "SELECT * FROM dead_letters WHERE consumer = $1 AND state = $4 AND position < $2
             ORDER BY position DESC LIMIT $3"
        }
        None => {
            "SELECT * FROM dead_letters WHERE consumer = $1 AND $4::text IS NULL AND position < $2
             ORDER BY position DESC LIMIT $3"
        }
    };
    let list = sqlx::query(list).bind(name);
    let list = list.bind(page.before.unwrap_or(i64::MAX));
    let list = list.bind(i64::from(page.limit));
    let list = list.bind(page.state.map(LetterState::as_str));
    let rows = list.fetch_all(conn).await?;
    Ok(rows.iter().map(DeadLetter::of).collect::<Result<_, _>>()?)
}

/// Reads the dead letter of the consumer `name` at `position`, if there is one.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn dead_letter(
    conn: &mut PgConnection,
    name: &str,
    position: i64,
) -> Result<Option<DeadLetter>, Error> {
    let show = sqlx::query("SELECT * FROM dead_letters WHERE consumer = $1 AND position = $2");
    let row = show.bind(name).bind(position).fetch_optional(conn).await?;
    Ok(row.as_ref().map(DeadLetter::of).transpose()?)
}

/// Reads the letters of the consumer `name` that an operator asked to retry, after a position,
/// at most `limit`, the oldest first. A letter stays in this state until a flush settles it or
/// reports another failure.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn retried(
    conn: &mut PgConnection,
    name: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<DeadLetter>, Error> {
    let retried = sqlx::query(
        "SELECT * FROM dead_letters WHERE consumer = $1 AND state = 'retried' AND position > $2
         ORDER BY position LIMIT $3",
    );
    let retried = retried.bind(name).bind(after).bind(i64::from(limit));
    let rows = retried.fetch_all(conn).await?;
    Ok(rows.iter().map(DeadLetter::of).collect::<Result<_, _>>()?)
}

/// Dead letters to mark.
#[derive(Clone, Copy, Debug)]
pub enum Marked<'a> {
    /// The letters at these positions.
    At(&'a [i64]),
    /// The first 10,000 letters in the state `dead`. The caller repeats the call until it marks none.
    Dead,
}

/// Marks letters as retried, so that their events are handed out again. Returns the positions of the
/// marked letters, in ascending order: letters that are settled or discarded stay.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn retry(
    conn: &mut PgConnection,
    name: &str,
    marked: Marked<'_>,
) -> Result<Vec<i64>, Error> {
    let states = &[LetterState::Dead, LetterState::Retried];
    mark(conn, name, marked, (states, LetterState::Retried)).await
}

/// Marks letters in the state `dead` as discarded. Returns the positions of the marked letters, in
/// ascending order.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn discard(
    conn: &mut PgConnection,
    name: &str,
    marked: Marked<'_>,
) -> Result<Vec<i64>, Error> {
    let states = &[LetterState::Dead];
    mark(conn, name, marked, (states, LetterState::Discarded)).await
}

/// Marks letters in one of the states `from` with the state `to`.
async fn mark(
    conn: &mut PgConnection,
    name: &str,
    marked: Marked<'_>,
    (from, to): (&[LetterState], LetterState),
) -> Result<Vec<i64>, Error> {
    let from: Vec<&str> = from.iter().map(|state| state.as_str()).collect();
    let query = match marked {
        Marked::At(positions) => sqlx::query_scalar(
            "UPDATE dead_letters SET state = $2
             WHERE consumer = $1 AND state = ANY ($3) AND position = ANY ($4) RETURNING position",
        )
        .bind(name)
        .bind(to.as_str())
        .bind(from)
        .bind(positions),
        Marked::Dead => sqlx::query_scalar(
            "UPDATE dead_letters SET state = $2
             WHERE consumer = $1 AND state = 'dead' AND position IN (
                 SELECT position FROM dead_letters WHERE consumer = $1 AND state = 'dead'
                 ORDER BY position LIMIT $3)
             RETURNING position",
        )
        .bind(name)
        .bind(to.as_str())
        .bind(AT_ONCE),
    };
    let mut marked: Vec<i64> = query.fetch_all(conn).await?;
    marked.sort_unstable();
    Ok(marked)
}
