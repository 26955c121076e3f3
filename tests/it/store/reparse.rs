//! Events that an older version stored as unknown, read again: each occurrence stays one event,
//! after a complete run, after an interruption, and beside a running writer.

mod beside;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use hookshelf::{
    ingest::reparse::{Plan, Reparse},
    meta::{
        event::Source,
        split::{Context, split},
    },
    query::EventFilter,
    store::{Delivery, Error, epoch, reparse::Moved},
};

use super::{
    World,
    items::{days_ago, delivery},
    now,
    stats::{self, Numbers},
};
use crate::support::{
    older,
    samples::{fill, samples},
};

/// Rows of events, without positions and keys.
const EVENTS: &str = "
    SELECT (to_jsonb(e) - 'position' - 'dedupe_key')::text FROM stored_events AS e ORDER BY 1";

/// Inconsistencies that no interruption or race may leave.
const BROKEN: &str = "
    SELECT 'event without a key: ' || position FROM events AS e
    WHERE NOT EXISTS (SELECT FROM dedupe AS d
                      WHERE d.key = e.dedupe_key AND d.position = e.position)
    UNION ALL
    SELECT 'key without an event: ' || key FROM dedupe AS d
    WHERE NOT EXISTS (SELECT FROM events AS e WHERE d.position = e.position
                      AND coalesce(d.event_key, d.key) = e.dedupe_key)
    UNION ALL
    SELECT 'repeat without its event: ' || position FROM repeats AS r
    WHERE NOT EXISTS (SELECT FROM events AS e WHERE e.position = r.event_position
                      AND e.dedupe_key = r.dedupe_key)
    UNION ALL
    SELECT 'doubled: ' || dedupe_key FROM events GROUP BY dedupe_key HAVING count(*) > 1
    UNION ALL
    SELECT 'message twice: ' || message_id FROM events WHERE kind = 'message'
    GROUP BY app, message_id HAVING count(*) > 1
    UNION ALL
    SELECT 'delivery without its events: ' || id FROM deliveries
    WHERE event_count <> (SELECT count(*) FROM events WHERE delivery_id = id)
                         + (SELECT count(*) FROM repeats WHERE delivery_id = id)
    UNION ALL
    SELECT 'moved event in another place: ' || moved_from FROM moved_events AS m
    WHERE NOT EXISTS (SELECT FROM events JOIN deliveries AS d ON d.id = delivery_id
                      WHERE position = m.position AND events.dedupe_key = m.dedupe_key
                        AND events.received_at = m.received_at
                        AND (SELECT min(moved_from) FROM moved_events WHERE position = m.position)
                            BETWEEN d.first_position AND d.first_position + d.event_count - 1)
    UNION ALL
    SELECT 'position reused: ' || position FROM (
        SELECT position FROM events UNION ALL SELECT position FROM repeats
        UNION ALL SELECT moved_from FROM moved_events) AS used
    GROUP BY position HAVING count(*) > 1";

impl World {
    async fn forget_kinds(&self, condition: &str) {
        self.run(&older::unknown(condition)).await;
    }

    async fn reparse(&self) -> Reparse {
        self.reparse_only(EventFilter::default()).await
    }

    async fn reparse_only(&self, filter: EventFilter) -> Reparse {
        Reparse::open(&self.db.options(), filter, None)
            .await
            .unwrap()
    }

    /// Reads all events again; the plan and its result.
    async fn reparse_all(&self) -> (Plan, Moved) {
        let mut reparse = self.reparse().await;
        let plan = reparse.plan().await.unwrap();
        let moved = reparse.run(&plan).await.unwrap();
        (plan, moved)
    }

    async fn assert_consistent(&self) {
        assert_eq!(self.texts(BROKEN).await, Vec::<String>::new());
        stats::count(self, 1_000).await;
        assert_eq!(self.texts(stats::WRONG).await, Vec::<String>::new());
        self.list_conversations(1_000).await;
        assert_eq!(self.wrong_lists().await, Vec::<String>::new());
    }
}

