//! Gaps of deliveries that were refused, or that nobody took, at the times of a manual clock.

use hookshelf::{
    clock::Clock,
    config::Role,
    http::Limits,
    ingest::Failure,
    query::{GapFilter, GapRow, Scope, Session},
    worker::{GapProgress, Gaps},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    door::{Door, STORED, Setup, fresh_app, limits, signed, signed_with},
    wire::post,
};
use crate::support::postgres::TestDatabase;

/// An address of Meta.
const META: &str = "173.252.95.16";

fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// A door behind a trusted proxy, and the writer of its gaps.
async fn behind_a_proxy(app: &str) -> (Door, Gaps, TestDatabase) {
    let door = Door::with(Setup {
        limits: Limits {
            trusted_proxies: ["127.0.0.1/32".parse().unwrap()].into(),
            ..limits()
        },
        ..Setup::with_apps(&[app])
    });
    let database = TestDatabase::create().await;
    let writer = Gaps {
        options: database.options(),
        gaps: door.state.gaps().clone(),
        instance: "test".to_owned(),
        started_at: start(),
        clock: Clock::manual(start()).0,
        spool: None,
        progress: GapProgress::default(),
    };
    (door, writer, database)
}

/// Writes the gaps, and reads all: cause, start and end in seconds.
async fn stored(writer: &Gaps, database: &TestDatabase) -> Vec<(String, i64, Option<i64>)> {
    writer.write().await;
    let mut session = Session::open(&database.options(), &Scope::local(Role::Viewer))
        .await
        .unwrap();
    let rows = session.gaps(&GapFilter::default(), 10).await.unwrap();
    let second = |at: Timestamp| at.duration_since(start()).as_secs();
    let shown = |it: GapRow| (it.cause, second(it.opened_at), it.closed_at.map(second));
    rows.into_iter().map(shown).collect()
}

fn gap(cause: &str, opened: i64, closed: Option<i64>) -> (String, i64, Option<i64>) {
    (cause.to_owned(), opened, closed)
}

/// Sends an unsigned delivery from Meta's networks, which is refused.
async fn be_refused(door: &Door, app: &str, second: i64) {
    door.clock.set(after(second));
    let request = post(
        &format!("/webhook/{app}"),
        &[("X-Forwarded-For", META)],
        b"{}",
    );
    assert_eq!(door.ask(request).await.bare(), 401);
}

#[tokio::test]
async fn five_minutes_of_rejections_from_meta_are_a_gap_until_a_delivery_is_accepted() {
    let app = fresh_app();
    let (mut door, writer, database) = behind_a_proxy(&app).await;
    be_refused(&door, &app, 0).await;
    be_refused(&door, &app, 299).await;
    assert_eq!(stored(&writer, &database).await, []);
    be_refused(&door, &app, 300).await;
    assert_eq!(stored(&writer, &database).await, [gap("refusing", 0, None)]);
    door.clock.set(after(400));
    let (_, answer) = door.deliver(signed(&app, b"{}"), STORED).await;
    assert_eq!(answer.bare(), 200);
    assert_eq!(
        stored(&writer, &database).await,
        [gap("refusing", 0, Some(400))]
    );
}

#[tokio::test]
async fn rejections_of_strangers_are_no_gap() {
    let app = fresh_app();
    let (door, writer, database) = behind_a_proxy(&app).await;
    for second in [0, 300, 600] {
        door.clock.set(after(second));
        let forged = signed_with(&"a guess".into(), &app, b"{}");
        assert_eq!(door.ask(forged).await.bare(), 401);
    }
    assert_eq!(stored(&writer, &database).await, []);
}

#[tokio::test]
async fn a_minute_of_503_is_a_gap_until_a_delivery_is_accepted() {
    let app = fresh_app();
    let (mut door, writer, database) = behind_a_proxy(&app).await;
    for second in [0, 59] {
        door.clock.set(after(second));
        let failed = Err(Failure::StoreUnavailable);
        let (_, answer) = door.deliver(signed(&app, b"{}"), failed).await;
        assert_eq!(answer.bare(), 503);
    }
    assert_eq!(stored(&writer, &database).await, []);
    door.clock.set(after(60));
    door.deliver(signed(&app, b"{}"), Err(Failure::QueueFull))
        .await;
    assert_eq!(stored(&writer, &database).await, [gap("unable", 0, None)]);
    door.clock.set(after(61));
    door.deliver(signed(&app, b"{}"), STORED).await;
    assert_eq!(
        stored(&writer, &database).await,
        [gap("unable", 0, Some(61))]
    );
}

#[tokio::test]
async fn gaps_wait_for_a_database_that_is_away() {
    let app = fresh_app();
    let (door, writer, database) = behind_a_proxy(&app).await;
    be_refused(&door, &app, 0).await;
    be_refused(&door, &app, 300).await;
    let nowhere = hookshelf::store::options("postgres:///nobody?host=/nowhere").unwrap();
    let away = Gaps {
        options: nowhere,
        ..writer.clone()
    };
    away.write().await;
    assert_eq!(stored(&writer, &database).await, [gap("refusing", 0, None)]);
}
