//! The live stream on a real Postgres: subscribers that are cut, that lag, and that see only a part.

mod log;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use hookshelf::{
    config::{Role, Token},
    meta::event::{Event, Kind, Source},
    query::{
        EventFilter, Scope,
        stream::{Hub, Limits, Log, Refusal, StreamItem, Subscriber},
    },
    store::{
        self, Commits, ConnectOptions, Delivery, Known, partitions,
        wake::{Wakes, WokenBy},
    },
    worker::{Streaming, WakePoll},
};
use jiff::SignedDuration;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE, Session, World,
    items::{ago, comment, days_ago, delivery, message},
    now, number,
};
use crate::support::{cluster::Cluster, eventually};

/// Ring of a few hundred events, so that subscribers lag behind the ring.
const SMALL: usize = 256 << 10;

/// Ring of a few thousand events.
const MIDDLE: usize = 16 << 20;

/// Ring that holds everything.
const LARGE: usize = 32 << 20;

/// The streams of a process.
struct Streams {
    hub: Hub,
    log: Log,
    wakes: Wakes,
    everything: Scope,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Streams {
    fn start(options: &ConnectOptions, room: usize) -> Self {
        let limits = Limits {
            bytes: room,
            ..Limits::default()
        };
        Self::start_with(options, limits)
    }

    fn start_with(options: &ConnectOptions, limits: Limits) -> Self {
        let (wakes, stop) = (Wakes::default(), CancellationToken::new());
        let (hub, feed) = Hub::with(options.clone(), stop.clone(), limits);
        let log = feed.log();
        let streaming = Streaming::new(feed, wakes.clone()).run(stop.clone());
        let poll = WakePoll::new(options.clone(), wakes.clone()).run(stop.clone());
        Self {
            hub,
            log,
            wakes,
            everything: Scope::local(Role::Operator),
            stop,
            tasks: vec![tokio::spawn(streaming), tokio::spawn(poll)],
        }
    }

    /// Subscribes to everything.
    async fn subscribe(&self, start: Option<i64>) -> Subscriber {
        self.subscribe_to(EventFilter::default(), start).await
    }

    async fn subscribe_to(&self, filter: EventFilter, start: Option<i64>) -> Subscriber {
        let subscribed = self.hub.subscribe(&self.everything, filter, start);
        subscribed.await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// Items up to and including the first that is not an event.
async fn backlog(subscriber: &mut Subscriber) -> (Vec<i64>, StreamItem) {
    let mut events = Vec::new();
    loop {
        match subscriber.next().await.expect("the stream goes on") {
            StreamItem::Event { position, .. } => events.push(position),
            other => return (events, other),
        }
    }
}

/// Positions of the next events.
async fn events<const N: usize>(subscriber: &mut Subscriber) -> [i64; N] {
    let mut events = [0; N];
    for event in &mut events {
        let item = subscriber.next().await.expect("the stream goes on");
        assert!(matches!(item, StreamItem::Event { .. }), "{item:?}");
        *event = item.position();
    }
    events
}

impl World {
    async fn positions(&self) -> Vec<i64> {
        let sql = "SELECT position FROM events ORDER BY position";
        let mut connection = self.connect().await;
        sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap()
    }
}

/// Writes `rounds` batches with late deliveries and repeats. Sends a batch again until it is
/// stored.
async fn write(options: &ConnectOptions, number: &AtomicU32, rounds: u32) {
    let mut session = None;
    for _ in 0..rounds {
        let first = number.fetch_add(EVENTS_OF_A_ROUND, Ordering::Relaxed);
        let event = |place: u32| [comment(first + place), message(first + place)];
        let batch: Vec<Delivery> = (0..EVENTS_OF_A_ROUND / 2)
            .map(|place| match place % 10 {
                0 => days_ago(i64::from(1 + first % 4), event(place).into()),
                1 => delivery(vec![comment(first), message(first + place)]),
                _ => delivery(event(place).into()),
            })
            .collect();
        while !try_write(options, &mut session, &batch).await {
            session = None;
        }
    }
}

const EVENTS_OF_A_ROUND: u32 = 100;

async fn try_write(
    options: &ConnectOptions,
    session: &mut Option<Session>,
    batch: &[Delivery],
) -> bool {
    if session.is_none() {
        let connected = store::connect_writer(options, Commits::AsConfigured, PATIENCE).await;
        *session = connected.ok().map(|connection| Session {
            connection,
            known: Known::default(),
        });
    }
    let Some(session) = session else {
        return false;
    };
    session.try_commit(batch).await.is_ok()
}

/// Reads up to the position `last`, once it is known. Cuts the stream at random and resumes.
async fn follow(hub: &Hub, mut random: u64, mut last: watch::Receiver<Option<i64>>) -> Vec<i64> {
    let (mut seen, mut position) = (Vec::new(), 0);
    let everything = Scope::local(Role::Operator);
    let is_done = |last: Option<i64>, position| last.is_some_and(|last| position >= last);
    loop {
        let opening = hub.subscribe(&everything, EventFilter::default(), Some(position));
        let mut subscriber = match opening.await {
            Ok(subscriber) => subscriber,
            Err(Refusal::Unavailable(_)) => continue,
            Err(refused) => panic!("{refused:?} at {position}"),
        };
        // xorshift
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for _ in 0..random % 2_000 {
            let item = tokio::select! {
                item = subscriber.next() => item,
                _ = last.wait_for(|last| is_done(*last, position)) => return seen,
            };
            let item = item.expect("the stream goes on");
            position = item.position();
            match item {
                StreamItem::Event { json, .. } => {
                    let start = format!("{{\"schema\":1,\"position\":\"{position}\",");
                    assert!(json.starts_with(start.as_bytes()), "{json:?}");
                    seen.push(position);
                }
                // Positions of a commit that was rolled back.
                StreamItem::Gap(gap) => assert_eq!((seen.len(), gap.from), (0, 1)),
                StreamItem::CaughtUp { .. } | StreamItem::Position(_) => {}
            }
        }
    }
}

/// 5,700 events, because the bytes of events are built slowly in debug builds. By hand it also
/// passes with 2,000 rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_subscribers_that_are_cut_at_random_see_each_event_once_while_postgres_is_killed() {
    const ROUNDS: u32 = 60;
    let mut cluster = Cluster::start_with(&["max_connections=40"]).await;
    let options = cluster.options();
    store::migrate(&mut cluster.connect().await, now())
        .await
        .unwrap();
    let streams = Streams::start(&options, MIDDLE);
    let (done, last) = watch::channel(None);
    let numbers = AtomicU32::new(1);
    let readers: Vec<_> = (1..=10)
        .map(|seed: u64| {
            let (hub, last) = (streams.hub.clone(), last.clone());
            let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            tokio::spawn(async move { follow(&hub, random, last).await })
        })
        .collect();
    let writing = async {
        let write = || write(&options, &numbers, ROUNDS / 2);
        tokio::join!(write(), write());
    };
    let killing = async {
        eventually("events are stored", async || {
            numbers.load(Ordering::Relaxed) > ROUNDS * EVENTS_OF_A_ROUND / 2
        })
        .await;
        cluster.kill();
        cluster.start().await;
    };
    tokio::join!(writing, killing);
    let mut session = cluster.connect().await;
    let end = number(&mut session, "SELECT max(position) FROM events").await;
    done.send_replace(Some(end));
    let stored: Vec<i64> = sqlx::query_scalar("SELECT position FROM events ORDER BY position")
        .fetch_all(&mut session)
        .await
        .unwrap();
    assert!(stored.len() > (ROUNDS * EVENTS_OF_A_ROUND / 2) as usize);
    for reader in readers {
        let seen = reader.await.unwrap();
        let differs = seen.iter().zip(&stored).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{} of {}", seen.len(), stored.len());
        assert_eq!(seen.len(), stored.len());
    }
    streams.stop().await;
}

#[tokio::test]
async fn a_subscriber_gets_the_backlog_then_caught_up_then_what_is_committed() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery((1..=5).map(comment).collect())])
        .await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut from_the_start = streams.subscribe(Some(0)).await;
    let mut from_three = streams.subscribe(Some(3)).await;
    let mut from_now = streams.subscribe(None).await;
    let caught_up = StreamItem::CaughtUp { position: 5 };
    let all = vec![1, 2, 3, 4, 5];
    assert_eq!(backlog(&mut from_the_start).await, (all, caught_up.clone()));
    assert_eq!(
        backlog(&mut from_three).await,
        (vec![4, 5], caught_up.clone())
    );
    assert_eq!(backlog(&mut from_now).await, (vec![], caught_up));
    // A repeat is not shown again; an old day is found.
    let batch = [
        delivery(vec![comment(1), comment(6)]),
        days_ago(6, vec![comment(7)]),
    ];
    writer.commit(&batch).await;
    let stored = world.positions().await;
    for subscriber in [&mut from_the_start, &mut from_three, &mut from_now] {
        assert_eq!(events::<2>(subscriber).await, stored[5..]);
    }
    streams.stop().await;
    assert_eq!(from_now.next().await, None, "the server stops");
}

