//! The commit: the one statement behind the promise, and what it is sent again for.

use std::{collections::BTreeSet, sync::OnceLock};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{Arguments, PgConnection, postgres::PgArguments};

use super::{Batch, Committed, Error, accounts::Noted, epoch, partitions};

/// How often the statement is sent at most: the epoch may have moved, then a partition may be
/// missing, and either may happen once more while the other is mended; and the deliveries may be
/// there already.
const ATTEMPTS: usize = 5;

/// What a session knows of its database, so that it need not look at each commit.
#[derive(Debug, Default)]
pub struct Known {
    /// What the dedupe epoch was last time; it is read where that is `None` or no longer so.
    pub epoch: Option<i32>,
    accounts: Noted,
}

/// Commits a batch of deliveries with their events, each thing that happened once, and says what
/// became of each delivery.
///
/// Committing the same deliveries again changes nothing: their ids are known then, and their keys.
///
/// # Errors
/// Nothing was written then, unless the answer was lost on its way.
pub async fn commit(
    conn: &mut PgConnection,
    known: &mut Known,
    batch: &Batch,
) -> Result<Vec<Committed>, Error> {
    let mut sent_before = false;
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
            Ok(None) => known.epoch = None,
            Err(Error::MissingPartition(_)) => mend(conn, epoch, batch).await?,
            Err(Error::StoredBefore(_)) if !sent_before => sent_before = true,
            Err(error) => return Err(error),
        }
    }
    Err(Error::EpochMoves)
}

/// What the statement is sent with.
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

/// Sends the statement, and says which items were known before; `None` where the epoch is another
/// one, and nothing was written.
async fn send(conn: &mut PgConnection, arguments: PgArguments) -> Result<Option<Vec<bool>>, Error> {
    let sending = sqlx::query_scalar_with(statement(arguments.len()), arguments);
    Ok(sending.fetch_one(conn).await?)
}

/// Commits a batch of deliveries and their events, once each, in one autocommit statement: a link
/// that falls silent leaves no transaction behind that holds the fence.
fn statement(arguments: usize) -> &'static str {
    static STATEMENT: OnceLock<String> = OnceLock::new();
    STATEMENT.get_or_init(|| {
        let places: Vec<_> = (1..=arguments).map(|place| format!("${place}")).collect();
        format!("SELECT commit_batch({})", places.join(", "))
    })
}

/// Makes the partitions that the batch needs and may lack.
async fn mend(conn: &mut PgConnection, epoch: i32, batch: &Batch) -> Result<(), Error> {
    let days: BTreeSet<Date> = batch.times().iter().copied().map(day).collect();
    for day in days {
        partitions::ensure_day(conn, day).await?;
    }
    partitions::ensure_epoch(conn, epoch).await?;
    partitions::wait_for_makers(conn).await
}

/// The day (UTC) whose partitions hold what was received at `at`.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