/// The delivery with this body instead.
pub(super) fn with_body(delivery: Delivery, body: impl Into<Bytes>) -> Delivery {
    let body = body.into();
    let context = Context {
        app: &delivery.envelope.app,
        received_at: delivery.envelope.received_at,
    };
    let notification = split(&body, context);
    Delivery {
        problem: notification.problem(),
        object: notification.object,
        event_count: notification.events.len(),
        events: notification.events,
        body,
        ..delivery
    }
}

/// Messages with these numbers, in one notification.
pub(super) fn messages(numbers: impl IntoIterator<Item = u32>) -> String {
    let at = now().as_millisecond();
    let item = |number| {
        format!(
            r#"{{"sender":{{"id":"70{}"}},"recipient":{{"id":"17840000000000001"}},
                "timestamp":{at},"message":{{"mid":"mid-{number}","text":"text {number}"}}}}"#,
            number % 7
        )
    };
    let items: Vec<_> = numbers.into_iter().map(item).collect();
    let items = items.join(",");
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"17840000000000001","time":{at},"messaging":[{items}]}}]}}"#
    )
}

fn said(numbers: impl IntoIterator<Item = u32>) -> Delivery {
    with_body(delivery(Vec::new()), messages(numbers))
}

#[tokio::test]
async fn unknown_events_become_those_that_the_present_parser_reads() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    for (number, (_, sample)) in (0..).zip(samples()) {
        // An app for each sample: none repeats another.
        let mut delivery = days_ago(number % 3, Vec::new());
        delivery.envelope.app = format!("app_{number}").into();
        let delivery = with_body(delivery, fill(sample, |_| None));
        let keys: HashSet<_> = delivery.events.iter().map(|it| it.dedupe_key).collect();
        // A repeat may complete its event.
        if keys.len() == delivery.events.len() {
            writer.commit(&[delivery]).await;
        }
    }
    let expected = world.texts(EVENTS).await;
    let kinds = "SELECT count(*) FROM events WHERE kind <> 'unknown'";
    let known = world.number(kinds).await.unsigned_abs();
    let last = "SELECT max(position) FROM events";
    let end = world.number(last).await;
    world.forget_kinds("true").await;
    assert_eq!(world.number(kinds).await, 0);
    stats::count(&world, 1_000).await;
    world.list_conversations(1_000).await;

    let (plan, moved) = world.reparse_all().await;
    assert!(known > 70, "{known}");
    assert_eq!((plan.changing(), moved.moved), (known, known));
    assert_eq!((plan.held, plan.gone, moved.held), (0, 0, 0));
    let events = world.texts(EVENTS).await;
    let pairs = events.iter().zip(&expected);
    let wrong: Vec<_> = pairs
        .filter(|(event, expected)| event != expected)
        .collect();
    assert_eq!((wrong, events.len()), (Vec::new(), expected.len()));
    let behind = format!("SELECT count(*) FROM events WHERE position > {end}");
    assert_eq!(world.number(&behind).await.unsigned_abs(), known);
    world.assert_consistent().await;

    let (again, _) = world.reparse_all().await;
    assert_eq!(
        (again.changing(), again.events),
        (0, plan.events - known + again_with_problem(&world).await)
    );
}

/// Number of typed events that are read again for their problem.
async fn again_with_problem(world: &World) -> u64 {
    let typed = "SELECT count(*) FROM events WHERE kind <> 'unknown' AND problem IS NOT NULL";
    world.number(typed).await.unsigned_abs()
}

#[tokio::test]
async fn repeats_before_and_after_are_repeats_in_both_versions() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=3)]).await;
    writer.commit(&[said([2])]).await;
    world.forget_kinds("true").await;
    epoch::flip(&mut world.connect().await, 1, now())
        .await
        .unwrap();
    let mut writer = world.writer().await;
    let old = world
        .texts("SELECT dedupe_key::text FROM events ORDER BY item_start")
        .await;
    world.reparse_all().await;
    world.assert_consistent().await;

    let again = writer.commit(&[said(1..=4)]).await;
    assert_eq!((again[0].new, again[0].repeated), (1, 3));
    let mut older = said([5]);
    older.events[0].dedupe_key = old[0].parse().unwrap();
    let older = writer.commit(&[older]).await;
    assert_eq!((older[0].new, older[0].repeated), (0, 1));
    world.assert_consistent().await;
    let kept = "SELECT dedupe_key::text FROM events WHERE position > 4 AND item_start > 0
                AND delivery_id = (SELECT id FROM deliveries ORDER BY id LIMIT 1)
                ORDER BY item_start";
    assert_eq!(world.texts(kept).await, old);
}

