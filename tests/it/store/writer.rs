//! The writer while Postgres is unavailable, silent, read-only or slow: commits fail in time,
//! nothing is stored twice, and commits resume without help.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hookshelf::{
    ingest::{DatabaseState, Drained, Failure, Writer},
    store::{self, Committed, Delivery},
    worker::Probe,
};
use tokio::{task::JoinHandle, task::JoinSet, time::timeout};

use super::{
    World,
    items::{comment, delivery, message},
};
use crate::support::{eventually, proxy::Proxy};

/// Documented limit for an answer, whatever hangs.
const PROMISED: Duration = Duration::from_secs(4);

/// Maximum number of waiting deliveries.
const QUEUE: u32 = 4096;

/// A writer connected through a proxy that can fail.
struct Linked {
    world: World,
    proxy: Proxy,
    writer: Writer,
    committer: JoinHandle<()>,
}

/// Result of a successful commit.
const fn committed(new: usize, repeated: usize) -> Committed {
    Committed {
        new,
        repeated,
        problem: None,
    }
}

impl Linked {
    /// Starts a writer and commits once, so that its session is open and its statement planned.
    async fn at_work() -> Self {
        let world = World::create().await;
        let proxy = Proxy::to(world.db.options()).await;
        let (writer, committer) = Writer::new(proxy.options(), None);
        let committer = tokio::spawn(committer.run());
        let this = Self {
            world,
            proxy,
            writer,
            committer,
        };
        this.works(0).await;
        this
    }

    /// Commits, and panics if there is no answer in time.
    async fn commit(&self, delivery: &Delivery) -> Result<Committed, Failure> {
        timeout(PROMISED, self.writer.commit(delivery.clone()))
            .await
            .expect("an answer in time")
    }

    /// Commits a new delivery, which succeeds once an outage is over.
    async fn works(&self, number: u32) {
        let sent = delivery(vec![message(1_000_000 + number)]);
        assert_eq!(self.resumes(&sent).await, committed(1, 0));
    }

    /// Retries a commit until it succeeds: only the next due attempt notices the end of an outage.
    async fn resumes(&self, delivery: &Delivery) -> Committed {
        let mut last = None;
        eventually("commits succeed again", async || {
            last = self.commit(delivery).await.ok();
            last.is_some()
        })
        .await;
        last.unwrap()
    }

    /// Waits until the delivery is in the database.
    async fn until_stored(&self, delivery: &Delivery) {
        let sql = format!(
            "SELECT count(*) FROM deliveries WHERE id = '{}'",
            delivery.envelope.id
        );
        eventually("the delivery is stored", async || {
            self.world.number(&sql).await == 1
        })
        .await;
    }

