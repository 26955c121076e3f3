//! The commit: the one statement behind the promise, and what it is sent again for.

use std::collections::{BTreeSet, HashSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Delivery, Error, batch::Batch, epoch, partitions};
use crate::meta::event::Problem;

/// How often the statement is sent at most: the epoch may have moved, then a partition may be
/// missing, and either may happen once more while the other is mended.
const ATTEMPTS: usize = 4;

/// What became of one delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Events that were not stored before.
    pub new: usize,
    /// Items whose event was stored already.
    pub repeated: usize,
    /// What could not be read, or that Postgres refused its events.
    pub problem: Option<Problem>,
}

/// Commits `deliveries` with their events, each thing that happened once, and says what became of
/// each delivery. `epoch` is what the caller believes the dedupe epoch to be; it is read where
/// that is `None` or no longer so.
///
/// Committing the same deliveries again changes nothing: their ids are known then, and their keys.
///
/// # Errors
/// Nothing was written then, unless the answer was lost on its way.
pub async fn commit(
    conn: &mut PgConnection,
    known: &mut Option<i32>,
    deliveries: &[Delivery],
) -> Result<Vec<Committed>, Error> {
    let batch = Batch::of(deliveries);
    for _ in 0..ATTEMPTS {
        let number = match *known {
            Some(number) => number,
            None => epoch::current(conn).await?.number,
        };
        *known = Some(number);
        match send(conn, number, &batch).await {
            Ok(Some(fresh)) => return Ok(tell(deliveries, fresh)),
            Ok(None) => *known = None,
            Err(Error::MissingPartition(_)) => mend(conn, number, deliveries).await?,
            Err(error) => return Err(error),
        }
    }
    Err(Error::EpochMoves)
}

/// Sends the statement, and says which keys were new; `None` where the epoch is another one, and
/// nothing was written.
async fn send(
    conn: &mut PgConnection,
    epoch: i32,
    batch: &Batch<'_>,
) -> Result<Option<HashSet<Uuid>>, Error> {
    let Batch {
        deliveries: d,
        items: i,
        accounts: a,
        ..
    } = batch;
    let known: Option<Vec<bool>> = sqlx::query_scalar(include_str!("commit.sql"))
        .bind(epoch)
        .bind(batch.oldest)
        .bind(batch.newest)
        .bind(&d.id)
        .bind(&d.received_at)
        .bind(&d.app)
        .bind(&d.object)
        .bind(&d.body)
        .bind(&d.headers)
        .bind(&d.remote_addr)
        .bind(&d.secret)
        .bind(&d.problem)
        .bind(&d.event_count)
        .bind(&d.source)
        .bind(&i.delivery)
        .bind(&i.first)
        .bind(&i.keep)
        .bind(&i.occurred_at)
        .bind(&i.occurred_at_source)
        .bind(&i.field)
        .bind(&i.kind)
        .bind(&i.channel)
        .bind(&i.account_id)
        .bind(&i.person_id)
        .bind(&i.sender_id)
        .bind(&i.recipient_id)
        .bind(&i.username)
        .bind(&i.message_id)
        .bind(&i.comment_id)
        .bind(&i.media_id)
        .bind(&i.parent_id)
        .bind(&i.text)
        .bind(&i.is_echo)
        .bind(&i.is_self)
        .bind(&i.payload)
        .bind(&i.problem)
        .bind(&i.key)
        .bind(&a.app)
        .bind(&a.id)
        .bind(&a.seen_at)
        .fetch_one(conn)
        .await?;
    Ok(known.map(|known| i.fresh(&known)))
}

/// Makes the partitions that the batch needs and may lack.
async fn mend(conn: &mut PgConnection, epoch: i32, deliveries: &[Delivery]) -> Result<(), Error> {
    let days: BTreeSet<Date> = deliveries
        .iter()
        .map(|delivery| day(delivery.received_at))
        .collect();
    for day in days {
        partitions::ensure_day(conn, day).await?;
    }
    partitions::ensure_epoch(conn, epoch).await
}

/// The day (UTC) whose partitions hold what was received at `at`.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Counts per delivery: of items with one key, the first is new if the key is.
fn tell(deliveries: &[Delivery], mut fresh: HashSet<Uuid>) -> Vec<Committed> {
    let mut count = |delivery: &Delivery| {
        let new = delivery
            .events
            .iter()
            .filter(|event| fresh.remove(&event.dedupe_key))
            .count();
        Committed {
            new,
            repeated: delivery.events.len() - new,
            problem: delivery.problem,
        }
    };
    deliveries.iter().map(&mut count).collect()
}
