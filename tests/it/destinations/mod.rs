//! Destinations through the front door: a delivery comes in, and requests go out.

mod commands;
mod faults;
pub(crate) mod masks;
mod replayed;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::Sha256;

use crate::support::{
    eventually,
    message::messages,
    receiver::{Answer, Receiver},
    server::{SECRET, Server, apps},
};

/// Secret of Standard Webhooks, and its bytes.
const KEY: &str = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7";
const KEY_BYTES: &[u8] = b"defghijklmnopqrstuvwxyz{";

const ACCOUNT: &str = "17840000000000001";

/// Configuration of the destination `name` with further `keys`.
fn destination(name: &str, receiver: &Receiver, keys: &str) -> String {
    let address = receiver.address;
    format!(
        "[destinations.{name}]\nurl = \"http://{address}/{name}\"\nreach = \"private\"\n{keys}\n"
    )
}

async fn start(destinations: &[String]) -> Server {
    let configuration = [apps(["default"]), destinations.concat()].concat();
    let server = Server::start_with(&configuration).await;
    owned(&server, destinations.len()).await;
    server
}

/// Waits until so many destinations have their place in the log.
async fn owned(server: &Server, count: usize) {
    eventually("the destinations are owned", async || {
        number(
            server,
            "SELECT count(*) FROM consumers WHERE owner IS NOT NULL",
        )
        .await
            == i64::try_from(count).unwrap()
    })
    .await;
}

async fn number(server: &Server, sql: &'static str) -> i64 {
    let mut conn = server.database().await;
    sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap()
}

async fn run(server: &Server, sql: &'static str) {
    let mut conn = server.database().await;
    sqlx::query(sql).execute(&mut conn).await.unwrap();
}

async fn say(server: &Server, person: &str, said: &[(&str, &str)]) -> String {
    let body = messages(person, ACCOUNT, said);
    let answer = server.deliver("/webhook", body.clone()).await;
    assert_eq!(answer.status, 200);
    body
}

