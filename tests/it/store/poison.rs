//! An event that Postgres refuses neither fails nor changes its neighbours.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hookshelf::{
    envelope::Envelope,
    ingest::{Caller, Outcome, Settled, Writer},
    meta::{
        event::{Event, Problem},
        signature::{Secrets, VerifiedBody, sign},
    },
    store::{Committed, Delivery},
};
use jiff::Timestamp;
use sqlx::types::Uuid;
use tokio::{sync::oneshot, task::JoinSet, time::timeout};

use super::{
    World,
    items::{comment, delivery, message},
};
use crate::support;

/// Events that Postgres refuses, each with another SQLSTATE or at another place.
fn poisons() -> [(&'static str, Event); 12] {
    // Hardly compressible, and longer than a third of a page: too long for a B-tree.
    let digits = (0_u32..2_000).map(|n| n.wrapping_mul(2_654_435_761).to_string());
    let long = digits.collect::<String>();
    let event = || comment(999_999);
    let told = |payload: &str| super::items::told_as(event(), payload);
    let said = |text: &str| Event {
        text: Some(text.into()),
        ..event()
    };
    let person = Event {
        person_id: Some(long.into()),
        ..event()
    };
    let ancient = Event {
        occurred_at: Some(Timestamp::MIN),
        ..event()
    };
    [
        ("U+0000 in a text", said("a\0b")),
        ("no JSON", told("{\"a\":")),
        ("half an escape", told("\"\\u00\"")),
        ("JSON deeper than the stack", told(&"[".repeat(200_000))),
        ("a time before Postgres' first", ancient),
        ("an id longer than an index takes", person),
        ("a constraint of the operator's own", said("forbidden")),
        ("a trigger of the operator's own", said("unwelcome")),
        ("a check without a name", said("unchecked")),
        (
            "a table of the operator's own without a partition",
            said("unplaced"),
        ),
        (
            "a key of a table of the operator's own beside the deliveries",
            said("archived"),
        ),
        (
            "a key of a table of the operator's own beside the dedupe keys",
            said("noted"),
        ),
    ]
}

const OWN_RULES: &str = "
    ALTER TABLE stored_events ADD CONSTRAINT house_rule CHECK (text <> 'forbidden');
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not here'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (new.text = 'unwelcome') EXECUTE FUNCTION refuse();
    CREATE FUNCTION refuse_unchecked() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE check_violation; END $$;
    CREATE TRIGGER refuse_unchecked BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (new.text = 'unchecked') EXECUTE FUNCTION refuse_unchecked();
    CREATE TABLE refusals (number int) PARTITION BY LIST (number);
    CREATE FUNCTION note_unplaced() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO refusals VALUES (1); RETURN new; END $$;
    CREATE TRIGGER note_unplaced BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (new.text = 'unplaced') EXECUTE FUNCTION note_unplaced();
    CREATE TABLE deliveries_archive AS SELECT 1 AS one;
    ALTER TABLE deliveries_archive ADD PRIMARY KEY (one);
    CREATE FUNCTION archive() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO deliveries_archive VALUES (1); RETURN new; END $$;
    CREATE TRIGGER archive BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (new.text = 'archived') EXECUTE FUNCTION archive();
    CREATE TABLE dedupe_notes AS SELECT 1 AS one;
    ALTER TABLE dedupe_notes ADD PRIMARY KEY (one);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO dedupe_notes VALUES (1); RETURN new; END $$;
    CREATE TRIGGER note BEFORE INSERT ON stored_events
        FOR EACH ROW WHEN (new.text = 'noted') EXECUTE FUNCTION note()";

/// Queues all deliveries at once, and returns their results.
async fn settle(world: &World, deliveries: &[Delivery]) -> Vec<Committed> {
    let (writer, committer) = Writer::new(world.db.options(), None);
    let mut waiting = JoinSet::new();
    for (place, delivery) in deliveries.iter().cloned().enumerate() {
        let writer = writer.clone();
        waiting.spawn(async move { (place, writer.commit(delivery).await.unwrap()) });
    }
    drop(writer);
    let running = tokio::spawn(committer.run());
    let mut settled = waiting.join_all().await;
    running.await.unwrap();
    settled.sort_by_key(|(place, _)| *place);
    settled
        .into_iter()
        .map(|(_, committed)| committed)
        .collect()
}

/// A thousand healthy deliveries with the culprits at their indexes.
fn batch(culprits: &[(usize, Event)]) -> Vec<Delivery> {
    let mut batch: Vec<_> = (0..1_000)
        .map(|number| delivery(vec![comment(number), message(number)]))
        .collect();
    for (place, event) in culprits {
        let mut culprit = delivery(vec![comment(5_000), event.clone(), message(5_000)]);
        culprit.body = Bytes::from(vec![
            0xff,
            0x00,
            0x7f,
            b'{',
            u8::try_from(*place % 256).unwrap(),
        ]);
        batch.insert(*place, culprit);
    }
    batch
}

/// Checks that healthy deliveries are stored unchanged, and each culprit with its body and without
/// events.
async fn assert_isolated(world: &World, batch: &[Delivery], settled: &[Committed], what: &str) {
    let is_healthy = |delivery: &Delivery| delivery.events.len() == 2;
    let healthy = batch.iter().filter(|one| is_healthy(one)).count();
    assert_eq!(settled.len(), batch.len(), "{what}");
    for (delivery, settled) in batch.iter().zip(settled) {
        let expected = if is_healthy(delivery) {
            Committed {
                new: 2,
                ..Committed::default()
            }
        } else {
            let problem = Some(Problem::Refused);
            Committed {
                problem,
                ..Committed::default()
            }
        };
        assert_eq!(*settled, expected, "{what}");
    }
    let sizes = [batch.len(), 2 * healthy, 0].map(|size| i64::try_from(size).unwrap());
    assert_eq!(world.sizes().await, sizes, "{what}");

    let sql = "SELECT id, body, problem, event_count FROM deliveries ORDER BY id";
    let stored: Vec<(Uuid, Vec<u8>, Option<String>, i32)> = sqlx::query_as(sql)
        .fetch_all(&mut world.connect().await)
        .await
        .unwrap();
    let mut sent: Vec<_> = batch.iter().collect();
    sent.sort_by_key(|delivery| delivery.envelope.id);
    for (stored, sent) in stored.iter().zip(sent) {
        let expected = if is_healthy(sent) {
            (None, 2)
        } else {
            (
                Some("refused".to_owned()),
                i32::try_from(sent.events.len()).unwrap(),
            )
        };
        assert_eq!(
            (stored.0, &stored.1[..]),
            (sent.envelope.id, &sent.body[..]),
            "{what}"
        );
        assert_eq!((stored.2.clone(), stored.3), expected, "{what}");
    }
    let texts = "SELECT string_agg(DISTINCT text, ',' ORDER BY text) FROM events
                 WHERE text !~ '^text [0-9]{1,3}$'";
    assert_eq!(world.texts(texts).await, ["-"], "{what}");
}

#[tokio::test]
async fn whatever_postgres_refuses_stands_alone() {
    for (what, poison) in poisons() {
        let world = World::create().await;
        world.run(OWN_RULES).await;
        let batch = batch(&[(700, poison)]);
        let settled = settle(&world, &batch).await;
        assert_isolated(&world, &batch, &settled, what).await;
    }
}

#[tokio::test]
async fn wherever_it_stands_its_neighbours_are_stored() {
    let [(_, one), (_, other), ..] = poisons();
    // The committer takes 500 at a time.
    let half: Vec<_> = (0..250).map(|place| (place, one.clone())).collect();
    let places: [&[(usize, Event)]; 6] = [
        &[(0, one.clone())],
        &[(1_000, one.clone())],
        &[(0, one.clone()), (1_001, other.clone())],
        &[(499, one.clone()), (500, other.clone())],
        &[
            (0, one.clone()),
            (77, other.clone()),
            (78, one),
            (900, other),
        ],
        &half,
    ];
    for culprits in places {
        let world = World::create().await;
        let batch = batch(culprits);
        let settled = settle(&world, &batch).await;
        assert_isolated(&world, &batch, &settled, "in another place").await;
    }
}

#[tokio::test]
async fn one_alone_is_kept_and_so_is_what_comes_after_it() {
    let world = World::create().await;
    let [(_, poison), ..] = poisons();
    let (writer, committer) = Writer::new(world.db.options(), None);
    let running = tokio::spawn(committer.run());
    let culprit = delivery(vec![poison]);
    let settled = writer.commit(culprit.clone()).await.unwrap();
    assert_eq!(settled.problem, Some(Problem::Refused));
    // A resend after a lost answer finds the delivery stored.
    writer.commit(culprit).await.unwrap();
    let next = writer.commit(delivery(vec![comment(1)])).await.unwrap();
    assert_eq!((next.new, next.problem), (1, None));
    assert_eq!(world.sizes().await, [2, 1, 0]);
    drop(writer);
    running.await.unwrap();
}

/// All senders retry at once, so that without isolation each batch would contain the culprit.
#[tokio::test]
async fn one_that_makes_postgres_hang_again_and_again_soon_stands_alone() {
    let world = World::create().await;
    world
        .run(
            "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_sleep(60); RETURN new; END $$;
             CREATE TRIGGER hang BEFORE INSERT ON stored_events
                 FOR EACH ROW WHEN (new.text = 'endless') EXECUTE FUNCTION hang()",
        )
        .await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    tokio::spawn(committer.run());
    let until_stored = |sent: Delivery| {
        let writer = writer.clone();
        async move { while writer.commit(sent.clone()).await.is_err() {} }
    };
    let endless = Event {
        text: Some("endless".into()),
        ..comment(999_999)
    };
    let culprit = tokio::spawn(until_stored(delivery(vec![endless])));
    let mut neighbours = JoinSet::new();
    for number in 0..3 {
        neighbours.spawn(until_stored(delivery(vec![comment(number)])));
    }
    let stored = timeout(Duration::from_mins(1), neighbours.join_all()).await;
    assert!(stored.is_ok(), "its neighbours wait for it for ever");
    culprit.abort();
    assert_eq!(world.sizes().await, [3, 3, 0]);
}

/// A signed body, as passed by the webhook handler.
fn arrival(text: &str) -> (Envelope, VerifiedBody) {
    let body = support::message::message(&format!("m-{text}"), text);
    let secret = "secret".into();
    let signature = sign(&secret, body.as_bytes());
    let verified = Secrets::new([("app", &secret)]).verify(Some(signature.as_bytes()), body.into());
    (delivery(Vec::new()).envelope, verified.unwrap())
}

/// A caller that waits for the outcome of one delivery.
struct Waiting(oneshot::Sender<Outcome>);

impl Caller for Waiting {
    fn is_waiting(&self, _: Instant) -> bool {
        true
    }

    fn has_a_copy(&self) -> bool {
        false
    }

    fn settle(self: Box<Self>, settled: Settled) {
        self.0.send(settled.into()).unwrap();
    }
}

/// Passes a delivery to the writer and returns its outcome.
async fn take(writer: &Writer, (envelope, body): (Envelope, VerifiedBody)) -> Outcome {
    let (answer, outcome) = oneshot::channel();
    writer.take(envelope, body, false, Waiting(answer));
    outcome.await.unwrap()
}

#[tokio::test]
async fn the_door_is_told_what_was_refused() {
    let world = World::create().await;
    world.run(OWN_RULES).await;
    let (writer, committer) = Writer::new(world.db.options(), None);
    tokio::spawn(committer.run());
    let refused = Outcome::Unreadable(Problem::Refused);
    let accepted = |new, repeated| Outcome::Accepted { new, repeated };
    assert_eq!(take(&writer, arrival("forbidden")).await, refused);
    assert_eq!(take(&writer, arrival("welcome")).await, accepted(1, 0));
    assert_eq!(take(&writer, arrival("welcome")).await, accepted(0, 1));
    // The dedupe key was not stored: without the constraint, a retry becomes an event.
    world
        .run("ALTER TABLE stored_events DROP CONSTRAINT house_rule")
        .await;
    assert_eq!(take(&writer, arrival("forbidden")).await, accepted(1, 0));
}
