//! Repeats: recognised from every source, and completion of events by repeats.

use hookshelf::{meta::event::Kind, store::Committed};

use super::{
    World,
    items::{comment, delivery, message, plain, told_as},
};

const DATA: &str = "SELECT data::text FROM events ORDER BY position";

fn committed(new: usize, repeated: usize) -> Committed {
    Committed {
        new,
        repeated,
        problem: None,
    }
}

#[tokio::test]
async fn writers_with_the_same_repeats_neither_double_nor_deadlock() {
    const ROUNDS: u32 = 25;
    let world = World::create().await;
    let write = async |reversed: bool| {
        let mut session = world.writer().await;
        for round in 0..ROUNDS {
            let mut events: Vec<_> = (0..8).map(|n| comment(round * 8 + n)).collect();
            if reversed {
                events.reverse();
            }
            session.commit(&[delivery(events)]).await;
        }
    };
    tokio::join!(write(false), write(true), write(false), write(true));
    let rounds = i64::from(ROUNDS);
    assert_eq!(world.sizes().await, [4 * rounds, 8 * rounds, 24 * rounds]);
    let keys = "SELECT count(DISTINCT dedupe_key) FROM events";
    assert_eq!(world.number(keys).await, 8 * rounds);
}

#[tokio::test]
async fn repeats_within_a_batch_are_the_first_ones_repeats() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let batch = [
        delivery(vec![comment(1), comment(1), message(1)]),
        delivery(vec![message(1), comment(2)]),
        delivery(vec![comment(2)]),
    ];
    let expected = [committed(2, 1), committed(1, 1), committed(0, 1)];
    assert_eq!(session.commit(&batch).await, expected);
    assert_eq!(world.sizes().await, [3, 3, 3]);
    let counts = "SELECT event_count::text FROM deliveries ORDER BY id";
    assert_eq!(world.texts(counts).await, ["3", "2", "1"]);
    let owner = "SELECT delivery_id::text FROM events ORDER BY position";
    let [first, second] = [batch[0].envelope.id, batch[1].envelope.id].map(|id| id.to_string());
    assert_eq!(world.texts(owner).await, [first.clone(), first, second]);
}

#[tokio::test]
async fn a_repeat_has_the_payload_of_its_own_delivery() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let twice = [(); 2].map(|()| delivery(vec![comment(1)]));
    for one in &twice {
        session.commit(std::slice::from_ref(one)).await;
    }
    let bodies = twice.map(|one| String::from_utf8(one.body.to_vec()).unwrap());
    let shown = "SELECT payload::text FROM events UNION ALL SELECT payload::text FROM repeats";
    assert_eq!(world.texts(shown).await, bodies);
}

