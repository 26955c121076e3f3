//! Requests of workers, with an owner that the test plays.

use std::{collections::BTreeMap, path::PathBuf};

use axum::http::Request;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::Clock,
    forward::{
        consumer::{Call, Calls, HandedOut, Settled, Settlement, Targets, Verb, Want},
        lanes,
    },
    http::{AppState, Apps, Limits, LocalApi, SpoolApi, Streams},
    ingest::{DatabaseState, Readiness, Recheck, Tally, Writer},
    quarantine::QuarantineReader,
    query::{Audit, AuditKey, Sessions, stream::Hub},
    spool::SpoolReport,
    store::{ConnectOptions, Writes},
    telemetry::metrics::Exposition,
};

/// Routes to a consumer `bot`, whose owner is the test.
struct Desk {
    api: Api,
    calls: Calls,
    stop: CancellationToken,
}

impl Desk {
    fn open() -> Self {
        let (handle, calls) = Handle::new();
        let handles = Handles::default();
        handles.replace(BTreeMap::from([("bot".to_owned(), handle)]));
        let stop = CancellationToken::new();
        Self {
            api: api(ConsumerApi::new(handles, stop.clone())),
            calls,
            stop,
        }
    }

    /// Sends a request of an operator; `path` follows `/v1/consumers/`.
    fn post(&self, path: &str, body: impl Into<Bytes>) -> BoxFuture<'static, Answered> {
        let routes = LocalApi::new(self.api.clone(), Scope::local(Role::Operator));
        let request = Request::post(format!("/v1/consumers/{path}")).body(body.into());
        Box::pin(async move {
            let answer = routes.answer(request.unwrap()).await;
            let (head, body) = answer.into_parts();
            Answered {
                status: head.status.as_u16(),
                location: head.headers.get("location").cloned(),
                retry: head.headers.contains_key("retry-after"),
                body: body.collect().await.unwrap().to_bytes(),
            }
        })
    }

    /// The owner receives a request for events.
    async fn asked(&mut self) -> (Want, impl FnOnce(Result<Vec<HandedOut>, Refusal>)) {
        match self.calls.recv().await.unwrap() {
            Call::Lease(want, reply) => (want, |answer| assert!(reply.send(answer).is_ok())),
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug)]
struct Answered {
    status: u16,
    location: Option<HeaderValue>,
    retry: bool,
    body: Bytes,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An API without a database.
fn api(consumers: ConsumerApi) -> Api {
    let (options, clock) = (ConnectOptions::new(), Clock::system());
    let (database, writes) = (DatabaseState::default(), Writes::new(&options));
    database.note(true);
    let (writing, _) = Writer::new(options.clone(), None);
    let dir = PathBuf::from("/nowhere");
    let quarantine = QuarantineReader::new(&dir, SignedDuration::ZERO);
    let (hub, _) = Hub::new(options.clone(), CancellationToken::new());
    Api {
        targets: Targets::default(),
        sessions: Sessions::new(&options, 1),
        audit: Audit::new(writes.clone(), AuditKey::new(dir.join("audit.key"))).unrecorded(),
        writes,
        streams: Streams::new(hub, 1),
        consumers,
        recheck: Recheck::new(quarantine, options, writing.clone(), clock.clone()),
        readiness: Readiness {
            database,
            allow_lossy: false,
            breaker: writing.breaker(),
            spool: None,
        },
        apps: AppState::new(
            Apps::default(),
            writing,
            Tally::new(clock.clone()),
            clock,
            limits(),
        ),
        spool: SpoolApi::off(SpoolReport::off(dir)),
        metrics: Exposition::idle(),
        public_url: None,
    }
}

fn limits() -> Limits {
    Limits {
        max_body_bytes: 1,
        body_timeout: Duration::ZERO,
        body_budget_bytes: 1,
        connections: 1,
        answer_within: Duration::ZERO,
        trusted_proxies: Arc::new([]),
    }
}

/// An event as the owner hands it out.
fn event(position: i64) -> HandedOut {
    HandedOut {
        lease: format!("lease-{position}"),
        attempt: 2,
        redelivered: true,
        replay: Some(7).filter(|_| position == 9),
        failed_for: None,
        code: None,
        through: position,
        json: format!("{{\"position\":  \"{position}\"}}").into(),
        event: Arc::default(),
    }
}

#[tokio::test]
async fn events_are_handed_out_with_their_json_as_it_is() {
    let mut desk = Desk::open();
    let lease = r#"{"max": 2, "wait_s": 0.5, "lease_s": 90, "worker": "a:b-c.d_1"}"#;
    let (answer, want) = tokio::join!(desk.post("bot/lease", lease), async {
        let (want, reply) = desk.asked().await;
        reply(Ok(vec![event(7), event(9)]));
        want
    });
    assert_eq!(
        (want.max, &*want.worker, want.content),
        (2, "a:b-c.d_1", true)
    );
    assert_eq!(want.wait, Duration::from_millis(500));
    assert_eq!(want.lease, Some(Duration::from_secs(90)));
    let text = str::from_utf8(&answer.body).unwrap();
    assert!(text.contains(r#""event":{"position":  "7"}}"#), "{text}");
    let shown = |position: &str, replay: Option<i32>| {
        json!({"lease": format!("lease-{position}"), "attempt": 2,
        "redelivered": true, "replay": replay, "event": {"position": position}})
    };
    let shown = [shown("7", None), shown("9", Some(7))];
    assert_eq!(answer.json(), json!({"events": shown}));
}

#[tokio::test]
async fn a_request_without_a_body_has_defaults() {
    for body in ["", "{}", " {} "] {
        let mut desk = Desk::open();
        let (answer, want) = tokio::join!(desk.post("bot/lease", body), async {
            let (want, reply) = desk.asked().await;
            reply(Ok(Vec::new()));
            want
        });
        assert_eq!(
            (want.max, want.wait, want.lease),
            (10, Duration::ZERO, None)
        );
        assert_eq!(&*want.worker, "local", "the name of the token");
        assert_eq!((answer.status, answer.json()), (200, json!({"events": []})));
    }
}

#[tokio::test]
async fn settlements_are_answered_in_the_order_of_the_lists() {
    let mut desk = Desk::open();
    let body = json!({
        "dead": ["h", {"lease": "i", "code": "blocked"}],
        "extends": [{"lease": "f", "lease_s": 5}, "g"],
        "nacks": ["c", {"lease": "d", "delay_s": 0.25}, {"lease": "e", "code": "graph_429"}],
        "acks": ["a", {"lease": "b"}],
    });
    let (answer, batch) = tokio::join!(desk.post("bot/settle", body.to_string()), async {
        let Some(Call::Settle(batch, reply)) = desk.calls.recv().await else {
            panic!("no settlement");
        };
        let settled = batch.iter().map(|it| Settled {
            lease: it.lease.clone(),
            answer: lanes::Answer::Already,
        });
        reply.send(Ok(settled.collect())).unwrap();
        batch
    });
    let results = answer.json()["results"].clone();
    let result = |lease: char| json!({"lease": lease.to_string(), "result": "already"});
    assert_eq!(results, ('a'..='i').map(result).collect::<Value>());
    let code = |text: &str| lanes::Code::new(text).unwrap();
    let nack = |delay, text: &str| Verb::Nack {
        delay,
        code: code(text),
    };
    let expected = [
        ("a", Verb::Ack),
        ("b", Verb::Ack),
        ("c", nack(None, "nack")),
        ("d", nack(Some(Duration::from_millis(250)), "nack")),
        ("e", nack(None, "graph_429")),
        ("f", Verb::Extend(Some(Duration::from_secs(5)))),
        ("g", Verb::Extend(None)),
        ("h", Verb::Bury(code("dead"))),
        ("i", Verb::Bury(code("blocked"))),
    ];
    let expected = expected.map(|(lease, verb)| Settlement {
        lease: lease.to_owned(),
        verb,
    });
    assert_eq!(batch, expected);
}

/// Bodies with a value over a limit or of another form, and the key at fault.
fn disallowed() -> Vec<(&'static str, String, &'static str)> {
    let leases = vec!["x"; 501];
    let text = |value: Value| value.to_string();
    vec![
        ("lease", text(json!({"max": 0})), "max"),
        ("lease", text(json!({"max": 101})), "max"),
        ("lease", text(json!({"max": -1})), "max"),
        ("lease", text(json!({"max": 1.5})), "max"),
        ("lease", text(json!({"max": 1e300})), "max"),
        ("lease", text(json!({"wait_s": 60.001})), "wait_s"),
        ("lease", text(json!({"wait_s": -0.001})), "wait_s"),
        ("lease", text(json!({"lease_s": 3601})), "lease_s"),
        ("lease", text(json!({"lease_s": 0})), "lease_s"),
        ("lease", text(json!({"worker": ""})), "worker"),
        ("lease", text(json!({"worker": "a b"})), "worker"),
        ("lease", text(json!({"worker": "w".repeat(65)})), "worker"),
        ("release", text(json!({"worker": "ä"})), "worker"),
        (
            "settle",
            text(json!({"nacks": [{"lease": "x", "delay_s": 86_401}]})),
            "delay_s",
        ),
        (
            "settle",
            text(json!({"nacks": [{"lease": "x", "code": "See you"}]})),
            "code",
        ),
        (
            "settle",
            text(json!({"dead": [{"lease": "x", "code": ""}]})),
            "code",
        ),
        (
            "settle",
            text(json!({"extends": [{"lease": "x", "lease_s": 3600.5}]})),
            "lease_s",
        ),
        (
            "settle",
            text(json!({"acks": leases, "dead": leases})),
            "acks, nacks, extends and dead",
        ),
        ("lease", " ".repeat(values::LARGEST + 1), "body"),
        ("settle", " ".repeat(values::LARGEST + 1), "body"),
        ("release", " ".repeat(values::LARGEST + 1), "body"),
    ]
}

#[tokio::test]
async fn a_value_over_its_limit_is_refused_with_its_key_and_what_is_allowed() {
    let desk = Desk::open();
    for (verb, body, key) in disallowed() {
        let answer = desk.post(&format!("bot/{verb}"), body.clone()).await;
        let (problem, start) = (answer.json(), &body[..body.len().min(60)]);
        assert_eq!(answer.status, 422, "{verb} {start}: {problem}");
        assert_eq!(problem["type"], "/problems/value", "{verb} {start}");
        assert_eq!(problem["parameter"], key, "{verb} {start}");
        assert!(problem["given"].is_string() && problem["allowed"].is_string());
    }
}

#[tokio::test]
async fn a_body_of_another_form_is_refused() {
    let desk = Desk::open();
    for (verb, body) in [
        ("lease", "{"),
        ("lease", "[]"),
        ("lease", "null"),
        ("lease", "[10, 0, null, null]"),
        ("lease", r#"{"maximum": 1}"#),
        ("lease", r#"{"max": "1"}"#),
        ("lease", r#"{"max": null}"#),
        ("lease", r#"{"max": 1, "max": 2}"#),
        ("lease", r#"{"wait_s": 1e999}"#),
        ("lease", "{} {}"),
        ("lease", "\u{feff}{}"),
        ("settle", ""),
        ("settle", r#"{"ack": ["x"]}"#),
        ("settle", r#"{"acks": "x"}"#),
        ("settle", r#"{"acks": [7]}"#),
        ("settle", r#"{"acks": [["x"]]}"#),
        ("settle", r#"{"acks": [null]}"#),
        ("settle", r#"{"acks": [{}]}"#),
        ("settle", r#"{"acks": [{"lease": "x", "code": "y"}]}"#),
        ("settle", r#"{"nacks": [{"lease": "x", "delay": 1}]}"#),
        ("settle", r#"{"nacks": [{"lease": "x", "lease": "y"}]}"#),
        ("release", ""),
        ("release", "{}"),
        ("release", r#"{"worker": 1}"#),
    ] {
        let answer = desk.post(&format!("bot/{verb}"), body).await;
        let problem = answer.json();
        assert_eq!(answer.status, 400, "{verb} {body}: {problem}");
        assert_eq!(problem["type"], "/problems/body", "{verb} {body}");
    }
    let deep = format!("{{\"acks\": {}", "[".repeat(100_000));
    assert_eq!(desk.post("bot/settle", deep).await.status, 400);
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    for (refusal, status, said) in [
        (Refusal::Unknown, 404, "no consumer of this name"),
        (
            Refusal::Paused("clock".into()),
            409,
            "reason clock; `hookshelf consumers resume bot`",
        ),
        (Refusal::Elsewhere(None), 503, "has no admin.advertise"),
        (
            Refusal::Elsewhere(Some("http://a\nb".into())),
            503,
            "has no admin.advertise",
        ),
        (Refusal::Unavailable, 503, "starts or stops"),
    ] {
        let mut desk = Desk::open();
        let (answer, ()) = tokio::join!(desk.post("bot/lease", ""), async {
            desk.asked().await.1(Err(refusal));
        });
        let problem = answer.json();
        assert_eq!(answer.status, status, "{problem}");
        assert_eq!(answer.retry, status == 503, "{problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(said),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_consumer_of_another_process_is_found_at_its_address() {
    for address in ["http://10.0.0.2:9090", "http://10.0.0.2:9090/"] {
        let mut desk = Desk::open();
        let (answer, ()) = tokio::join!(desk.post("bot/lease", ""), async {
            let elsewhere = Refusal::Elsewhere(Some(address.to_owned()));
            desk.asked().await.1(Err(elsewhere));
        });
        assert_eq!((answer.status, answer.body.len()), (307, 0));
        let there = "http://10.0.0.2:9090/v1/consumers/bot/lease";
        assert_eq!(answer.location.unwrap(), there);
    }
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_nearest_one() {
    let desk = Desk::open();
    for (path, said) in [
        ("bto/lease", "did you mean bot?"),
        ("%00/lease", "no consumer of this name"),
        ("%FF/lease", "no such path"),
    ] {
        let answer = desk.post(path, "").await;
        assert_eq!(answer.status, 404, "{path}");
        let problem = answer.json();
        assert!(
            problem["detail"].as_str().unwrap().contains(said),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_consumer_whose_owner_has_ended_is_unavailable() {
    let mut desk = Desk::open();
    desk.calls.close();
    let answer = desk.post("bot/settle", "{}").await;
    assert_eq!((answer.status, answer.retry), (503, true));
    assert_eq!(answer.json()["type"], "/problems/consumer");
}

#[tokio::test]
async fn a_stop_ends_the_waits_and_a_request_that_goes_away_is_closed() {
    let mut desk = Desk::open();
    let waiting = tokio::spawn(desk.post("bot/lease", r#"{"wait_s": 60}"#));
    let Some(Call::Lease(_, reply)) = desk.calls.recv().await else {
        panic!("no request");
    };
    desk.stop.cancel();
    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.json()), (200, json!({"events": []})));
    assert!(reply.is_closed());
    let desk = &mut Desk::open();
    let gone = tokio::spawn(desk.post("bot/lease", r#"{"wait_s": 60}"#));
    let Some(Call::Lease(_, mut reply)) = desk.calls.recv().await else {
        panic!("no request");
    };
    gone.abort();
    reply.closed().await;
}

#[tokio::test]
async fn waits_have_a_limit_and_requests_without_a_wait_have_none() {
    let mut desk = Desk::open();
    let (mut waiting, mut replies) = (tokio::task::JoinSet::new(), Vec::new());
    for _ in 0..MOST_WAITING {
        waiting.spawn(desk.post("bot/lease", r#"{"wait_s": 60}"#));
        replies.push(desk.calls.recv().await.unwrap());
    }
    let refused = desk.post("bot/lease", r#"{"wait_s": 60}"#).await;
    assert_eq!((refused.status, refused.retry), (503, true));
    let (answer, ()) = tokio::join!(desk.post("bot/lease", ""), async {
        desk.asked().await.1(Ok(Vec::new()));
    });
    assert_eq!(answer.status, 200);
}