#[tokio::test]
async fn a_subscriber_that_takes_nothing_for_long_reads_the_rest_from_the_database() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), SMALL);
    let mut slow = streams.subscribe(None).await;
    let mut quick = streams.subscribe(None).await;
    let numbers = AtomicU32::new(1);
    write(&world.db.options(), &numbers, 20).await;
    let stored = world.positions().await;
    for subscriber in [&mut quick, &mut slow] {
        let mut seen = Vec::new();
        while seen.last() != stored.last() {
            if let StreamItem::Event { position, .. } = subscriber.next().await.unwrap() {
                seen.push(position);
            }
        }
        assert_eq!(seen, stored);
    }
    streams.stop().await;
}

#[tokio::test]
async fn a_narrow_filter_passes_only_its_events_and_keeps_its_place() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let filter = || EventFilter {
        kinds: vec![Kind::Message],
        ..EventFilter::default()
    };
    let mut live = streams.subscribe_to(filter(), None).await;
    let mut writer = world.writer().await;
    for first in (1..=2_001).step_by(500) {
        let comments: Vec<Event> = (first..first + 500).map(comment).collect();
        writer.commit(&[delivery(comments)]).await;
    }
    writer.commit(&[delivery(vec![message(1)])]).await;
    let mut late = streams.subscribe_to(filter(), Some(0)).await;
    for subscriber in [&mut live, &mut late] {
        let mut places = Vec::new();
        loop {
            match subscriber.next().await.unwrap() {
                StreamItem::Position(place) => places.push(place),
                StreamItem::CaughtUp { .. } => {}
                StreamItem::Event { position, .. } => break assert_eq!(position, 2_501),
                StreamItem::Gap(gap) => panic!("{gap:?}"),
            }
        }
        assert_eq!(places.len(), 2, "one each 1,000 positions: {places:?}");
    }
    streams.stop().await;
}