    /// Commits a delivery while `act` runs.
    async fn commit_while(
        &self,
        delivery: &Delivery,
        act: impl Future<Output = ()>,
    ) -> Result<Committed, Failure> {
        tokio::join!(self.commit(delivery), act).0
    }
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_stored_again() {
    let it = Linked::at_work().await;
    let sent = delivery(vec![comment(1), comment(1), message(1)]);
    it.proxy.hold_answers();
    let lost = it.commit_while(&sent, async {
        it.until_stored(&sent).await;
        it.proxy.until_holding().await;
        it.proxy.cut();
    });
    assert_eq!(lost.await, Err(Failure::StoreUnavailable));
    let sizes = it.world.sizes().await;
    assert_eq!(sizes, [2, 3, 1]);

    it.proxy.mend();
    assert_eq!(it.resumes(&sent).await, committed(0, 3));
    assert_eq!(it.world.sizes().await, sizes);
    // Simulates Meta's retry: another delivery of the same items.
    let again = delivery(vec![comment(1), comment(1), message(1)]);
    assert_eq!(it.commit(&again).await, Ok(committed(0, 3)));
    assert_eq!(it.world.sizes().await, [3, 3, 4]);
}

#[tokio::test]
async fn a_commit_cut_before_it_arrived_was_none() {
    let it = Linked::at_work().await;
    let sent = delivery(vec![comment(1)]);
    it.proxy.freeze();
    let cut = it.commit_while(&sent, async {
        it.proxy.until_holding().await;
        it.proxy.cut();
    });
    assert_eq!(cut.await, Err(Failure::StoreUnavailable));
    it.proxy.mend();
    assert_eq!(it.resumes(&sent).await, committed(1, 0));
    assert_eq!(it.world.sizes().await, [2, 2, 0]);
}

#[tokio::test]
async fn a_frozen_link_is_given_up_in_time_and_what_it_held_counts_once() {
    let it = Linked::at_work().await;
    let sent = delivery(vec![comment(1)]);
    it.proxy.freeze();
    assert_eq!(it.commit(&sent).await, Err(Failure::StoreUnavailable));
    assert_eq!(it.world.sizes().await, [1, 1, 0]);

    // The network delivers the abandoned statement late.
    it.proxy.mend();
    it.until_stored(&sent).await;
    let again = delivery(vec![comment(1)]);
    assert_eq!(it.resumes(&again).await, committed(0, 1));
    assert_eq!(it.commit(&sent).await, Ok(committed(0, 1)));
    assert_eq!(it.world.sizes().await, [3, 2, 1]);
}

#[tokio::test]
async fn a_server_that_is_away_is_told_in_time_and_found_again() {
    let it = Linked::at_work().await;
    for number in 1..4 {
        it.proxy.go_away();
        let sent = delivery(vec![comment(number)]);
        assert_eq!(it.commit(&sent).await, Err(Failure::StoreUnavailable));
        assert_eq!(it.commit(&sent).await, Err(Failure::StoreUnavailable));
        it.proxy.mend();
        it.works(number).await;
    }
    assert_eq!(it.world.sizes().await, [4, 4, 0]);
}

#[tokio::test]
async fn a_session_that_is_ended_costs_nothing() {
    let it = Linked::at_work().await;
    it.world
        .run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'hookshelf writer'",
        )
        .await;
    let sent = delivery(vec![comment(1)]);
    assert_eq!(it.commit(&sent).await, Ok(committed(1, 0)));
    assert_eq!(it.world.sizes().await, [2, 2, 0]);
}

#[tokio::test]
async fn a_commit_given_up_does_not_go_on_holding_the_fence() {
    let it = Linked::at_work().await;
    let mut holder = it.world.writer().await;
    holder
        .run("SET idle_in_transaction_session_timeout = 0; BEGIN")
        .await;
    holder.run("SELECT FROM commit_fence FOR UPDATE").await;
    let sent = delivery(vec![comment(1)]);
    assert_eq!(it.commit(&sent).await, Err(Failure::StoreUnavailable));
    // The abandoned statement no longer waits for the lock.
    it.world.until_waiting(0).await;
    holder.run("COMMIT").await;
    assert_eq!(it.world.sizes().await, [1, 1, 0]);
    assert_eq!(it.resumes(&sent).await, committed(1, 0));
}

fn probe(it: &Linked, drained: &Drained) -> Probe {
    Probe {
        options: it.proxy.options(),
        allow_lossy: true,
        state: DatabaseState::default(),
        drained: drained.clone(),
    }
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_until_it_takes_writes() {
    let it = Linked::at_work().await;
    let drained = Drained::default();
    let probe = probe(&it, &drained);
    probe.ask().await;
    assert!(probe.state.missing(true).is_empty());
    drained.woken().await;
    let make_read_only = |value: &str| {
        format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {value}',
                                        current_database()); END $$"
        )
    };
    // An existing session keeps its setting.
    let mut operator = it.world.connect().await;
    it.world.run(&make_read_only("on")).await;
    // A new session gets the new setting.
    it.proxy.cut();
    let sent = delivery(vec![comment(1)]);
    for _ in 0..2 {
        assert_eq!(it.commit(&sent).await, Err(Failure::StoreUnavailable));
    }
    probe.ask().await;
    assert_eq!(probe.state.missing(true), ["database"]);
    let off = sqlx::AssertSqlSafe(make_read_only("off"));
    sqlx::raw_sql(off).execute(&mut operator).await.unwrap();
    // The drain of the spool is woken before its next attempt is due.
    let woken = timeout(Duration::from_mins(1), drained.woken());
    let (woken, _) = tokio::join!(woken, probe.ask());
    assert_eq!(woken, Ok(()));
    it.works(1).await;
}

