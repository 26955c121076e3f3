//! The log for consumers: batches of rows from the ring and from the database.

use hookshelf::query::{EventRow, stream::LogSubscription};
use tokio::time::timeout;

use super::*;

impl World {
    /// A world with so many comments, in one delivery.
    async fn with_comments(count: u32) -> (Self, Session) {
        let world = Self::create().await;
        let mut writer = world.writer().await;
        let comments = (1..=count).map(comment).collect();
        writer.commit(&[delivery(comments)]).await;
        (world, writer)
    }
}

impl Streams {
    /// Subscribes a consumer that begins at `position`.
    async fn consume(&self, position: i64) -> LogSubscription {
        let subscribed = self.log.subscribe(position, None, false);
        subscribed.await.unwrap()
    }
}

/// Rows up to the position `last`.
async fn rows(subscription: &mut LogSubscription, last: i64) -> Vec<EventRow> {
    let mut rows = Vec::new();
    while subscription.position() < last {
        let before = subscription.position();
        let batch = subscription.next().await.expect("the log goes on").unwrap();
        assert!(before <= batch.after && batch.after < batch.through);
        assert_eq!(batch.through, subscription.position());
        rows.extend(batch.events().cloned());
    }
    rows
}

async fn positions(subscription: &mut LogSubscription, last: i64) -> Vec<i64> {
    let rows = rows(subscription, last).await;
    rows.iter().map(|row| row.position).collect()
}

#[tokio::test]
async fn a_consumer_gets_the_backlog_then_what_is_committed_without_content() {
    let (world, mut writer) = World::with_comments(700).await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut consumer = streams.consume(3).await;
    let backlog = rows(&mut consumer, 700).await;
    // A repeat is not shown again; an old day is found.
    let batch = [
        delivery(vec![comment(1), comment(701)]),
        days_ago(6, vec![comment(702)]),
    ];
    writer.commit(&batch).await;
    let stored = world.positions().await;
    let last = *stored.last().unwrap();
    let live = rows(&mut consumer, last).await;
    let all = backlog.iter().chain(&live);
    assert!(all.clone().map(|row| &row.position).eq(&stored[3..]));
    for row in all {
        assert_eq!(
            (row.kind.as_str(), row.channel.as_str()),
            ("comment", "changes")
        );
        assert!(row.account_id.is_some() && row.person_id.is_some());
        assert!(row.text.is_none() && row.data.is_none() && row.payload.is_none());
    }
    streams.stop().await;
    assert!(consumer.next().await.is_none(), "the server stops");
}

#[tokio::test]
async fn a_consumer_knows_the_time_up_to_which_everything_is_read_and_resumes_there() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[delivery(vec![comment(1)])]).await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let began = ago(SignedDuration::from_secs(2));
    let mut consumer = streams.consume(0).await;
    let batch = consumer.next().await.unwrap().unwrap();
    assert_eq!(batch.at_end, consumer.caught_up_at());
    let at_end = batch.at_end.unwrap();
    assert!((began..=now()).contains(&at_end), "{at_end}");
    let waited = timeout(Duration::ZERO, consumer.next()).await;
    assert!(waited.is_err(), "the end of the log");
    eventually("the time goes on without events", async || {
        consumer.caught_up_at().is_some_and(|at| at > at_end)
    })
    .await;
    let (position, caught_up_at) = (consumer.position(), consumer.caught_up_at());
    drop(consumer);
    let batch = [delivery(vec![comment(2)]), days_ago(6, vec![comment(3)])];
    writer.commit(&batch).await;
    let resumed = streams.log.subscribe(position, caught_up_at, false).await;
    let found = positions(&mut resumed.unwrap(), 3).await;
    assert_eq!(found, world.positions().await[1..]);
    streams.stop().await;
}

