//! Waiting for events: commits, lost clients, stops and an unavailable Postgres.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sqlx::Connection;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::support::directory::Directory;

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
    until_seen(desk, "gone").await;
    stream
}

/// Waits until the server has a request of a worker.
async fn until_seen(desk: &Desk, worker: &str) {
    eventually("the worker is seen", async || {
        let workers = desk.state().await["workers"].clone();
        workers
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == worker)
    })
    .await;
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

/// The worker gets the event before the stop, or nothing: then the event is there after the start.
#[tokio::test]
async fn a_stop_beside_a_commit_answers_the_worker_and_keeps_no_event_out() {
    let mut desk = Desk::open().await;
    for mid in ["a", "b", "c", "d", "e"] {
        let asked = Instant::now();
        let wait = json!({"wait_s": 60, "worker": "waits"});
        let (answer, ()) = tokio::join!(desk.post("lease", wait), async {
            until_seen(&desk, "waits").await;
            desk.say("1", &[mid]).await;
            desk.server.signal(Signal::SIGTERM);
        });
        assert!(asked.elapsed() < Duration::from_secs(30));
        let mut events = leased(&answer);
        let (_, directory, place) = desk.server.wait();
        desk = Desk::of(Server::start_in(directory, place)).await;
        if events.is_empty() {
            events.push(desk.next().await);
        }
        assert_eq!(events[0].mid(), mid);
        assert_eq!(desk.ack(&events[0]).await, "acked");
    }
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

#[tokio::test]
async fn a_settlement_that_is_not_saved_in_time_is_refused_and_can_be_repeated() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let event = desk.next().await;
    let mut conn = desk.server.database().await;
    let mut holder = conn.begin().await.unwrap();
    let lock = sqlx::raw_sql("LOCK TABLE consumers IN ACCESS EXCLUSIVE MODE");
    lock.execute(&mut *holder).await.unwrap();
    let answer = desk.post("settle", json!({"acks": [event.lease()]})).await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key("retry-after"));
    holder.rollback().await.unwrap();
    eventually("the settlement is saved", async || {
        let answer = desk.post("settle", json!({"acks": [event.lease()]})).await;
        let result = json_of(&answer)["results"][0]["result"].clone();
        answer.status == 200 && (result == "acked" || result == "already")
    })
    .await;
    assert_eq!(desk.available().await, [""; 0]);
}

/// Starts another server on the database of `desk`.
fn another_server(desk: &Desk) -> Server {
    let url = desk.server.place.as_ref().unwrap().url();
    let database = format!("[database]\nurl = '{url}'\nallow_lossy_commits = true\n");
    let directory = Directory::create();
    let configuration = format!("{}{BOT}{database}", apps(["default"]));
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    Server::start_in(directory, None)
}

#[tokio::test]
async fn a_consumer_of_another_process_is_found_at_its_address_and_taken_over_after_its_stop() {
    let desk = Desk::open_with("[admin]\nadvertise = 'http://10.0.0.7:9090'\n").await;
    let other = another_server(&desk);
    let lease = async || {
        let call = ("POST", "/v1/consumers/bot/lease");
        other.send_admin(call, &[], "").await
    };
    eventually("the other server knows the owner", async || {
        lease().await.status == 307
    })
    .await;
    let location = lease().await.headers["location"].clone();
    assert_eq!(location, "http://10.0.0.7:9090/v1/consumers/bot/lease");
    let state = json_of(&other.ask_admin("/v1/consumers/bot").await);
    let owner = &state["owner"];
    assert_eq!(
        (&owner["address"], &owner["here"]),
        (&json!("http://10.0.0.7:9090"), &json!(false))
    );
    assert_eq!(state["in_flight"], Value::Null);
    let own = desk.state().await;
    assert_eq!(
        (&own["owner"]["here"], &own["in_flight"]),
        (&json!(true), &json!(0))
    );
    let (_, _directory, _place) = desk.server.stop();
    eventually("the other server takes over", async || {
        lease().await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_filter_for_an_account_that_is_not_known_is_reported_at_start_and_reload() {
    let desk = Desk::open_with("accounts = ['17840000000000002']\n").await;
    let told = |accounts: usize, clients: usize| {
        let told = "the filter names accounts or clients that are not known yet consumer=\"bot\"";
        let told = format!("{told} accounts={accounts} clients={clients}");
        desk.server.log().matches(&told).count()
    };
    assert_eq!(told(1, 0), 1);
    let reload = |lines: &str| {
        let configuration = format!("{}{BOT}{lines}", apps(["default"]));
        let file = desk.server.directory.join("hookshelf.toml");
        std::fs::write(file, configuration).unwrap();
        assert!(desk.server.run(&["reload"]).status.success());
    };
    reload("clients = ['bakery', 'florist']\n");
    eventually("it is reported", async || told(0, 2) == 1).await;

    desk.say("1", &["a"]).await;
    reload(&format!("accounts = ['{ACCOUNT}']\n"));
    assert_eq!(desk.next().await.mid(), "a");
    assert_eq!(
        desk.server.log().matches("not known yet").count(),
        2,
        "the account is known"
    );
}
