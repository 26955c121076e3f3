//! List of consumers.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use super::{ConsumerKind, Owner, Progress};
use crate::store::{Error, follow::DRAWN};

/// Maximum number of dead letters to count.
const MOST_LETTERS: i64 = 100_000;

/// State of a consumer, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Name of the consumer.
    pub name: String,
    /// Consumer or destination.
    pub kind: ConsumerKind,
    /// Present owner.
    pub owner: Option<Owner>,
    /// Stored progress.
    pub progress: Progress,
    /// Positions between the last position read and the end of the log, if there is an event; some
    /// may be holes.
    pub lag: i64,
    /// Age of the oldest unsettled event: first of those that wait, are in flight, or are unread. An
    /// unread event counts although it may not meet the filter. `None` if everything is settled.
    pub oldest: Option<Duration>,
    /// Number of waiting lanes.
    pub waiting: i64,
    /// Most frequent codes of the waiting lanes with their numbers, at most five.
    pub codes: Vec<(String, i64)>,
    /// Number of dead letters in the state `dead`, counted up to 100,000.
    pub dead_letters: i64,
}

/// Reads all consumers, by name.
///
/// Costs a statement for the consumers and one for the first unsettled events. The second looks into
/// the index of each day.
///
/// # Errors
/// If Postgres is unavailable, or the heads of a consumer are malformed.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<ConsumerStatus>, Error> {
    read(conn, None).await
}

/// Reads the consumer `name`, if there is one.
///
/// # Errors
/// Same as [`list`].
pub async fn status(conn: &mut PgConnection, name: &str) -> Result<Option<ConsumerStatus>, Error> {
    Ok(read(conn, Some(name)).await?.pop())
}

async fn read(conn: &mut PgConnection, name: Option<&str>) -> Result<Vec<ConsumerStatus>, Error> {
    let list = format!(
        "SELECT name, kind, CASE WHEN owned_until > clock_timestamp() THEN owner END AS owner,
                owner_address, {}, late.*, {DRAWN} AS drawn, clock_timestamp() AS now,
                (SELECT count(*) FROM (SELECT FROM dead_letters
                                       WHERE consumer = name AND state = 'dead'
                                       -- In the order of an index: otherwise a scan of all letters
                                       -- for each consumer.
                                       ORDER BY position LIMIT $2) AS letter) AS dead_letters
         FROM consumers CROSS JOIN LATERAL (
             SELECT coalesce(sum(number), 0)::bigint AS waiting, min(oldest_at) AS oldest_at,
                    coalesce((array_agg(code ORDER BY number DESC, code))[:5], '{{}}') AS codes,
                    coalesce((array_agg(number ORDER BY number DESC, code))[:5], '{{}}') AS numbers
             FROM (SELECT code, count(*) AS number, min(received_at) AS oldest_at
                   FROM consumer_lanes WHERE consumer = name GROUP BY code) AS by_code
         ) AS late
         WHERE $1::text IS NULL OR name = $1 ORDER BY name",
        Progress::COLUMNS
    );
    let list = sqlx::query(AssertSqlSafe(list)).bind(name);
    let rows = list.bind(MOST_LETTERS).fetch_all(&mut *conn).await?;
    let listed = rows.iter().map(Listed::of).collect::<Result<Vec<_>, _>>()?;
    let wanted = listed.iter().flat_map(Listed::wanted).collect();
    let times = first_events(conn, wanted).await?;
    Ok(listed.into_iter().map(|it| it.status(&times)).collect())
}

/// A row of the list, without the times of events.
#[derive(Debug)]
struct Listed {
    status: ConsumerStatus,
    /// Time of receipt of the oldest head that waits.
    oldest_at: Option<Timestamp>,
    /// End of the log.
    drawn: i64,
    now: Timestamp,
}

impl Listed {
    fn of(row: &PgRow) -> Result<Self, Error> {
        let time = |column| -> sqlx::Result<Option<Timestamp>> {
            let time: Option<jiff_sqlx::Timestamp> = row.try_get(column)?;
            Ok(time.map(jiff_sqlx::Timestamp::to_jiff))
        };
        let owner: Option<String> = row.try_get("owner")?;
        let address = row.try_get("owner_address")?;
        let codes: Vec<String> = row.try_get("codes")?;
        let numbers: Vec<i64> = row.try_get("numbers")?;
        Ok(Self {
            status: ConsumerStatus {
                name: row.try_get("name")?,
                kind: ConsumerKind::of_name(row.try_get("kind")?),
                owner: owner.map(|name| Owner { name, address }),
                progress: Progress::of(row)?,
                lag: 0,
                oldest: None,
                waiting: row.try_get("waiting")?,
                codes: codes.into_iter().zip(numbers).collect(),
                dead_letters: row.try_get("dead_letters")?,
            },
            oldest_at: time("oldest_at")?,
            drawn: row.try_get("drawn")?,
            now: time("now")?.unwrap_or_default(),
        })
    }

    /// Positions from which the first events are needed.
    fn wanted(&self) -> impl Iterator<Item = i64> {
        let head = self.status.progress.heads.first().copied();
        head.into_iter().chain(self.passed()).chain(self.unread())
    }

    /// First position at which an event of a backlog may lie.
    fn passed(&self) -> Option<i64> {
        let backlogs = self.status.progress.backlogs.iter();
        backlogs.map(|backlog| backlog.after + 1).min()
    }

    /// First position that is not read, if one was drawn.
    fn unread(&self) -> Option<i64> {
        let position = self.status.progress.position;
        (self.drawn > position).then_some(position + 1)
    }

    /// The state, with the times of receipt of the first events from the wanted positions.
    fn status(self, times: &HashMap<i64, Timestamp>) -> ConsumerStatus {
        let unread = self.unread().and_then(|position| times.get(&position));
        let head = self.status.progress.heads.first();
        let head = head.and_then(|head| times.get(head));
        let passed = self.passed().and_then(|position| times.get(&position));
        let unsettled = [
            self.oldest_at,
            head.copied(),
            passed.copied(),
            unread.copied(),
        ];
        let oldest_at = unsettled.into_iter().flatten().min();
        let age = |at| Duration::try_from(self.now.duration_since(at)).unwrap_or_default();
        ConsumerStatus {
            lag: unread.map_or(0, |_| self.drawn - self.status.progress.position),
            oldest: oldest_at.map(age),
            ..self.status
        }
    }
}

/// Time of receipt of the first event at or after each of `positions`, if there is one.
async fn first_events(
    conn: &mut PgConnection,
    positions: Vec<i64>,
) -> Result<HashMap<i64, Timestamp>, Error> {
    if positions.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(i64, jiff_sqlx::Timestamp)> = sqlx::query_as(
        "SELECT wanted.position, first.received_at
         FROM (SELECT DISTINCT position FROM unnest($1::bigint[]) AS position) AS wanted
         CROSS JOIN LATERAL (
             SELECT received_at FROM stored_events AS event
             WHERE event.position >= wanted.position ORDER BY event.position LIMIT 1
         ) AS first",
    )
    .bind(positions)
    .fetch_all(conn)
    .await?;
    let times = found.into_iter().map(|(at, time)| (at, time.to_jiff()));
    Ok(times.collect())
}