#[tokio::test]
async fn a_silent_stream_sends_its_present_position_at_each_heartbeat() {
    assert_eq!(Limits::default().heartbeat, Duration::from_secs(15));
    let world = World::create().await;
    let limits = Limits {
        heartbeat: Duration::from_millis(20),
        ..Limits::default()
    };
    let streams = Streams::start_with(&world.db.options(), limits);
    let filter = EventFilter {
        kinds: vec![Kind::Message],
        ..EventFilter::default()
    };
    let mut subscriber = streams.subscribe_to(filter, None).await;
    let (_, item) = backlog(&mut subscriber).await;
    assert_eq!(item, StreamItem::CaughtUp { position: 0 });
    let mut writer = world.writer().await;
    for number in 1..=3_i64 {
        let event = comment(u32::try_from(number).unwrap());
        writer.commit(&[delivery(vec![event])]).await;
        let mut told = 0;
        while told < number {
            let item = subscriber.next().await.unwrap();
            assert_eq!(item, StreamItem::Position(item.position()));
            assert!(told <= item.position() && item.position() <= number);
            told = item.position();
        }
    }
    assert_eq!(subscriber.next().await, Some(StreamItem::Position(3)));
    assert_eq!(subscriber.next().await, Some(StreamItem::Position(3)));
    streams.stop().await;
}

