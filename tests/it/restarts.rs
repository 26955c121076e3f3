//! Restarts under load with socket activation: connections wait, none is dropped, and no delivery
//! is lost or stored twice.

use std::{collections::BTreeSet, net::TcpListener, process::Output};

use serde_json::Value;

use crate::support::{
    activation::{directory, socket, start},
    directory::Directory,
    eventually,
    postgres::TestDatabase,
    senders::Senders,
    server::Server,
};

fn summary(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("interrupted"), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until the present server process has acked a delivery.
async fn acks(server: &Server) {
    eventually("deliveries are acked", async || {
        let metrics = server.ask_admin("/metrics").await.body;
        let metrics = String::from_utf8_lossy(&metrics);
        let accepted = r#"hookshelf_deliveries_total{app="default",outcome="accepted""#;
        let mut series = metrics.lines().filter(|line| line.starts_with(accepted));
        series.any(|line| !line.ends_with(" 0"))
    })
    .await;
}

fn again(directory: Directory, place: Option<TestDatabase>, held: &TcpListener) -> Server {
    start(directory, place, &[held], &[("LISTEN_FDS", "1")])
}

/// Dedupe keys of all acked events.
fn acked_keys(server: &Server) -> BTreeSet<String> {
    let ledger = std::fs::read_to_string(server.directory.join("ledger")).unwrap();
    let lines = ledger.lines().map(serde_json::from_str::<Value>);
    let lines: Vec<_> = lines.map(Result::unwrap).collect();
    let events = lines
        .iter()
        .flat_map(|line| line["events"].as_array().unwrap());
    let key = |event: &Value| event["dedupe_key"].as_str().unwrap().to_owned();
    events.map(key).collect()
}

/// Checks that every delivery got 200 and is stored, with each event stored once.
async fn all_is_there(server: &Server, summary: &Value) {
    let sends = &summary["sends"];
    assert_eq!(
        summary["answers"],
        serde_json::json!({ "200": sends }),
        "{summary}"
    );
    let mut database = server.database().await;
    let deliveries: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(Some(deliveries), sends.as_i64(), "{summary}");
    let stored: Vec<String> = sqlx::query_scalar("SELECT dedupe_key::text FROM events")
        .fetch_all(&mut database)
        .await
        .unwrap();
    let distinct: BTreeSet<String> = stored.iter().cloned().collect();
    assert_eq!(distinct.len(), stored.len(), "an event is stored twice");
    assert_eq!(distinct, acked_keys(server));
}

async fn through_restarts(restarts: usize, place: Option<TestDatabase>, load: &[&str]) {
    let held = socket();
    let mut server = again(directory(), place, &held);
    let senders = Senders::start(&server, load);
    for _ in 0..restarts {
        acks(&server).await;
        let (status, directory, place) = server.stop();
        assert!(status.success());
        server = again(directory, place, &held);
    }
    acks(&server).await;
    let summary = summary(&senders.stop());
    all_is_there(&server, &summary).await;
    assert!(server.stop().0.success());
}

#[tokio::test]
async fn ten_restarts_under_load_drop_no_delivery() {
    let place = Some(TestDatabase::create().await);
    through_restarts(10, place, &["--connections=16"]).await;
}

#[tokio::test]
async fn ten_restarts_of_server_and_private_postgres_drop_no_delivery() {
    through_restarts(10, None, &["--connections=16"]).await;
}

#[tokio::test]
async fn connections_that_idle_between_deliveries_drop_none_either() {
    let place = Some(TestDatabase::create().await);
    through_restarts(5, place, &["--connections=16", "--rate=40"]).await;
}
