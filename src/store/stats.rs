//! The first follower: counts events and repeats by the hour.

use sqlx::{PgConnection, QueryBuilder};

use super::{
    Error,
    follow::{Batch, Consumer, Follower, Start},
};

/// What the follower is called.
pub const NAME: &str = "stats";

/// How many rows one transaction counts: some tens of milliseconds.
const BATCH: u32 = 10_000;

/// The follower, which counts everything that is stored.
pub fn follower() -> Follower {
    Follower::new(NAME, Start::Beginning, BATCH)
}

/// Counts into `stats_hourly`. No row leaves the database for it.
#[derive(Clone, Copy, Debug)]
pub struct Hourly;

impl Consumer for Hourly {
    async fn consume(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        let mut query = QueryBuilder::new(
            "INSERT INTO stats_hourly AS known (hour, app, account_id, kind, source, events, repeats)
             SELECT date_trunc('hour', received_at, 'UTC') AS hour, app, coalesce(account_id, ''),
                    kind, source, count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new)
             FROM (SELECT received_at, app, account_id, kind, source, true AS new
                   FROM stored_events WHERE",
        );
        batch.restrict(&mut query);
        query.push(
            " UNION ALL
                   SELECT received_at, app, account_id, kind, source, false FROM stored_repeats WHERE",
        );
        batch.restrict(&mut query);
        query.push(
            ") AS item GROUP BY 1, 2, 3, 4, 5
             ON CONFLICT (hour, app, account_id, kind, source)
             DO UPDATE SET events = known.events + excluded.events,
                           repeats = known.repeats + excluded.repeats",
        );
        query.build().execute(conn).await?;
        Ok(())
    }
}