#[tokio::test]
async fn a_start_before_the_oldest_kept_position_is_told_the_gap() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    for day in (0_u32..3).rev() {
        let comments = (10 * day..10 * day + 10).map(comment).collect();
        writer.commit(&[days_ago(day.into(), comments)]).await;
    }
    let oldest = store::day(ago(SignedDuration::from_hours(48)));
    partitions::drop_day(&mut world.connect().await, oldest)
        .await
        .unwrap();
    let kept = world.positions().await;
    let last = kept[0] - 1;
    let streams = Streams::start(&world.db.options(), LARGE);
    for (start, from) in [(0, 1), (4, 5)] {
        let mut subscriber = streams.subscribe(Some(start)).await;
        let (before, item) = backlog(&mut subscriber).await;
        let StreamItem::Gap(gap) = item else {
            panic!("{item:?}");
        };
        assert_eq!((before, gap.from, gap.to), (vec![], from, last));
        let (events, item) = backlog(&mut subscriber).await;
        assert_eq!(events, kept);
        assert!(matches!(item, StreamItem::CaughtUp { .. }), "{item:?}");
        let mut consumer = streams.log.subscribe(start, None, false).await.unwrap();
        let batch = consumer.next().await.unwrap().unwrap();
        assert_eq!((batch.after, batch.gap), (last, Some(gap)));
    }
    let mut subscriber = streams.subscribe(Some(last)).await;
    assert_eq!(events::<2>(&mut subscriber).await, kept[..2]);
    streams.stop().await;
}

#[tokio::test]
async fn a_subscriber_that_resumes_after_a_purge_misses_no_event_that_is_left() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut before = streams.subscribe(None).await;
    backlog(&mut before).await;
    let mut writer = world.writer().await;
    for number in (1..=40).step_by(4) {
        let simulated = Delivery {
            source: Source::Simulated,
            ..delivery(vec![comment(number), comment(number + 1)])
        };
        // A repeat of a simulated event, which a purge turns into an event at a new position.
        let live = delivery(vec![comment(number + 1), comment(number + 2)]);
        writer.commit(&[simulated, live]).await;
    }
    let seen: [i64; 10] = events(&mut before).await;
    drop(before);
    world.purge_all().await;
    let left = world.positions().await;
    let (expected, seen_before): (Vec<i64>, Vec<i64>) =
        left.iter().partition(|position| **position > seen[9]);
    assert!(seen_before.iter().all(|position| seen.contains(position)));
    let mut after = streams.subscribe(Some(seen[9])).await;
    let (resumed, _) = backlog(&mut after).await;
    assert_eq!(resumed, expected);
    streams.stop().await;
}

