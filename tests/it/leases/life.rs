//! Waiting for events: commits, lost clients, stops and an unavailable Postgres.

use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt;

use super::*;

/// Opens a connection with a request for events of a worker that waits.
async fn wait_for_events(desk: &Desk) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(desk.server.admin)
        .await
        .unwrap();
    let body = json!({"wait_s": 60, "worker": "gone"}).to_string();
    let head = format!(
        "POST /v1/consumers/bot/lease HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    eventually("the worker is seen", async || {
        let workers = desk.state().await["workers"].clone();
        workers
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == "gone")
    })
    .await;
    stream
}

#[tokio::test]
async fn a_worker_that_waits_gets_an_event_when_it_is_committed() {
    let desk = Desk::open().await;
    let (events, ()) = tokio::join!(desk.lease(json!({"wait_s": 60})), desk.say("1", &["a"]));
    assert_eq!(mids(&events), ["a"]);
    assert_eq!(desk.ack(&events[0]).await, "acked");
    assert!(desk.lease(json!({"wait_s": 0.2})).await.is_empty());
}

#[tokio::test]
async fn an_event_is_not_handed_to_a_worker_that_hung_up() {
    let desk = Desk::open().await;
    drop(wait_for_events(&desk).await);
    eventually("the server sees it", async || {
        let metrics = desk.server.ask_admin("/metrics").await;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let mut closed = text
            .lines()
            .filter(|it| it.starts_with("hookshelf_connections_closed"));
        closed.any(|it| it.contains("admin") && it.contains("cut_off"))
    })
    .await;
    desk.say("1", &["a"]).await;
    assert_eq!(desk.next().await.tried(), (1, false));
}

#[tokio::test]
async fn a_stop_ends_the_wait_of_a_worker() {
    let desk = Desk::open().await;
    let (answer, ()) = tokio::join!(desk.post("lease", json!({"wait_s": 60})), async {
        let _waiting = wait_for_events(&desk).await;
        desk.server.signal(Signal::SIGTERM);
    });
    assert_eq!(
        (answer.status, json_of(&answer)),
        (200, json!({"events": []}))
    );
    let (status, ..) = desk.server.wait();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn more_workers_wait_than_the_listener_has_connections() {
    let desk = Desk::open().await;
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting.push(wait_for_events(&desk).await);
    }
    assert_eq!(desk.server.ask_admin("/healthz").await.status, 200);
    desk.say("1", &["a"]).await;
    eventually("one of them gets the event", async || {
        desk.state().await["in_flight"] == 1
    })
    .await;
}