#[tokio::test]
async fn a_change_of_the_problem_keeps_the_key_and_completed_fields() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=2)]).await;
    world
        .run(
            "UPDATE stored_events SET problem = 'id_too_long', message_id = NULL,
                                      data = '{\"later\": true}'
             WHERE message_id = 'mid-2'",
        )
        .await;
    let (plan, moved) = world.reparse_all().await;
    let change = (
        ("message (id_too_long)".to_owned(), "message".to_owned()),
        1,
    );
    assert_eq!(plan.changes.into_iter().collect::<Vec<_>>(), [change]);
    assert_eq!(moved.moved, 1);
    let changed = "SELECT message_id || data::text FROM events WHERE position > 2";
    assert_eq!(world.texts(changed).await, ["mid-2{\"later\": true}"]);
    world.assert_consistent().await;
    assert_eq!(writer.commit(&[said([2])]).await[0].repeated, 1);
}

/// One message through two products, both unknown once, and another that is stored again.
#[tokio::test]
async fn an_occurrence_that_is_stored_as_another_event_stays_unknown() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let old = |numbers: Vec<u32>| with_body(days_ago(20, Vec::new()), messages(numbers));
    let twice = old(vec![1, 2]);
    let mut other = old(vec![1]);
    other.envelope.received_at = twice.envelope.received_at;
    writer.commit(&[twice]).await;
    world.forget_kinds("true").await;
    writer.commit(&[other]).await;
    world.forget_kinds("true").await;
    let unknown = "SELECT count(*) FROM events WHERE kind = 'unknown'";
    assert_eq!(world.number(unknown).await, 3);
    // Message 2 arrived again after the upgrade, and is an event of its own.
    writer.commit(&[old(vec![2])]).await;

    for changing in [1, 0] {
        let (plan, moved) = world.reparse_all().await;
        assert_eq!((plan.held, moved.moved), (2, changing));
        assert_eq!(world.number(unknown).await, 2);
        let messages = "SELECT message_id FROM events WHERE kind = 'message' ORDER BY 1";
        assert_eq!(world.texts(messages).await, ["mid-1", "mid-2"]);
        // The keys expire before the next run.
        world.run("DELETE FROM dedupe").await;
    }
}

#[tokio::test]
async fn only_the_chosen_events_change_and_none_without_its_item() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=2)]).await;
    writer
        .commit(&[with_body(days_ago(3, Vec::new()), messages([3]))])
        .await;
    let mut erased = said([4]);
    erased.envelope.app = "other".into();
    writer.commit(&[erased]).await;
    world.forget_kinds("true").await;
    world
        .run(
            "UPDATE stored_deliveries SET body = NULL WHERE app = 'other';
             UPDATE stored_events SET erased_at = now() WHERE item_start =
                 (SELECT max(item_start) FROM stored_events)",
        )
        .await;
    let since = EventFilter {
        since: now().checked_sub(jiff::SignedDuration::from_hours(1)).ok(),
        ..EventFilter::default()
    };
    let plan = world.reparse_only(since).await.plan().await.unwrap();
    assert_eq!((plan.events, plan.changing(), plan.gone), (2, 1, 1));
    let (plan, _) = world.reparse_all().await;
    assert_eq!((plan.events, plan.changing(), plan.gone), (3, 2, 1));
    let left =
        "SELECT app || (erased_at IS NOT NULL) FROM events WHERE kind = 'unknown' ORDER BY 1";
    assert_eq!(world.texts(left).await, ["defaulttrue", "otherfalse"]);
}

