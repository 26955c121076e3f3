//! Spool routes of the admin listener.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    http::SpoolApi,
    ingest::{CircuitBreaker, DatabaseState, Drained, Readiness, Spooling},
    spool::{Record, Settings, Spool, SpoolReport},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    door::open_admin,
    wire::{Answer, Wire, request},
};

/// A notification with two messages and one comment.
const THREE: &str = r#"{"object":"instagram","entry":[{"id":"17840000000000001","time":1795000000,
    "messaging":[
        {"sender":{"id":"8001"},"recipient":{"id":"17840000000000001"},"timestamp":1795000000000,
         "message":{"mid":"one","text":"never shown"}},
        {"sender":{"id":"8001"},"recipient":{"id":"17840000000000001"},"timestamp":1795000000001,
         "message":{"mid":"two","text":"never shown"}}],
    "changes":[{"field":"comments","value":{"id":"9001","text":"never shown"}}]}]}"#;

/// A spool and the admin listener that serves it.
struct Stage {
    address: SocketAddr,
    spool: Spool,
    drained: Drained,
    _dir: TempDir,
}

fn record(number: u64, body: &str) -> Record {
    Record {
        envelope: Envelope {
            id: Uuid::from_u64_pair(7, number),
            received_at: "2026-11-21T10:00:00Z".parse().unwrap(),
            app: "default".into(),
            headers: r#"{"x-hub-signature-256":"sha256=never shown"}"#.to_owned(),
            remote_addr: Some([192, 0, 2, 1].into()),
        },
        simulated: false,
        secret: "app".into(),
        body: body.to_owned().into(),
    }
}

/// Opens the admin listener of a server whose database is unavailable.
fn listen(api: SpoolApi, spool: Option<Spool>) -> SocketAddr {
    let readiness = Readiness {
        database: DatabaseState::default(),
        allow_lossy: false,
        breaker: CircuitBreaker::new(spool.is_some()),
        spool,
    };
    open_admin(readiness, api)
}

impl Stage {
    async fn with(bodies: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let settings = Settings {
            dir: dir.path().join("spool"),
            max_bytes: 16 << 20,
            reserve: 1 << 20,
            file_bytes: 1 << 20,
        };
        let spool = Spool::open(&settings, Clock::system()).unwrap();
        for (number, body) in (1..).zip(bodies) {
            spool.append(&record(number, body)).await.unwrap();
        }
        let drained = Drained::default();
        drained.note(12, Instant::now());
        drained.pass_over();
        drained.fail("postgres", None);
        let (clock, _) = Clock::manual("2026-11-21T10:01:00Z".parse().unwrap());
        let api = SpoolApi::new(Spooling {
            spool: spool.clone(),
            settings,
            drained: drained.clone(),
            clock,
            left_behind: Vec::new(),
        });
        Self {
            address: listen(api, Some(spool.clone())),
            spool,
            drained,
            _dir: dir,
        }
    }

    /// True if the drain was woken.
    async fn is_woken(&self) -> bool {
        let woken = timeout(Duration::ZERO, self.drained.woken()).await;
        woken.is_ok()
    }

    async fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        let answer = ask(self.address, request(method, path)).await;
        (answer.status, body(&answer))
    }
}

async fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    Wire::to(address).await.ask(request).await
}

fn body(answer: &Answer) -> Value {
    let media = answer.header("content-type").unwrap_or_default();
    assert!(media.ends_with("json"), "{media}");
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn the_status_says_what_waits_and_how_the_drain_gets_on() {
    let stage = Stage::with(&[THREE, "{}"]).await;
    let (status, report) = stage.ask("GET", "/v1/spool").await;
    assert_eq!(status, 200);
    for (key, expected) in [
        ("on", json!(true)),
        ("why_off", Value::Null),
        ("records", json!(2)),
        ("max_bytes", json!(16 << 20)),
        ("reserve", json!(1 << 20)),
        ("oldest_received_at", json!("2026-11-21T10:00:00Z")),
        ("oldest_age_seconds", json!(60.0)),
        ("files", json!(1)),
        ("files_set_aside", json!(0)),
        ("records_set_aside", json!(0)),
        ("obstacle", Value::Null),
        ("drained", json!(12)),
        ("passed_over", json!(1)),
        ("drain_obstacle", json!("postgres")),
    ] {
        assert_eq!(report[key], expected, "{key}: {report}");
    }
    assert!(report["bytes"].as_u64() > Some(0), "{report}");
    let dir = report["dir"].as_str();
    assert!(dir.is_some_and(|it| it.ends_with("/spool")), "{report}");
}

#[tokio::test]
async fn readiness_shows_the_spool_and_what_it_stands_in_for() {
    let stage = Stage::with(&["{}"]).await;
    let (status, ready) = stage.ask("GET", "/readyz").await;
    assert_eq!(status, 200);
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["missing"], json!([]));
    assert_eq!(ready["degraded"], json!(["database"]));
    let spool = &ready["spool"];
    let expected = [json!(true), json!(1), json!(60.0)];
    let keys = ["on", "records", "oldest_age_seconds"];
    assert_eq!(keys.map(|key| spool[key].clone()), expected, "{spool}");
}