/// Reads up to the position `last`, once it is known. Cancels most waits.
async fn read_in_haste(
    mut consumer: LogSubscription,
    mut random: u64,
    last: watch::Receiver<Option<i64>>,
) -> Vec<i64> {
    let mut seen = Vec::new();
    while last.borrow().is_none_or(|last| consumer.position() < last) {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let haste = Duration::from_micros(random >> 54);
        match timeout(haste, consumer.next()).await {
            Ok(Some(Ok(batch))) => seen.extend(batch.events().map(|row| row.position)),
            // Postgres is away.
            Ok(Some(Err(_))) | Err(_) => {}
            Ok(None) => panic!("the log goes on"),
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_whose_waits_are_cancelled_see_each_event_once_while_postgres_is_killed() {
    const ROUNDS: u32 = 20;
    let mut cluster = Cluster::start_with(&["max_connections=40"]).await;
    let options = cluster.options();
    store::migrate(&mut cluster.connect().await, now())
        .await
        .unwrap();
    let streams = Streams::start(&options, SMALL);
    let (done, last) = watch::channel(None);
    let numbers = AtomicU32::new(1);
    let mut readers = Vec::new();
    for seed in 1..=4 {
        let reading = read_in_haste(streams.consume(0).await, seed, last.clone());
        readers.push(tokio::spawn(reading));
    }
    write(&options, &numbers, ROUNDS / 2).await;
    cluster.kill();
    cluster.start().await;
    write(&options, &numbers, ROUNDS / 2).await;
    let stored = "SELECT position FROM events ORDER BY position";
    let stored: Vec<i64> = sqlx::query_scalar(stored)
        .fetch_all(&mut cluster.connect().await)
        .await
        .unwrap();
    done.send_replace(stored.last().copied());
    for reader in readers {
        assert!(reader.await.unwrap() == stored);
    }
    streams.stop().await;
}

#[tokio::test]
async fn a_consumer_behind_the_ring_is_told_that_postgres_is_away_and_goes_on_after_it() {
    let mut cluster = Cluster::start_with(&[]).await;
    store::migrate(&mut cluster.connect().await, now())
        .await
        .unwrap();
    let options = cluster.options();
    write(&options, &AtomicU32::new(1), 12).await;
    let end = "SELECT max(position) FROM events";
    let end = number(&mut cluster.connect().await, end).await;
    let streams = Streams::start(&options, LARGE);
    let mut consumer = streams.consume(0).await;
    let mut seen = rows(&mut consumer, 1).await.len();
    cluster.stop();
    assert!(consumer.next().await.unwrap().is_err());
    cluster.start().await;
    while consumer.position() < end {
        let batch = consumer.next().await.unwrap();
        seen += batch.map_or(0, |batch| batch.events().count());
    }
    let stored = "SELECT count(*) FROM events";
    let stored = number(&mut cluster.connect().await, stored).await;
    assert_eq!(i64::try_from(seen), Ok(stored));
    streams.stop().await;
}

#[tokio::test]
async fn a_consumer_keeps_the_poll_running_only_while_a_worker_waits() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut consumer = streams.consume(0).await;
    writer.commit(&[delivery(vec![comment(1)])]).await;
    assert_eq!(
        positions(&mut consumer, 1).await,
        [1],
        "by the look each second"
    );
    assert!(!streams.wakes.is_urgent());
    consumer.set_urgent(true);
    streams.wakes.until_urgent().await;
    consumer.set_urgent(false);
    eventually("the poll ends", async || !streams.wakes.is_urgent()).await;
    let stream = streams.subscribe(None).await;
    assert!(streams.wakes.is_urgent());
    drop(stream);
    eventually("the poll ends", async || !streams.wakes.is_urgent()).await;
    streams.stop().await;
}

#[tokio::test]
async fn new_events_are_found_in_the_ring_by_position() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut consumer = streams.consume(0).await;
    let mut stream = streams.subscribe(None).await;
    backlog(&mut stream).await;
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery(vec![comment(1), comment(1), comment(2)])])
        .await;
    assert_eq!(positions(&mut consumer, 3).await, [1, 3]);
    for expected in [1, 3] {
        let event = streams.log.cached(expected).unwrap();
        assert_eq!(event.row().position, expected);
        let Some(StreamItem::Event { position, json }) = stream.next().await else {
            panic!("the stream goes on");
        };
        assert_eq!((position, &json), (expected, &event.json(true)));
        assert!(json.len() > event.json(false).len());
    }
    for unknown in [0, 2, 4] {
        assert!(streams.log.cached(unknown).is_none(), "{unknown}");
    }
    streams.stop().await;
}

#[tokio::test]
async fn consumers_behind_the_ring_share_their_pages() {
    let (world, _) = World::with_comments(700).await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let (mut first, mut second) = (streams.consume(0).await, streams.consume(3).await);
    let read = positions(&mut first, 700).await;
    let mut other = world.connect().await;
    let lock = "BEGIN; LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    assert_eq!(positions(&mut second, 700).await, read[3..]);
    streams.stop().await;
}