#[tokio::test]
async fn a_purge_of_moved_events_leaves_no_key() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let simulated = |delivery| Delivery {
        source: Source::Simulated,
        ..delivery
    };
    writer.commit(&[simulated(said(1..=4))]).await;
    world.forget_kinds("true").await;
    world.reparse_all().await;
    world.run(&with_problem("position < 7")).await;
    assert_eq!(world.reparse_all().await.1.moved, 2);
    // Message 1 comes again from Meta, with its present key: its event becomes that of this delivery.
    writer.commit(&[said([1])]).await;
    world.assert_consistent().await;
    let purged = world.purge_all().await;
    assert_eq!((purged[0].turned, purged[0].events), (1, 3));
    world.assert_consistent().await;
    assert_eq!(world.number("SELECT count(*) FROM moved_events").await, 1);
    let again = writer.commit(&[said(1..=4)]).await;
    assert_eq!((again[0].new, again[0].repeated), (3, 1));
    world.assert_consistent().await;
}

/// The key of the simulated event had expired, and the live event got another one.
#[tokio::test]
async fn a_purge_leaves_a_later_key_to_the_event_that_has_it() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let simulated = Delivery {
        source: Source::Simulated,
        ..with_body(days_ago(20, Vec::new()), messages([1]))
    };
    writer.commit(&[simulated]).await;
    world.run("DELETE FROM dedupe").await;
    writer.commit(&[said([1])]).await;
    world.forget_kinds("source = 'live'").await;
    assert_eq!(world.reparse_all().await.1.moved, 1);
    let purged = world.purge_all().await;
    assert_eq!((purged[0].events, purged[0].keys), (1, 0));
    world.assert_consistent().await;
    assert_eq!(writer.commit(&[said([1])]).await[0].repeated, 1);
}

#[tokio::test]
async fn a_run_that_is_cut_off_leaves_less_to_do_and_nothing_broken() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    for first in [0, 100, 200, 300] {
        writer.commit(&[said(first..first + 100)]).await;
    }
    world.forget_kinds("true").await;
    stats::count(&world, 1_000).await;
    let mut reparse = world.reparse().await;
    let plan = reparse.plan().await.unwrap();
    assert_eq!(plan.changing(), 400);
    // The second transaction waits for a row.
    let mut holder = world.connect().await;
    let hold = "BEGIN; SELECT FROM stored_events WHERE position = 300 FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let cut = async {
        world.until_waiting(1).await;
        world
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'hookshelf reparse'",
            )
            .await;
    };
    let (ended, ()) = tokio::join!(reparse.run(&plan), cut);
    let is_cut = matches!(ended, Err(Error::Unavailable(_) | Error::LockTimeout(_)));
    assert!(is_cut, "{ended:?}");
    drop(holder);
    world.assert_consistent().await;
    let left = "SELECT count(*) FROM events WHERE kind = 'unknown'";
    assert_eq!(world.number(left).await, 200);

    assert_eq!(world.reparse_all().await.1.moved, 200);
    world.assert_consistent().await;
    assert_eq!(world.number(left).await, 0);
    assert_eq!(writer.commit(&[said(0..400)]).await[0].repeated, 400);
}

/// The later key is known for as long as that of a new event.
#[tokio::test]
async fn a_repeat_completes_an_old_event_that_moved() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    let old = with_body(days_ago(20, Vec::new()), messages([1]));
    let mut again = delivery(old.events.clone());
    writer.commit(&[old]).await;
    world.forget_kinds("true").await;
    world.run("DELETE FROM dedupe").await;
    assert_eq!(world.reparse_all().await.1.moved, 1);
    again.events[0].data = Some("{\"later\": true}".into());
    assert_eq!(writer.commit(&[again]).await[0].repeated, 1);
    let data = world.texts("SELECT data::text FROM events").await;
    assert_eq!(data, ["{\"later\": true}"]);
}