#[tokio::test]
async fn a_repeat_adds_the_own_fields_that_its_event_lacks() {
    let post = |number| told_as(comment(number), r#"{"media_product_type": "FEED"}"#);
    let ad = |number| {
        told_as(
            comment(number),
            r#"{"media_product_type": "AD", "ad_id": "2"}"#,
        )
    };
    let world = World::create().await;
    let mut session = world.writer().await;
    session.commit(&[delivery(vec![post(1)])]).await;
    session.commit(&[delivery(vec![ad(1)])]).await;
    // Both in one batch, and with an event without `data`.
    let batch = [
        delivery(vec![post(2), comment(3)]),
        delivery(vec![ad(2), ad(3)]),
    ];
    session.commit(&batch).await;
    let completed = r#"{"ad_id": "2", "media_product_type": "FEED"}"#;
    let ad_first = r#"{"ad_id": "2", "media_product_type": "AD"}"#;
    assert_eq!(world.texts(DATA).await, [completed, completed, ad_first]);
    session.commit(&[delivery(vec![post(3), ad(1)])]).await;
    assert_eq!(world.texts(DATA).await, [completed, completed, ad_first]);
}

#[tokio::test]
async fn one_that_repeats_a_commit_it_could_not_see_completes_it() {
    let world = World::create().await;
    let (mut first, mut second) = (world.writer().await, world.writer().await);
    first.run("BEGIN").await;
    first.commit(&[delivery(vec![comment(1)])]).await;
    let batch = [delivery(vec![told_as(comment(1), r#"{"ad_id": "2"}"#)])];
    let end = async {
        world.until_waiting(1).await;
        first.run("COMMIT").await;
    };
    tokio::join!(second.commit(&batch), end);
    assert_eq!(world.sizes().await, [2, 1, 1]);
    assert_eq!(world.texts(DATA).await, [r#"{"ad_id": "2"}"#]);
}

/// Effect of an erasure.
const ERASE: &str =
    "UPDATE stored_events SET text = NULL, data = NULL, username = NULL, erased_at = now()";

#[tokio::test]
async fn a_repeat_of_an_erased_event_brings_nothing_back() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let events = || {
        let unnamed = [
            Kind::StoryInsights,
            Kind::Mention,
            Kind::Referral,
            Kind::Unknown,
        ];
        let unnamed = unnamed.map(|kind| plain(kind, 1));
        let named = [comment(1), message(1)];
        named.into_iter().chain(unnamed).collect::<Vec<_>>()
    };
    session.commit(&[delivery(events())]).await;
    world.run(ERASE).await;

    let other = |data: &'static str| {
        let told = events().into_iter().map(move |event| told_as(event, data));
        delivery(told.collect())
    };
    session.commit(&[delivery(events())]).await;
    session
        .commit(&[other(r#"{"a": 1}"#), other(r#"{"b": 2}"#)])
        .await;
    assert_eq!(world.sizes().await, [4, 6, 18]);
    let left = "SELECT count(*) FROM events WHERE data IS NOT NULL OR text IS NOT NULL";
    assert_eq!(world.number(left).await, 0);
}

#[tokio::test]
async fn a_repeat_of_an_event_that_was_erased_long_ago_brings_nothing_back() {
    let world = World::create().await;
    let mut session = world.writer().await;
    session
        .commit(&[super::items::days_ago(60, vec![comment(1)])])
        .await;
    world.run(ERASE).await;
    let told = told_as(comment(1), r#"{"ad_id": "2"}"#);
    session.commit(&[delivery(vec![told])]).await;
    assert_eq!(world.texts(DATA).await, ["-"]);
}

#[tokio::test]
async fn a_commit_sent_again_changes_nothing() {
    let world = World::create().await;
    let mut session = world.writer().await;
    let batch = [
        delivery(vec![comment(1), comment(1), message(1)]),
        delivery(vec![told_as(comment(1), "{}")]),
        delivery(Vec::new()),
    ];
    session.commit(&batch).await;
    let before = world.sizes().await;
    let again = [committed(0, 3), committed(0, 1), committed(0, 0)];
    assert_eq!(session.commit(&batch).await, again);
    assert_eq!(world.sizes().await, before);

    // Resent together with new deliveries.
    let mixed = [batch[1].clone(), delivery(vec![comment(2), comment(1)])];
    let expected = [committed(0, 1), committed(1, 1)];
    assert_eq!(session.commit(&mixed).await, expected);
    assert_eq!(
        world.sizes().await,
        [before[0] + 1, before[1] + 1, before[2] + 1]
    );
}

/// After a timeout the abandoned statement may still be running.
#[tokio::test]
async fn a_commit_sent_again_beside_itself_changes_nothing() {
    let world = World::create().await;
    let (mut first, mut second) = (world.writer().await, world.writer().await);
    let batch = [
        delivery(vec![comment(1), comment(1), message(1)]),
        delivery(vec![told_as(comment(1), "{}")]),
    ];
    first.run("BEGIN").await;
    first.commit(&batch).await;
    let end = async {
        world.until_waiting(1).await;
        first.run("COMMIT").await;
    };
    // Resent together with later deliveries.
    let more = [
        batch[0].clone(),
        batch[1].clone(),
        delivery(vec![comment(1), comment(2)]),
    ];
    let (committed_again, ()) = tokio::join!(second.commit(&more), end);
    let expected = [committed(0, 3), committed(0, 1), committed(1, 1)];
    assert_eq!(committed_again, expected);
    assert_eq!(world.sizes().await, [3, 3, 3]);
}

#[tokio::test]
async fn a_delivery_twice_in_one_batch_is_one() {
    let world = World::create().await;
    let one = delivery(vec![comment(1)]);
    let batch = [one.clone(), one];
    world.writer().await.commit(&batch).await;
    assert_eq!(world.sizes().await, [1, 1, 0]);
}

#[tokio::test]
async fn nothing_to_commit_is_fine() {
    let world = World::create().await;
    assert_eq!(world.writer().await.commit(&[]).await, []);
    let empty = [delivery(Vec::new())];
    assert_eq!(world.writer().await.commit(&empty).await, [committed(0, 0)]);
    assert_eq!(world.sizes().await, [1, 0, 0]);
    // A delivery without items draws no position.
    world
        .writer()
        .await
        .commit(&[delivery(vec![comment(1)])])
        .await;
    assert_eq!(world.number("SELECT position FROM events").await, 1);
}
