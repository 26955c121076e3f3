//! The commit statement and its retries.

use std::{collections::BTreeSet, sync::OnceLock};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{Arguments, PgConnection, postgres::PgArguments};

use super::{Batch, Committed, Error, accounts::Noted, epoch, partitions};

/// Maximum number of attempts. A failed attempt is repeated if the epoch is outdated, a partition is
/// missing, or a delivery id is already stored.
const ATTEMPTS: usize = 5;

/// Facts about the database that a session caches between commits.
#[derive(Debug, Default)]
pub struct Known {
    /// Dedupe epoch of the last commit. It is read from the database if it is `None` or outdated.
    pub epoch: Option<i32>,
    accounts: Noted,
}

/// Commits a batch of deliveries with their events and returns the result of each delivery.
///
/// Committing the same deliveries again changes nothing: their ids and keys are already stored.
///
/// # Errors
/// Nothing was written, unless the answer of Postgres was lost. After [`Error::MissingPartition`] the
/// caller sends the batch in a new session: Postgres may keep an outdated list of partitions, which it
/// read while another session attached one, as long as a session lives.
pub async fn commit(
    conn: &mut PgConnection,
    known: &mut Known,
    batch: &Batch,
) -> Result<Vec<Committed>, Error> {
    let mut sent_before = false;
    let mut last = Error::EpochMoves;
    for _ in 0..ATTEMPTS {
        let epoch = match known.epoch {
            Some(epoch) => epoch,
            None => epoch::current(conn).await?.number,
        };
        known.epoch = Some(epoch);
        let arguments = arguments((epoch, sent_before), batch, &known.accounts)?;
        match send(conn, arguments).await {
            Ok(Some(items)) => {
                known.accounts.note(batch.accounts());
                return Ok(batch.outcome(&items));
            }
            Ok(None) => (known.epoch, last) = (None, Error::EpochMoves),
            Err(missing @ Error::MissingPartition(_)) => {
                mend(conn, epoch, batch).await?;
                last = missing;
            }
            Err(Error::StoredBefore(_)) if !sent_before => sent_before = true,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Arguments of the statement.
fn arguments(
    (epoch, sent_before): (i32, bool),
    batch: &Batch,
    noted: &Noted,
) -> Result<PgArguments, Error> {
    let mut arguments = PgArguments::default();
    let mut bind = || {
        arguments.add(epoch)?;
        arguments.add(sent_before)?;
        batch.bind_to(&mut arguments)?;
        noted.bind_others(batch.accounts(), &mut arguments)
    };
    bind().map_err(sqlx::Error::Encode)?;
    Ok(arguments)
}

/// Sends the statement. Returns a flag for each item, true if its event was stored before, or
/// `None` if the epoch is outdated and nothing was written.
async fn send(conn: &mut PgConnection, arguments: PgArguments) -> Result<Option<Vec<bool>>, Error> {
    let sending = sqlx::query_scalar_with(statement(arguments.len()), arguments);
    Ok(sending.fetch_one(conn).await?)
}

/// SQL text of the statement. The statement is one autocommit call, so a stalled connection leaves
/// no open transaction that holds the fence.
fn statement(arguments: usize) -> &'static str {
    static STATEMENT: OnceLock<String> = OnceLock::new();
    STATEMENT.get_or_init(|| {
        let places: Vec<_> = (1..=arguments).map(|place| format!("${place}")).collect();
        format!("SELECT commit_batch({})", places.join(", "))
    })
}

/// Creates the partitions that the batch needs.
async fn mend(conn: &mut PgConnection, epoch: i32, batch: &Batch) -> Result<(), Error> {
    let days: BTreeSet<Date> = batch.times().iter().copied().map(day).collect();
    for day in days {
        partitions::ensure_day(conn, day).await?;
    }
    partitions::ensure_epoch(conn, epoch).await?;
    partitions::wait_for_makers(conn).await
}

/// Day (UTC) of the partition for `received_at` = `at`.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