#[tokio::test]
async fn a_start_beyond_the_end_of_the_log_is_refused_with_the_end() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery((1..=3).map(comment).collect())])
        .await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let (hub, everything) = (&streams.hub, &streams.everything);
    let beyond = hub.subscribe(everything, EventFilter::default(), Some(4));
    let refused = beyond.await.unwrap_err();
    assert!(matches!(refused, Refusal::Beyond { end: 3 }), "{refused:?}");
    // A position that was drawn and is not visible yet is no such start.
    world.run("SELECT nextval('event_position')").await;
    let mut subscriber = streams.subscribe(Some(4)).await;
    writer.commit(&[delivery(vec![comment(5)])]).await;
    let (_, item) = backlog(&mut subscriber).await;
    assert_eq!(item, StreamItem::CaughtUp { position: 4 });
    assert_eq!(events(&mut subscriber).await, [5]);
    streams.stop().await;
}

#[tokio::test]
async fn streams_of_a_database_that_was_replaced_by_an_older_one_end() {
    let mut cluster = Cluster::start_with(&[]).await;
    store::migrate(&mut cluster.connect().await, now())
        .await
        .unwrap();
    let options = cluster.options();
    let numbers = AtomicU32::new(1);
    write(&options, &numbers, 1).await;
    let streams = Streams::start(&options, LARGE);
    let mut subscriber = streams.subscribe(None).await;
    let (_, item) = backlog(&mut subscriber).await;
    assert!(matches!(item, StreamItem::CaughtUp { .. }), "{item:?}");
    let end = item.position();
    let mut consumer = streams.log.subscribe(end, None, false).await.unwrap();
    let older = "TRUNCATE stored_events, stored_repeats, late_days, followers;
                 SELECT setval('event_position', 1, false)";
    sqlx::raw_sql(older)
        .execute(&mut cluster.connect().await)
        .await
        .unwrap();
    cluster.stop();
    cluster.start().await;
    while let Some(item) = subscriber.next().await {
        assert!(matches!(item, StreamItem::Position(_)), "{item:?}");
    }
    assert!(consumer.next().await.is_none());
    streams.stop().await;
}

#[tokio::test]
async fn a_scope_gets_events_of_its_clients_as_they_are_labelled_and_without_content() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let scope = Scope::of(&Token {
        name: "bakery".to_owned(),
        sha256: [0; 32],
        role: Role::Viewer,
        content: false,
        apps: None,
        clients: Some(vec!["bakery".to_owned()]),
        consumers: Vec::new(),
    });
    let own = |number, account: &str| Event {
        account_id: Some(account.into()),
        ..comment(number)
    };
    let mut writer = world.writer().await;
    writer
        .commit(&[delivery(vec![own(1, "one"), own(2, "two")])])
        .await;
    let client = "UPDATE accounts SET client = 'bakery' WHERE account_id = 'two'";
    world.run(client).await;
    let subscribe = async |start| {
        let subscribed = streams.hub.subscribe(&scope, EventFilter::default(), start);
        subscribed.await.unwrap()
    };
    let (mut live, mut late) = (subscribe(None).await, subscribe(Some(0)).await);
    writer
        .commit(&[delivery(vec![
            own(3, "one"),
            own(4, "two"),
            own(5, "three"),
        ])])
        .await;
    for (subscriber, expected) in [(&mut live, vec![4]), (&mut late, vec![2, 4])] {
        let mut seen = Vec::new();
        while seen != expected {
            if let StreamItem::Event { position, json } = subscriber.next().await.unwrap() {
                seen.push(position);
                assert!(!String::from_utf8_lossy(&json).contains("text 4"));
            }
        }
    }
    streams.stop().await;
}

#[tokio::test]
async fn commits_of_other_processes_wake_while_somebody_waits() {
    let world = World::create().await;
    let streams = Streams::start(&world.db.options(), LARGE);
    let mut waiter = streams.wakes.waiter();
    let _urgent = streams.wakes.urge();
    let mut writer = world.writer().await;
    let mut numbers = 1..;
    eventually("the poll sees a commit", async || {
        let number = numbers.next().unwrap();
        writer.commit(&[delivery(vec![comment(number)])]).await;
        waiter.wait(i64::from(number) - 1).await == WokenBy::Poll
    })
    .await;
    streams.stop().await;
}
