//! Requests that are refused: over limits, paused, and unknown.

use nix::sys::signal::Signal;

use super::*;

/// Status and problem of a request.
async fn refused(desk: &Desk, path: &str, body: String) -> (u16, Value) {
    let call = ("POST", path);
    let answer = desk.server.send_admin(call, &[], body).await;
    assert_eq!(
        answer.headers["content-type"], "application/problem+json",
        "{path}"
    );
    (answer.status, json_of(&answer))
}

#[tokio::test]
async fn requests_over_a_limit_are_refused() {
    let desk = Desk::open().await;
    let leases = vec!["x"; 1001];
    for (verb, body, key) in [
        ("lease", json!({"lease_s": 3601}), "lease_s"),
        ("lease", json!({"max": 101}), "max"),
        ("lease", json!({"wait_s": 61}), "wait_s"),
        (
            "settle",
            json!({"acks": leases}),
            "acks, nacks, extends and dead",
        ),
        ("settle", json!({"acks": ["x".repeat(256 << 10)]}), "body"),
    ] {
        let path = format!("/v1/consumers/bot/{verb}");
        let (status, problem) = refused(&desk, &path, body.to_string()).await;
        assert_eq!(
            (status, &problem["parameter"]),
            (422, &json!(key)),
            "{problem}"
        );
    }
    let most = vec!["x"; 1000];
    assert_eq!(
        desk.settle(json!({"acks": most})).await,
        vec!["unknown"; 1000]
    );
}

#[tokio::test]
async fn an_unknown_consumer_is_not_found() {
    let desk = Desk::open().await;
    for (verb, body) in [
        ("lease", ""),
        ("settle", "{}"),
        ("release", r#"{"worker": "w1"}"#),
    ] {
        let path = format!("/v1/consumers/bots/{verb}");
        let (status, problem) = refused(&desk, &path, body.to_owned()).await;
        assert_eq!(status, 404, "{problem}");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("did you mean bot?")
        );
    }
}

#[tokio::test]
async fn a_paused_consumer_hands_nothing_out_and_still_settles() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let event = desk.next().await;
    let set = async |paused: &str| {
        let mut conn = desk.server.database().await;
        let set = sqlx::query("UPDATE consumers SET paused = nullif($1, '')").bind(paused);
        set.execute(&mut conn).await.unwrap();
    };
    set("operator").await;
    eventually("the consumer is paused", async || {
        desk.post("lease", json!({})).await.status == 409
    })
    .await;
    let problem = json_of(&desk.post("lease", json!({"wait_s": 60})).await);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("operator") && detail.contains("hookshelf consumers resume bot"));
    assert_eq!(desk.state().await["paused"], "operator");
    assert_eq!(desk.ack(&event).await, "acked");
    set("").await;
    desk.say("1", &["b"]).await;
    eventually("the consumer goes on", async || {
        desk.post("lease", json!({})).await.status == 200
    })
    .await;
}

/// The last flush waits for longer than the end of the ownership does.
#[tokio::test]
async fn a_consumer_is_released_although_its_last_flush_does_not_end() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let event = desk.next().await;
    assert_eq!(desk.ack(&event).await, "acked");
    let mut database = desk.server.database().await;
    let hold = "BEGIN; SELECT FROM consumers FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut database).await.unwrap();
    desk.say("2", &["b"]).await;
    assert_eq!(
        desk.next().await.mid(),
        "b",
        "its hand-out is to be written"
    );
    desk.server.signal(Signal::SIGTERM);
    let mut watcher = desk.server.database().await;
    let releasing = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'
                       AND query LIKE '%SET owner = NULL%'";
    eventually("the release waits for the row", async || {
        let count: i64 = sqlx::query_scalar(releasing)
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        count == 1
    })
    .await;
    drop(database);
    let (_, _directory, _place) = desk.server.wait();
    let owner = "SELECT owner FROM consumers";
    let owner: Option<String> = sqlx::query_scalar(owner)
        .fetch_one(&mut watcher)
        .await
        .unwrap();
    assert_eq!(owner, None);
}

#[tokio::test]
async fn a_consumer_that_left_the_configuration_keeps_its_row() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    assert_eq!(desk.next().await.mid(), "a");
    let (_, directory, place) = desk.server.stop();
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    let desk = Desk {
        server: Server::start_in(directory, place),
    };
    assert_eq!(desk.post("lease", json!({})).await.status, 404);
    let state = desk.state().await;
    assert_eq!(
        (&state["configured"], &state["owner"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(state["lag"]["positions"], 0);
    let list = json_of(&desk.server.ask_admin("/v1/consumers").await);
    assert_eq!(list["consumers"][0]["name"], "bot");
}