/// Makes unreadable ids of messages, as an older version stored them.
fn with_problem(condition: &str) -> String {
    format!(
        "UPDATE stored_events SET problem = 'id_too_long', message_id = NULL
         WHERE kind = 'message' AND {condition}"
    )
}

#[tokio::test]
async fn each_earlier_position_of_an_event_leads_to_the_newest_one() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=2)]).await;
    writer.commit(&[said([1])]).await;
    world.forget_kinds("true").await;
    for changed in ["false", "true", "true"] {
        world.run(&with_problem(changed)).await;
        assert_eq!(world.reparse_all().await.1.moved, 2);
        world.assert_consistent().await;
    }
    let moved = "SELECT moved_from || ' ' || position FROM moved_events ORDER BY moved_from";
    let moved = world.texts(moved).await;
    assert_eq!(moved, ["1 8", "2 9", "4 8", "5 9", "6 8", "7 9"]);
    let again = writer.commit(&[said(1..=2)]).await;
    assert_eq!(again[0].repeated, 2, "with the keys of the first move");
    world.assert_consistent().await;
}

/// A rule of the operator stands for anything that Postgres refuses.
#[tokio::test]
async fn an_event_that_postgres_refuses_stays_and_the_others_change() {
    let world = World::create().await;
    let mut writer = world.writer().await;
    writer.commit(&[said(1..=9)]).await;
    writer
        .commit(&[with_body(days_ago(1, Vec::new()), messages([10]))])
        .await;
    world.forget_kinds("true").await;
    world
        .run("ALTER TABLE stored_events ADD CONSTRAINT rule CHECK (message_id NOT IN ('mid-3', 'mid-8'))")
        .await;
    let (plan, moved) = world.reparse_all().await;
    assert_eq!((plan.changing(), moved.moved), (10, 8));
    assert_eq!(moved.refused, [3, 8]);
    world.assert_consistent().await;
    world
        .run("ALTER TABLE stored_events DROP CONSTRAINT rule")
        .await;
    let (_, moved) = world.reparse_all().await;
    assert_eq!((moved.moved, moved.refused), (2, Vec::new()));
    world.assert_consistent().await;
}

#[tokio::test]
async fn a_second_run_at_the_same_time_is_refused() {
    let world = World::create().await;
    let (mut one, mut other) = (world.reparse().await, world.reparse().await);
    one.run(&Plan::default()).await.unwrap();
    let refused = other.run(&Plan::default()).await.unwrap_err();
    assert!(
        refused.to_string().contains("another purge or reparse"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_run_beside_a_writer_doubles_and_loses_nothing() {
    let world = World::create().await;
    let mut numbers = Numbers(7);
    let mut writer = world.writer().await;
    for first in (0..600).step_by(20) {
        writer.commit(&[said(first..first + 20)]).await;
    }
    world.forget_kinds("true").await;
    let done = AtomicBool::new(false);
    let writing = async {
        let mut new = 0;
        for _ in 0..150 {
            let items: Vec<_> = (0..3).map(|_| numbers.below(700)).collect();
            new += writer.commit(&[said(items)]).await[0].new;
        }
        done.store(true, Ordering::Relaxed);
        new
    };
    let counting = async {
        while !done.load(Ordering::Relaxed) {
            stats::count(&world, 50).await;
            world.list_conversations(50).await;
        }
    };
    let (new, (), (_, moved)) = tokio::join!(writing, counting, world.reparse_all());
    assert!(moved.moved > 0 && new > 0, "{moved:?}, {new} new");
    let (_, rest) = world.reparse_all().await;
    assert_eq!(rest.moved, 0);
    world.assert_consistent().await;
    let (events, typed) = (
        world.number("SELECT count(*) FROM events").await,
        world
            .number("SELECT count(DISTINCT message_id) FROM events WHERE kind = 'message'")
            .await,
    );
    assert_eq!(events.unsigned_abs(), 600 + new as u64);
    let unknown = world
        .number("SELECT count(*) FROM events WHERE kind = 'unknown'")
        .await;
    assert_eq!(events - unknown, typed);
    assert!(typed >= 600, "{typed}");
}
