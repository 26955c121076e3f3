//! Partition check: each table needs the next days, and the dedupe window its own partitions.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Check, Finding};
use crate::store::{Connection, Error, epoch, health};

/// Upkeep comes every hour; what is later than this is not on its way.
const LATE: SignedDuration = SignedDuration::from_hours(3);

pub(super) async fn check(
    conn: &mut Connection,
    window: SignedDuration,
    now: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    let missing = health::missing_days(conn, now).await?;
    if let Some(first) = missing.first() {
        let count = missing.len();
        found.push(unkept(&format!(
            "partitions of today or the days ahead are missing: {count}, the first is {first}"
        )));
    }
    let half = health::half_detached(conn).await?;
    found.extend(half.iter().map(|(table, name)| detaching(table, name)));
    let current = epoch::current(conn).await?;
    if !health::has_epoch(conn, current.number).await? {
        found.push(unkept("the dedupe keys of this epoch have no partition"));
    }
    if now.duration_since(current.since) > window.saturating_add(LATE) {
        found.push(unkept("the dedupe window did not move on when it was due"));
    }
    if found.is_empty() {
        let said = "today and the days ahead have theirs; the dedupe window is current";
        found.push(Finding::ok(Check::Partitions, said));
    }
    Ok(found)
}

/// The server makes what is missing; what it has not made for long shows that it does not run.
fn unkept(found: &str) -> Finding {
    Finding::warning(Check::Partitions, found)
        .means("the server did not maintain its tables lately; see its log if it runs")
        .remedy("start the server, or run `hookshelf migrate`")
}

fn detaching(table: &str, name: &str) -> Finding {
    let found = format!("detaching {name} from {table} was interrupted");
    Finding::warning(Check::Partitions, found)
        .means("no other partition can be detached before; nothing is lost")
        .remedy(format!(
            "hookshelf psql -- -c 'ALTER TABLE {table} DETACH PARTITION {name} FINALIZE'"
        ))
}
