//! The admin listener.

use std::net::SocketAddr;

use hookshelf::{
    http::SpoolApi,
    ingest::{CircuitBreaker, DatabaseState, Readiness},
    spool::SpoolReport,
    telemetry::metrics::CATALOGUE,
};

use super::{
    door::{Door, open_admin},
    wire::{Answer, Wire, request},
};

fn open(database: DatabaseState) -> SocketAddr {
    let readiness = Readiness {
        database,
        allow_lossy: false,
        breaker: CircuitBreaker::new(false),
        spool: None,
    };
    open_admin(
        readiness,
        SpoolApi::off(SpoolReport::off("/data/spool".into())),
    )
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    Wire::to(address).await.ask(request("GET", path)).await
}

#[tokio::test]
async fn alive_is_not_the_same_as_ready() {
    let database = DatabaseState::default();
    let address = open(database.clone());
    assert_eq!(get(address, "/healthz").await.bare(), 200);
    let answer = get(address, "/readyz").await;
    assert_eq!(answer.status, 503);
    let version = env!("CARGO_PKG_VERSION");
    let unready = r#"{"ready":false,"missing":["database"],"degraded":[],"version":"#;
    let spool = r#""spool":{"on":false,"records":0,"bytes":0,"max_bytes":0,"oldest_age_seconds":null,"drain_rate":0.0,"obstacle":null}}"#;
    assert_eq!(answer.body, format!("{unready}{version:?},{spool}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));

    database.note(true);
    let answer = get(address, "/readyz").await;
    let ready = r#"{"ready":true,"missing":[],"degraded":[],"version":"#;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, format!("{ready}{version:?},{spool}"));
}

#[tokio::test]
async fn documents_need_no_database() {
    let address = open(DatabaseState::default());
    for path in ["/openapi.json", "/docs", "/problems/database"] {
        assert_eq!(get(address, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn metrics_are_exposed_with_their_meaning() {
    let address = open(DatabaseState::default());
    let door = Door::open();
    door.ask(request("GET", "/webhook")).await;
    let answer = get(address, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let help = "# HELP hookshelf_challenges_total Challenges by answer";
    assert!(answer.body.contains(help), "{}", answer.body);
    assert!(
        answer.body.contains("hookshelf_build_info{version="),
        "{}",
        answer.body
    );
    let known = |line: &str| CATALOGUE.iter().any(|metric| line.starts_with(metric.name));
    let lines = answer
        .body
        .lines()
        .filter(|line| line.starts_with("hookshelf_"));
    assert!(
        lines.clone().count() > 0 && lines.clone().all(known),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_callback_url_is_not_on_the_admin_listener() {
    let address = open(DatabaseState::default());
    for path in ["/webhook", "/nothing"] {
        let answer = get(address, path).await;
        assert_eq!(answer.status, 404);
        let problem = answer.header("content-type");
        assert_eq!(problem, Some("application/problem+json"));
    }
}
