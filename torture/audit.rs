//! Reads what is stored, the way people and followers do, and holds it against the ledgers.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use hookshelf::{
    query::Events,
    store::{
        ConnectOptions, Reader,
        read::{EventFilter, StatsFilter},
    },
};
use sqlx::{ConnectOptions as _, PgConnection};
use uuid::Uuid;

use crate::{
    ledger::Ledger,
    plan::Ground,
    verdict::{Stored, Verdict, judge},
};

/// How long counting may be behind.
const COUNTING: Duration = Duration::from_mins(1);

/// A follower of one database: what it read, and where it goes on.
#[derive(Debug, Default)]
struct Follower {
    read: Vec<(i64, Uuid)>,
}

/// What is known of each database.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    ledgers: HashMap<bool, Ledger>,
    followers: HashMap<bool, Follower>,
}

/// What an audit saw beside its verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// Events in the database.
    pub(crate) events: usize,
    /// Deliveries in it.
    pub(crate) deliveries: usize,
    /// Deliveries received at a time that cannot be.
    pub(crate) out_of_time: i64,
}

impl Audit {
    /// What was sent to the database of this ground.
    pub(crate) fn ledger(&mut self, ground: Ground) -> &mut Ledger {
        self.ledgers.entry(ground == Ground::Private).or_default()
    }

    /// Looks at all of the database of this ground. The follower goes on from where it was, or reads
    /// from zero once more.
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
        let mut connection: PgConnection = options.clone().connect().await?;
        let events: Vec<(i64, Uuid)> = sqlx::query_as("SELECT position, dedupe_key FROM events")
            .fetch_all(&mut connection)
            .await?;
        let deliveries: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM deliveries")
            .fetch_all(&mut connection)
            .await?;
        let out_of_time = sqlx::query_scalar(
            "SELECT count(*) FROM deliveries WHERE received_at > now() + interval '1 minute'
             OR received_at < (SELECT min(epoch_since) FROM commit_fence) - interval '1 minute'",
        );
        let sight = Sight {
            events: events.len(),
            deliveries: deliveries.len(),
            out_of_time: out_of_time.fetch_one(&mut connection).await?,
        };
        let mut reader = Reader::open(options).await?;
        follow(&mut reader, &mut follower.read).await?;
        let stored = Stored {
            counted: count(&mut reader, events.len()).await?,
            events,
            deliveries,
            followed: follower.read.clone(),
        };
        let ledger = self.ledgers.entry(private).or_default();
        Ok((judge(ledger, &stored), sight))
    }
}

/// Reads on in pages from the last position.
async fn follow(reader: &mut Reader, read: &mut Vec<(i64, Uuid)>) -> anyhow::Result<()> {
    let last = read.last().map_or(0, |it| it.0);
    let mut events = Events::after(EventFilter::default(), last, u32::MAX);
    loop {
        let page = events.next_page(reader).await.context("following failed")?;
        if page.is_empty() {
            return Ok(());
        }
        read.extend(page.iter().map(|event| (event.position, event.dedupe_key)));
    }
}

/// What `events stats` counts, when it has caught up or takes too long for that.
async fn count(reader: &mut Reader, events: usize) -> anyhow::Result<i64> {
    let begun = Instant::now();
    loop {
        let counts = reader.counts(&StatsFilter::default(), &[]).await?;
        if usize::try_from(counts.events).ok() == Some(events) || begun.elapsed() > COUNTING {
            return Ok(counts.events);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