fn hex_of<M: hmac::Mac>(mac: M) -> String {
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_delivery_reaches_each_destination_in_its_form_and_signed() {
    let receiver = Receiver::start().await;
    let event = format!("format = \"event\"\nsecret = \"{KEY}\"\nheaders = {{ X-Team = \"a\" }}");
    let server = start(&[
        destination("meta", &receiver, ""),
        destination("event", &receiver, &event),
    ])
    .await;
    let body = say(&server, "7001", &[("mid.1", "One roll")]).await;
    eventually("both requests arrive", async || receiver.got().len() == 2).await;
    let got = receiver.got();
    let meta = got.iter().find(|it| it.path == "/meta").unwrap();
    assert_eq!(meta.body, body);
    let sha256 = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let sha256 = hex_of(sha256.chain_update(&meta.body));
    assert_eq!(
        meta.header("x-hub-signature-256"),
        format!("sha256={sha256}")
    );
    let sha1 = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    let sha1 = hex_of(sha1.chain_update(&meta.body));
    assert_eq!(meta.header("x-hub-signature"), format!("sha1={sha1}"));
    assert!(meta.headers.contains_key("x-hookshelf-delivery"));

    let event = got.iter().find(|it| it.path == "/event").unwrap();
    assert_eq!(event.header("x-team"), "a");
    let (id, at) = (
        event.header("webhook-id"),
        event.header("webhook-timestamp"),
    );
    let mac = Hmac::<Sha256>::new_from_slice(KEY_BYTES).unwrap();
    let mac = mac
        .chain_update(format!("{id}.{at}."))
        .chain_update(&event.body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(event.header("webhook-signature"), format!("v1,{signature}"));
    let json: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
    assert_eq!(json["type"], "instagram.message");
    assert_eq!(json["data"]["text"], "One roll");
    assert_eq!(
        id,
        format!("evt_{}", json["data"]["dedupe_key"].as_str().unwrap())
    );
}

#[tokio::test]
async fn the_items_of_a_person_come_together_and_a_repeat_is_not_sent() {
    let receiver = Receiver::start().await;
    let server = start(&[destination("meta", &receiver, "")]).await;
    let of = |person: &str, said: &[(&str, &str)]| {
        let body: serde_json::Value =
            serde_json::from_str(&messages(person, ACCOUNT, said)).unwrap();
        body["entry"][0]["messaging"].as_array().unwrap().clone()
    };
    let items = [
        of("7001", &[("mid.1", "one"), ("mid.2", "two")]),
        of("7002", &[("mid.3", "three")]),
        of("7001", &[("mid.4", "four")]),
    ];
    let entry = serde_json::json!({"id": ACCOUNT, "time": 1_795_000_000_456_u64, "messaging": items.concat()});
    let body = serde_json::json!({"object": "instagram", "entry": [entry]}).to_string();
    for _ in 0..2 {
        assert_eq!(server.deliver("/webhook", body.clone()).await.status, 200);
    }
    say(&server, "7003", &[("mid.5", "five")]).await;
    eventually("the requests arrive", async || receiver.got().len() >= 3).await;
    let got = receiver.got();
    let found = |person: &str| {
        let of_person = got.iter().filter(|it| it.has(person));
        let bodies: Vec<serde_json::Value> = of_person
            .map(|it| serde_json::from_slice(&it.body).unwrap())
            .collect();
        let items = bodies
            .iter()
            .map(|it| it["entry"][0]["messaging"].as_array().unwrap().len());
        items.collect::<Vec<_>>()
    };
    assert_eq!(
        (found("7001"), found("7002"), found("7003")),
        (vec![3], vec![1], vec![1])
    );
}

#[tokio::test]
async fn an_error_for_one_person_delays_this_person_only() {
    let receiver = Receiver::start().await;
    receiver.answer(|got| Answer::Status(if got.has("7001") { 500 } else { 200 }));
    let server = start(&[destination("meta", &receiver, "retry = [\"1s\"]")]).await;
    say(&server, "7001", &[("mid.a1", "a1")]).await;
    say(&server, "7001", &[("mid.a2", "a2")]).await;
    for at in 0..12 {
        say(&server, "7002", &[(&format!("mid.b{at}"), "b")]).await;
    }
    eventually("the other person is served", async || {
        receiver.with("7002") == 12
    })
    .await;
    assert_eq!(receiver.with("mid.a2"), 0, "the head of the lane failed");
    receiver.answer(|_| Answer::Status(200));
    eventually("the person is served", async || {
        receiver.with("mid.a2") == 1
    })
    .await;
    let order: Vec<_> = receiver
        .got()
        .iter()
        .filter(|it| it.has("7002"))
        .map(|it| it.body.clone())
        .collect();
    assert!(
        order.iter().enumerate().all(|(at, body)| {
            String::from_utf8_lossy(body).contains(&format!("\"mid.b{at}\""))
        })
    );
    eventually("the failures are stored", async || {
        number(
            &server,
            "SELECT count(*) FROM attempts WHERE status = 500 AND destination = 'meta'",
        )
        .await
            > 0
    })
    .await;
    assert_eq!(
        number(&server, "SELECT count(*) FROM attempts WHERE status <> 500").await,
        0
    );
}

#[tokio::test]
async fn a_410_pauses_the_destination_until_it_is_resumed() {
    let receiver = Receiver::start().await;
    receiver.answer(|_| Answer::Status(410));
    let server = start(&[destination("meta", &receiver, "")]).await;
    say(&server, "7001", &[("mid.1", "one")]).await;
    let paused = "SELECT count(*) FROM consumers WHERE paused = 'gone'";
    eventually("the destination is paused", async || {
        number(&server, paused).await == 1
    })
    .await;
    say(&server, "7002", &[("mid.2", "two")]).await;
    receiver.answer(|_| Answer::Status(200));
    run(&server, "UPDATE consumers SET paused = NULL").await;
    let settled = "SELECT count(*) FROM consumers WHERE settled = 2 AND dead = 0";
    eventually("both events are sent", async || {
        number(&server, settled).await == 1
    })
    .await;
    assert!(server.log().contains("destination answered 410 Gone"));
}

#[tokio::test]
async fn an_outage_opens_the_breaker_and_the_events_arrive_afterwards() {
    let receiver = Receiver::start().await;
    receiver.answer(|_| Answer::Status(503));
    let server = start(&[destination(
        "meta",
        &receiver,
        "retry = [\"1s\"]\nconcurrency = 4",
    )])
    .await;
    for at in 0..40 {
        say(
            &server,
            &format!("70{at:02}"),
            &[(&format!("mid.{at}"), "hi")],
        )
        .await;
    }
    eventually("the breaker opens", async || {
        server.log().contains("destination is down")
    })
    .await;
    let metrics = server.ask_admin("/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        metrics.contains("hookshelf_destination_down{destination=\"meta\"} 1"),
        "{metrics}"
    );
    let tried = receiver.got().len();
    assert!(tried <= 20, "{tried} requests to a receiver that is down");
    receiver.answer(|_| Answer::Status(200));
    let settled = "SELECT count(*) FROM consumers WHERE settled = 40 AND dead = 0";
    eventually("all events arrive", async || {
        number(&server, settled).await == 1
    })
    .await;
    let lanes = "SELECT count(*) FROM consumer_lanes";
    eventually("no lane waits", async || number(&server, lanes).await == 0).await;
    assert!(server.log().contains("destination is up again"));
}

#[tokio::test]
async fn a_redirect_to_another_address_is_not_followed() {
    let (receiver, inside) = (Receiver::start().await, Receiver::start().await);
    let to = format!("http://{}/", inside.address);
    receiver.answer(move |_| Answer::Redirect(to.clone()));
    let server = start(&[destination("meta", &receiver, "")]).await;
    say(&server, "7001", &[("mid.1", "one")]).await;
    let stored = "SELECT count(*) FROM attempts WHERE status = 302 AND outcome = 'answered'";
    eventually("the attempt is stored", async || {
        number(&server, stored).await == 1
    })
    .await;
    assert_eq!(inside.got().len(), 0);
}

#[tokio::test]
async fn a_destination_that_hangs_delays_no_other() {
    let (hanging, other) = (Receiver::start().await, Receiver::start().await);
    hanging.answer(|_| Answer::Hang);
    let server = start(&[
        destination("hanging", &hanging, ""),
        destination("other", &other, ""),
    ])
    .await;
    for at in 0..30 {
        say(
            &server,
            &format!("70{at:02}"),
            &[(&format!("mid.{at}"), "hi")],
        )
        .await;
    }
    eventually("the other one is served", async || other.got().len() == 30).await;
    assert!(hanging.got().len() <= 8, "no more than the concurrency");
}

#[tokio::test]
async fn a_reload_adds_a_destination_and_removes_one() {
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    let server = start(&[destination("first", &first, "")]).await;
    let file = server.directory.join("hookshelf.toml");
    let changed = [apps(["default"]), destination("second", &second, "")].concat();
    std::fs::write(&file, changed).unwrap();
    assert!(server.run(&["reload"]).status.success());
    let taken = "SELECT count(*) FROM consumers WHERE name = 'second' AND owner IS NOT NULL";
    eventually("the new one is owned", async || {
        number(&server, taken).await == 1
    })
    .await;
    say(&server, "7001", &[("mid.1", "one")]).await;
    eventually("the new one is served", async || second.got().len() == 1).await;
    assert_eq!(first.got().len(), 0);
}