#[tokio::test]
async fn events_behind_the_ring_are_found_by_position_if_they_were_read_with_content() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery(vec![comment(1), comment(1), comment(2)])])
        .await;
    let streams = Streams::start(&world.db.options(), LARGE);
    assert_eq!(positions(&mut streams.consume(0).await, 3).await, [1, 3]);
    assert!(streams.log.cached(3).is_none(), "it was read without");
    let mut consumer = streams.consume(0).await;
    consumer.set_content(true);
    assert_eq!(positions(&mut consumer, 3).await, [1, 3]);
    let event = streams.log.cached(3).unwrap();
    let StreamItem::Event { position, json } =
        streams.subscribe(Some(2)).await.next().await.unwrap()
    else {
        panic!("the stream goes on");
    };
    assert_eq!((position, json), (3, event.json(true)));
    for unknown in [0, 2, 4] {
        assert!(streams.log.cached(unknown).is_none(), "{unknown}");
    }
    streams.stop().await;
}

#[tokio::test]
async fn a_consumer_by_client_gets_the_labels_of_the_accounts() {
    let world = World::create().await;
    let own = |number, account: &str| Event {
        account_id: Some(account.into()),
        ..comment(number)
    };
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery(vec![own(1, "one"), own(2, "two")])])
        .await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let label = "UPDATE accounts SET client = 'bakery' WHERE account_id = ";
    world.run(&format!("{label} 'two'")).await;
    let subscribed = streams.log.subscribe(0, None, true).await;
    let mut consumer = subscribed.unwrap();
    let clients = async |consumer: &mut LogSubscription, last| {
        let rows = rows(consumer, last).await;
        let clients = streams.log.clients();
        let client = |row| clients.of(row).cloned();
        rows.iter().map(client).collect::<Vec<_>>()
    };
    let bakery = || Some("bakery".to_owned());
    assert_eq!(clients(&mut consumer, 2).await, [None, bakery()]);
    world.run(&format!("{label} 'one'")).await;
    let mut next = 3;
    eventually("a label is as old as a second", async || {
        let number = u32::try_from(next).unwrap();
        writer.commit(&[delivery(vec![own(number, "one")])]).await;
        next += 1;
        clients(&mut consumer, next - 1).await == [bakery()]
    })
    .await;
    streams.stop().await;
}

/// The pages are shared with a consumer that needs no labels, and nothing else can be read.
#[tokio::test]
async fn a_consumer_by_client_behind_the_ring_follows_a_new_label_within_a_second() {
    let (world, _) = World::with_comments(700).await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let by_client = streams.log.subscribe(3, None, true).await;
    let mut by_client = by_client.unwrap();
    let read = positions(&mut streams.consume(0).await, 700).await;
    let mut other = world.connect().await;
    let lock = "BEGIN; LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let is_of_bakery = |row: &EventRow| {
        let clients = streams.log.clients();
        clients.of(row).is_some_and(|client| client == "bakery")
    };
    world.run("UPDATE accounts SET client = 'bakery'").await;
    eventually("the page comes with the label", async || {
        let page = rows(&mut streams.consume(0).await, 1).await;
        is_of_bakery(&page[0])
    })
    .await;
    let rest = rows(&mut by_client, 700).await;
    assert!(rest.iter().all(is_of_bakery));
    let found: Vec<_> = rest.iter().map(|row| row.position).collect();
    assert_eq!(found, read[3..]);
    streams.stop().await;
}

#[tokio::test]
async fn after_an_outage_one_session_fails_and_the_next_one_is_new() {
    let mut cluster = Cluster::start_with(&[]).await;
    let streams = Streams::start(&cluster.options(), LARGE);
    let is_alive = async || {
        let mut session = streams.log.session().await.unwrap();
        let answer = sqlx::query("SELECT").execute(session.connection()).await;
        answer.is_ok().then(|| session.keep()).is_some()
    };
    let log = &streams.log;
    let (one, two) = tokio::try_join!(log.session(), log.session()).unwrap();
    one.keep();
    two.keep();
    cluster.stop();
    cluster.start().await;
    assert!(!is_alive().await);
    assert!(is_alive().await);
    streams.stop().await;
}