#[tokio::test]
async fn what_waits_is_described_oldest_first_and_never_shown() {
    let stage = Stage::with(&[THREE, "not json", "{}"]).await;
    let answer = ask(stage.address, request("GET", "/v1/spool/records")).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("never shown"), "{}", answer.body);
    let list = body(&answer);
    assert_eq!(list["next"], Value::Null);
    let first = &list["records"][0];
    assert_eq!(first["id"], json!(Uuid::from_u64_pair(7, 1)));
    assert_eq!(first["kinds"], json!({"comment": 1, "message": 2}));
    for (key, expected) in [
        ("received_at", json!("2026-11-21T10:00:00Z")),
        ("app", json!("default")),
        ("secret", json!("app")),
        ("simulated", json!(false)),
        ("remote_addr", json!("192.0.2.1")),
        ("bytes", json!(THREE.len())),
        ("object", json!("instagram")),
        ("items", json!(3)),
        ("problem", Value::Null),
    ] {
        assert_eq!(first[key], expected, "{key}: {first}");
    }
    assert_eq!(list["records"][1]["problem"], "not_json");
    assert_eq!(list["records"].as_array().unwrap().len(), 3);
    assert_eq!(stage.spool.status().records, 3, "looking takes nothing");
}

#[tokio::test]
async fn a_list_goes_on_where_the_last_one_ended() {
    let stage = Stage::with(&["{}"; 5]).await;
    let (mut seen, mut path) = (Vec::new(), "/v1/spool/records?limit=2".to_owned());
    for expected in [2, 2, 1] {
        let (status, list) = stage.ask("GET", &path).await;
        assert_eq!(status, 200, "{list}");
        let records = list["records"].as_array().unwrap();
        assert_eq!(records.len(), expected);
        seen.extend(records.iter().map(|it| it["id"].clone()));
        let next = list["next"].as_str().unwrap_or_default();
        path = format!("/v1/spool/records?limit=2&after={next}");
    }
    let all: Vec<_> = (1..=5).map(|n| json!(Uuid::from_u64_pair(7, n))).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_question_that_is_none_is_told_what_is_allowed() {
    let stage = Stage::with(&[]).await;
    let limit = "a whole number from 1 to 1000";
    let place = "a place from an earlier answer, such as 1-42";
    for (query, parameter, allowed) in [
        ("limit=0", "limit", limit),
        ("limit=1001", "limit", limit),
        ("limit=many", "limit", limit),
        ("limit=1&limit=2", "limit", "once"),
        ("after=here", "after", place),
        ("befor=1-1", "befor", "after, limit"),
    ] {
        let path = format!("/v1/spool/records?{query}");
        let (status, problem) = stage.ask("GET", &path).await;
        assert_eq!(status, 400);
        let told = [&problem["type"], &problem["parameter"], &problem["allowed"]];
        assert_eq!(told, ["/problems/parameter", parameter, allowed]);
    }
}

#[tokio::test]
async fn the_drain_is_woken_by_programs_and_by_no_page_of_another_site() {
    let stage = Stage::with(&["{}"]).await;
    let (status, report) = stage.ask("POST", "/v1/spool/drain").await;
    assert_eq!((status, &report["records"]), (202, &json!(1)));
    assert!(stage.is_woken().await);

    let host = stage.address;
    let post = |header: &str| {
        format!(
            "POST /v1/spool/drain HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n{header}\r\n\r\n"
        )
    };
    for header in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1:1",
        &format!("Origin: http://{host}.evil.example"),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
    ] {
        let answer = ask(stage.address, post(header)).await;
        assert_eq!(answer.status, 403, "{header}");
    }
    assert!(!stage.is_woken().await);
    for own in [
        format!("Origin: http://{host}"),
        format!("Origin: https://{host}\r\nSec-Fetch-Site: same-origin"),
        "Sec-Fetch-Site: none".to_owned(),
    ] {
        assert_eq!(ask(stage.address, post(&own)).await.status, 202, "{own}");
        assert!(stage.is_woken().await);
    }

    let answer = ask(stage.address, request("GET", "/v1/spool/drain")).await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[tokio::test]
async fn a_database_that_refuses_connections_is_away_and_not_slow() {
    let stage = Stage::with(&["{}", "{}"]).await;
    let (status, problem) = stage.ask("GET", "/v1/events").await;
    assert_eq!(status, 503);
    assert_eq!(problem["type"], "/problems/database", "{problem}");
    assert_eq!(problem["spooled"], 2);
    assert!(problem["since"].is_string(), "{problem}");
}

#[tokio::test]
async fn without_a_spool_the_routes_say_so() {
    let api = SpoolApi::off(SpoolReport::off("/data/spool".into()));
    let address = listen(api, None);
    let answer = ask(address, request("GET", "/v1/spool")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(body(&answer)["on"], false);
    assert_eq!(body(&answer)["why_off"], "spool.max_bytes is 0");
    for (method, path) in [("GET", "/v1/spool/records"), ("POST", "/v1/spool/drain")] {
        let answer = ask(address, request(method, path)).await;
        assert_eq!(answer.status, 409);
        let said = "the spool is off: spool.max_bytes is 0";
        assert_eq!(body(&answer)["detail"], said);
    }
}
