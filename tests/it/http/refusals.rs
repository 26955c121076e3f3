//! Counts of deliveries that got 503 and of requests that got 404.

use hookshelf::{
    http::Limits,
    ingest::{Failure, Refusal},
};

use super::{
    door::{Door, STORED, Setup, fresh_app, limits, metric, signed},
    wire::{post, request},
};

#[tokio::test]
async fn an_unknown_path_or_app_is_counted_without_its_name() {
    let mut door = Door::open();
    let before = metric("hookshelf_unknown_paths_total", &[]).unwrap_or_default();
    for (path, reason) in [
        ("/wp-login.php", Refusal::UnknownPath),
        ("/webhook/somebody/more", Refusal::UnknownPath),
        ("/webhook/somebody", Refusal::UnknownApp),
        ("/webhook/%ff", Refusal::UnknownApp),
    ] {
        for request in [request("GET", path).into_bytes(), post(path, &[], b"{}")] {
            assert_eq!(door.ask(request).await.bare(), 404, "{path}");
            let counted = ("-".to_owned(), reason, None);
            assert_eq!(door.refusal().await, counted, "{path}");
        }
    }
    let after = metric("hookshelf_unknown_paths_total", &[]);
    assert!(after >= Some(before + 4.0), "{after:?}");
}

#[tokio::test]
async fn a_delivery_that_finds_no_memory_is_counted() {
    let app = fresh_app();
    let mut door = Door::with(Setup {
        limits: Limits {
            body_budget_bytes: 100,
            ..limits()
        },
        ..Setup::with_apps(&[&app])
    });
    let mut first = door.wire().await;
    first.send(signed(&app, &[b'x'; 80])).await;
    let (_, decide) = door.arrival().await;
    assert_eq!(door.ask(signed(&app, &[b'y'; 21])).await.bare(), 503);
    let (name, reason, _) = door.refusal().await;
    assert_eq!((name, reason), (app, Refusal::Failed(Failure::BodyBudget)));
    decide.send(STORED).unwrap();
    assert_eq!(first.answer().await.bare(), 200);
}

#[tokio::test]
async fn a_delivery_that_is_not_stored_is_counted_once() {
    let app = fresh_app();
    let mut door = Door::with(Setup::with_apps(&[&app]));
    let failed = Err(Failure::StoreUnavailable);
    let (_, answer) = door.deliver(signed(&app, b"{}"), failed).await;
    assert_eq!(answer.bare(), 503);
    let (name, reason, _) = door.refusal().await;
    assert_eq!(
        (name, reason),
        (app, Refusal::Failed(Failure::StoreUnavailable))
    );
    assert!(door.is_quiet());
}