#[tokio::test]
async fn a_frozen_server_is_not_ready() {
    let it = Linked::at_work().await;
    it.proxy.freeze();
    let probe = probe(&it, &Drained::default());
    probe.ask().await;
    assert_eq!(probe.state.missing(true), ["database"]);
    let patience = Duration::from_millis(100);
    let connected = store::connect(&it.proxy.options(), patience).await;
    assert!(matches!(connected, Err(store::Error::TimedOut)));
}

#[tokio::test]
async fn one_too_many_is_told_so_at_once_and_those_that_wait_are_committed() {
    let world = World::create().await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    let (mut waiting, begun) = (JoinSet::new(), Arc::new(AtomicU32::new(0)));
    for number in 0..QUEUE {
        let (writer, begun) = (writer.clone(), Arc::clone(&begun));
        waiting.spawn(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            writer.commit(delivery(vec![comment(number)])).await
        });
    }
    // This runtime has one thread, so a task that has begun is already queued.
    while begun.load(Ordering::SeqCst) < QUEUE {
        tokio::task::yield_now().await;
    }
    let refused = writer.commit(delivery(vec![comment(QUEUE)]));
    let refused = timeout(PROMISED, refused).await;
    assert_eq!(refused, Ok(Err(Failure::QueueFull)));

    // Without handles the committer ends after its work.
    drop(writer);
    let running = tokio::spawn(committer.run());
    let ended = waiting.join_all().await;
    assert!(ended.iter().all(|end| *end == Ok(committed(1, 0))));
    running.await.unwrap();
    let count = i64::from(QUEUE);
    assert_eq!(world.sizes().await, [count, count, 0]);
}

#[tokio::test]
async fn few_deliveries_with_many_events_fill_the_queue_too() {
    let world = World::create().await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    let mut waiting = JoinSet::new();
    for sent in 0..10 {
        let (writer, events) = (writer.clone(), (0..5_000).map(|n| 5_000 * sent + n));
        let sent = delivery(events.map(comment).collect());
        waiting.spawn(async move { writer.commit(sent).await });
    }
    let full = || timeout(PROMISED, writer.commit(delivery(vec![message(1)])));
    // This runtime has one thread, so the other tasks run first.
    tokio::task::yield_now().await;
    assert_eq!(full().await, Ok(Err(Failure::QueueFull)));
    let running = tokio::spawn(committer.run());
    waiting.join_all().await;
    assert_eq!(full().await, Ok(Ok(committed(1, 0))), "there is room again");
    drop(writer);
    running.await.unwrap();
}

#[tokio::test]
async fn who_waits_no_longer_is_not_committed() {
    let world = World::create().await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    let patient = writer.commit(delivery(vec![comment(1)]));
    let impatient = timeout(Duration::ZERO, writer.commit(delivery(vec![comment(2)])));
    assert!(impatient.await.is_err());
    tokio::select! {
        () = committer.run() => panic!("there is a handle still"),
        settled = patient => assert_eq!(settled, Ok(committed(1, 0))),
    }
    assert_eq!(world.sizes().await, [1, 1, 0]);
}

#[tokio::test]
async fn a_writer_whose_committer_ended_is_stopping() {
    let world = World::create().await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    drop(committer);
    let refused = writer.commit(delivery(vec![comment(1)])).await;
    assert_eq!(refused, Err(Failure::Stopping));
}

#[tokio::test]
async fn an_orderly_end_leaves_no_session() {
    let it = Linked::at_work().await;
    drop(it.writer);
    it.committer.await.unwrap();
    it.world
        .until_sessions(0, "application_name = 'hookshelf writer'")
        .await;
}
