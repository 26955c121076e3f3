//! Audit: reads the stored data as people and followers do, and compares it with the ledgers.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use hookshelf::{
    config::Role,
    query::{Scope, Session, StatsFilter},
    store::ConnectOptions,
};
use sqlx::{ConnectOptions as _, PgConnection};
use uuid::Uuid;

use crate::{
    follower::{Follower, Following},
    ledger::Ledger,
    plan::Ground,
    receiver::Receiver,
    verdict::{Stored, Verdict, judge, unknown},
    worker::{self, Worker, Working},
};

/// Maximum time for the statistics to catch up.
const COUNTING: Duration = Duration::from_mins(1);

/// Counts deliveries whose events and repeats do not match their items, and events without a
/// delivery.
const TORN: &str = "
    SELECT count(*) FROM deliveries FULL JOIN (
        SELECT delivery_id, count(*) AS items FROM (
            SELECT delivery_id FROM events UNION ALL SELECT delivery_id FROM repeats
        ) AS all_items GROUP BY delivery_id
    ) AS found ON delivery_id = id
    WHERE id IS NULL OR event_count <> coalesce(items, 0)";

/// Counts deliveries received more than a day before the database was created, or more than a day
/// in the future. A smaller jump of the clock looks the same as waiting.
const OUT_OF_TIME: &str = "
    SELECT count(*) FROM deliveries WHERE received_at > now() + interval '1 day'
    OR received_at < (SELECT min(epoch_since) FROM commit_fence) - interval '1 day'";

/// Ledger and follower of each database.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    ledgers: HashMap<bool, Ledger>,
    followers: HashMap<bool, Follower>,
    workers: HashMap<bool, Worker>,
}

/// Counts of an audit beside its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// Events in the database.
    pub(crate) events: usize,
    /// Deliveries in the database.
    pub(crate) deliveries: usize,
    /// Deliveries with an impossible receive time.
    pub(crate) out_of_time: i64,
    /// Stored events that are in no ledger.
    pub(crate) unknown: u64,
}

impl Audit {
    /// Ledger of deliveries sent to the database of this ground.
    pub(crate) fn ledger(&mut self, ground: Ground) -> &mut Ledger {
        self.ledgers.entry(ground == Ground::Private).or_default()
    }

    /// Starts the follower of this ground in the background.
    pub(crate) fn begin_following(&mut self, ground: Ground, options: ConnectOptions) -> Following {
        let follower = self.followers.entry(ground == Ground::Private);
        std::mem::take(follower.or_default()).begin(options)
    }

    /// Stops the follower. Returns the number of events read so far.
    pub(crate) async fn end_following(
        &mut self,
        ground: Ground,
        following: Following,
    ) -> anyhow::Result<usize> {
        let follower = following.end().await?;
        let read = follower.read.len();
        self.followers.insert(ground == Ground::Private, follower);
        Ok(read)
    }

    /// Starts the worker of this ground in the background, at the admin listener with this URL.
    pub(crate) fn begin_working(&mut self, ground: Ground, url: &str, last: i64) -> Working {
        let worker = self.workers.entry(ground == Ground::Private);
        std::mem::take(worker.or_default()).begin(url, last)
    }

    /// Stops the worker once all events are settled. Returns what went wrong at the worker and at
    /// the receiver.
    pub(crate) async fn end_working(
        &mut self,
        ground: Ground,
        (working, receiver): (Working, &Receiver),
        options: &ConnectOptions,
    ) -> anyhow::Result<Vec<String>> {
        let is_settled = worker::caught_up(options).await;
        let mut worker = working.end().await?;
        let mut database: PgConnection = options.clone().connect().await?;
        let positions = sqlx::query_scalar("SELECT position FROM events");
        let positions: Vec<i64> = positions.fetch_all(&mut database).await?;
        let mut faults = worker.take_faults(&positions);
        faults.extend(receiver.take_faults(&positions));
        if !is_settled? {
            faults.push("worker and receiver did not get all events".to_owned());
        }
        self.workers.insert(ground == Ground::Private, worker);
        Ok(faults)
    }

    /// Audits the database of this ground. The follower continues where it stopped, or reads from
    /// position zero again.
    pub(crate) async fn look(
        &mut self,
        ground: Ground,
        options: &ConnectOptions,
        from_zero: bool,
    ) -> anyhow::Result<(Verdict, Sight)> {
        let private = ground == Ground::Private;
        let follower = self.followers.entry(private).or_default();
        if from_zero {
            follower.read.clear();
        }
        let (mut stored, mut sight) = stored(options).await?;
        let mut session = Session::open(options, &Scope::local(Role::Privacy)).await?;
        follower.catch_up(&mut session).await?;
        stored.followed.clone_from(&follower.read);
        stored.counted = count(&mut session, stored.events.len()).await?;
        let ledger = self.ledgers.entry(private).or_default();
        sight.unknown = unknown(ledger, &stored);
        Ok((judge(ledger, &stored), sight))
    }
}

/// Reads the tables directly.
async fn stored(options: &ConnectOptions) -> anyhow::Result<(Stored, Sight)> {
    let mut connection: PgConnection = options.clone().connect().await?;
    let events: Vec<(i64, Uuid)> = sqlx::query_as("SELECT position, dedupe_key FROM events")
        .fetch_all(&mut connection)
        .await?;
    let bodies = sqlx::query_as("SELECT id, sha256(coalesce(body, '')) FROM deliveries");
    let bodies: Vec<(Uuid, Vec<u8>)> = bodies.fetch_all(&mut connection).await?;
    let deliveries: Result<Vec<_>, _> = bodies
        .into_iter()
        .map(|(id, body)| body.try_into().map(|body| (id, body)))
        .collect();
    let torn = sqlx::query_scalar(TORN).fetch_one(&mut connection).await?;
    let out_of_time = sqlx::query_scalar(OUT_OF_TIME);
    let sight = Sight {
        events: events.len(),
        out_of_time: out_of_time.fetch_one(&mut connection).await?,
        ..Sight::default()
    };
    let stored = Stored {
        events,
        deliveries: deliveries.ok().context("not a SHA-256")?,
        torn,
        ..Stored::default()
    };
    let deliveries = stored.deliveries.len();
    Ok((
        stored,
        Sight {
            deliveries,
            ..sight
        },
    ))
}

/// Reads the number of events in `events stats`. Waits for the expected number, at most
/// [`COUNTING`].
async fn count(session: &mut Session, events: usize) -> anyhow::Result<i64> {
    let begun = Instant::now();
    loop {
        let counted = session.stats(&StatsFilter::default(), &[]).await?;
        let counted = counted.counts.events;
        if usize::try_from(counted).ok() == Some(events) || begun.elapsed() > COUNTING {
            return Ok(counted);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
