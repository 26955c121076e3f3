//! Counts of the events between two positions.

use hookshelf::{
    config::EventChoice,
    meta::event::{Channel, Event, Kind, Source},
    store::consumers,
};
use sqlx::PgConnection;

use crate::store::{
    World,
    items::{ago, comment, delivery, delivery_at, message},
};

/// Kinds and numbers of the events after `after` that `choice` selects.
async fn counted(conn: &mut PgConnection, after: i64, choice: &EventChoice) -> Vec<(String, i64)> {
    let counted = consumers::count_between(conn, (after, i64::MAX), choice).await;
    let counted = counted.unwrap().into_iter();
    counted.map(|kind| (kind.kind, kind.events)).collect()
}

/// Position of a comment.
async fn place(world: &World, comment: u32) -> i64 {
    let place = format!("SELECT position FROM events WHERE comment_id = 'comment-{comment}'");
    world.number(&place).await
}

#[tokio::test]
async fn events_are_counted_by_kind_with_their_times() {
    let world = World::create().await;
    let (mut writer, mut conn) = (world.writer().await, world.connect().await);
    let early = ago(jiff::SignedDuration::from_hours(48));
    writer
        .commit(&[delivery_at(early, vec![comment(1), message(1)])])
        .await;
    writer
        .commit(&[delivery(vec![comment(2), comment(3)])])
        .await;
    let (all, first) = (EventChoice::default(), place(&world, 1).await);
    let (second, last) = (place(&world, 2).await, place(&world, 3).await);
    let between = consumers::count_between(&mut conn, (0, second), &all)
        .await
        .unwrap();
    let [comments, messages] = &between[..] else {
        panic!("{between:?}");
    };
    assert_eq!((&*comments.kind, comments.events), ("comment", 2));
    assert_eq!((&*messages.kind, messages.events), ("message", 1));
    let hours = comments
        .last_at
        .duration_since(comments.first_at)
        .as_hours();
    assert!((47..=48).contains(&hours), "{comments:?}");
    assert_eq!(
        counted(&mut conn, first, &all).await,
        [("comment".to_owned(), 2), ("message".to_owned(), 1)]
    );
    assert_eq!(counted(&mut conn, last, &all).await, []);
}

/// A filter with one condition.
fn only(set: impl FnOnce(&mut EventChoice)) -> EventChoice {
    let mut choice = EventChoice::default();
    set(&mut choice);
    choice
}

#[tokio::test]
async fn only_events_that_the_filter_selects_are_counted() {
    let world = World::create().await;
    let (mut writer, mut conn) = (world.writer().await, world.connect().await);
    let echo = Event {
        is_echo: true,
        ..message(2)
    };
    let own = Event {
        is_self: true,
        ..comment(3)
    };
    let other = Event {
        account_id: Some("other".into()),
        ..comment(4)
    };
    writer
        .commit(&[delivery(vec![comment(1), message(1), echo, own, other])])
        .await;
    world
        .run("UPDATE accounts SET client = 'bakery' WHERE account_id = 'other'")
        .await;
    let live = vec![Source::Live, Source::Test];
    let choices = [
        (only(|_| {}), 5),
        (only(|it| it.kinds = vec![Kind::Message]), 2),
        (only(|it| it.echo = Some(false)), 4),
        (only(|it| it.own = Some(true)), 1),
        (only(|it| it.channels = vec![Channel::Messaging]), 2),
        (only(|it| it.sources = vec![Source::Test]), 0),
        (only(|it| it.sources = live), 5),
        (only(|it| it.accounts = vec!["other".to_owned()]), 1),
        (only(|it| it.clients = vec!["bakery".to_owned()]), 1),
        (only(|it| it.clients = vec!["butcher".to_owned()]), 0),
        (only(|it| it.apps = vec!["default".parse().unwrap()]), 5),
        (only(|it| it.apps = vec!["second".parse().unwrap()]), 0),
    ];
    for (choice, events) in choices {
        let sum: i64 = counted(&mut conn, 0, &choice)
            .await
            .iter()
            .map(|(_, it)| it)
            .sum();
        assert_eq!(sum, events, "{choice:?}");
    }
}

#[tokio::test]
async fn a_time_means_the_first_event_received_then_or_later() {
    let world = World::create().await;
    let (mut writer, mut conn) = (world.writer().await, world.connect().await);
    let hours = |hours| ago(jiff::SignedDuration::from_hours(hours));
    writer
        .commit(&[delivery_at(hours(72), vec![comment(1)])])
        .await;
    writer
        .commit(&[delivery_at(hours(24), vec![comment(2)])])
        .await;
    // A delivery that waited in the spool.
    writer
        .commit(&[delivery_at(hours(48), vec![comment(3)])])
        .await;
    let (first, second) = (place(&world, 1).await, place(&world, 2).await);
    for (since, expected) in [
        (100, Some(first)),
        (60, Some(second)),
        (30, Some(second)),
        (1, None),
    ] {
        let found = consumers::first_since(&mut conn, hours(since))
            .await
            .unwrap();
        assert_eq!(found, expected, "{since} hours");
    }
}
