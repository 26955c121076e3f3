//! `hookshelf consumers` as an operator runs it. The consumers of these tests are not configured, so
//! that no server moves them meanwhile.

use hookshelf::store::{
    consumers::{self, ConsumerKind, NewConsumer},
    follow::Start,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::server::Server;

/// A server with three comments, and the consumer `bot` at the beginning of the log.
async fn server_with_bot() -> (Server, PgConnection) {
    let server = Server::start().await;
    for number in 1..=3 {
        let comment = format!(
            r#"{{"object":"instagram","entry":[{{"id":"17840000000000009","time":1795000000,
            "changes":[{{"field":"comments","value":{{"id":"1800000000000000{number}","text":"a",
            "from":{{"id":"9001","username":"somebody"}},"media":{{"id":"18000000000000009"}}}}}}]}}]}}"#
        );
        assert_eq!(server.deliver("/webhook", comment).await.status, 200);
    }
    let mut database = server.database().await;
    let bot = NewConsumer {
        name: "bot",
        kind: ConsumerKind::Consumer,
        lane: "person",
        start: Start::Beginning,
    };
    consumers::register(&mut database, bot).await.unwrap();
    (server, database)
}

/// Dead letters of `bot` at the positions 1, 2 and 3.
async fn bury_three(database: &mut PgConnection) {
    run(
        database,
        "INSERT INTO dead_letters SELECT 'bot', position, now(), 5, now(), now(), 'attempts',
             'graph_429', 'dead' FROM generate_series(1, 3) AS position",
    )
    .await;
}

async fn run(database: &mut PgConnection, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(database).await.unwrap();
}

fn say(server: &Server, arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split(' ').collect();
    let output = server.run(&arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refuse(server: &Server, arguments: &str) -> String {
    let arguments: Vec<_> = arguments.split(' ').collect();
    let output = server.run(&arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn row(server: &Server, arguments: &str) -> Value {
    serde_json::from_str(&say(server, arguments)).unwrap()
}

/// Verbs, subjects and rows of the audit.
async fn audited(database: &mut PgConnection) -> Vec<String> {
    let entries = "SELECT concat_ws(' ', token, verb, subject, rows) FROM audit ORDER BY id";
    sqlx::query_scalar(entries)
        .fetch_all(database)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_operator_sees_the_place_of_a_consumer() {
    let (server, mut database) = server_with_bot().await;
    run(
        &mut database,
        "INSERT INTO consumer_lanes (consumer, position, received_at, attempts, first_at, due_at, code)
         VALUES ('bot', 1, now() - interval '1 hour', 2, now(), now() + interval '1 hour', 'graph_429')",
    )
    .await;
    let listed = row(&server, "consumers list --json");
    for (key, value) in [
        ("name", Value::from("bot")),
        ("configured", false.into()),
        ("position", "0".into()),
        ("waiting", 1.into()),
        ("dead_letters", 0.into()),
    ] {
        assert_eq!(listed[key], value, "{key} of {listed}");
    }
    assert_eq!(listed["lag"]["positions"], 3);
    assert!(
        listed["lag"]["seconds"].as_f64().unwrap() >= 3_600.0,
        "{listed}"
    );
    let table = say(&server, "consumers list");
    assert!(table.contains("not configured"), "{table}");
    let csv = say(&server, "consumers list --csv");
    assert!(csv.starts_with("name,configured,paused,"), "{csv}");

    let shown = say(&server, "consumers show bot");
    assert!(shown.contains("graph_429"), "{shown}");
    let shown = row(&server, "consumers show bot --json");
    assert_eq!(shown["name"], "bot");
    assert_eq!(shown["lanes"][0]["head"], "1");
    assert_eq!(shown["lanes"][0]["attempts"], 2);
    assert_eq!(
        audited(&mut database).await,
        [""; 0],
        "reading is no change"
    );
}

#[tokio::test]
async fn an_unknown_name_gets_the_nearest_known_one() {
    let (server, _database) = server_with_bot().await;
    for verb in [
        "resume bto",
        "pause bto",
        "seek bto --to now",
        "dead list bto",
    ] {
        let said = refuse(&server, &format!("consumers {verb}"));
        assert!(said.contains("is called bto; did you mean bot?"), "{said}");
    }
}

#[tokio::test]
async fn a_pause_is_recorded_and_told_once() {
    let (server, mut database) = server_with_bot().await;
    let paused = say(&server, "consumers pause bot");
    assert!(
        paused.contains("bot is paused; the server hands out no further events"),
        "{paused}"
    );
    assert_eq!(row(&server, "consumers list --json")["paused"], "operator");
    let again = say(&server, "consumers pause bot");
    assert_eq!(again, "bot is paused already, with the reason operator\n");
    let resumed = say(&server, "consumers resume bot");
    assert!(resumed.contains("within about three seconds"), "{resumed}");
    assert_eq!(row(&server, "consumers list --json")["paused"], Value::Null);
    assert_eq!(say(&server, "consumers resume bot"), "bot is not paused\n");
    let audited = audited(&mut database).await;
    assert_eq!(
        audited,
        ["local consumer_pause bot", "local consumer_resume bot"]
    );
    let audit = say(&server, "audit list --subject bot");
    assert!(audit.contains("consumer_pause"), "{audit}");
}

#[tokio::test]
async fn a_move_shows_the_skipped_events_and_needs_yes() {
    let (server, mut database) = server_with_bot().await;
    let position = || row(&server, "consumers list --json")["position"].clone();
    let plan = say(&server, "consumers seek bot --to now");
    for part in [
        "from position 0 to 3: 3 events skipped",
        "comment",
        "nothing was changed",
    ] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    assert_eq!(position(), "0");
    let moved = say(&server, "consumers seek bot --to now --yes");
    assert!(
        moved.starts_with("bot is at position 3: 3 events skipped;"),
        "{moved}"
    );
    assert_eq!(position(), "3");

    let plan = say(&server, "consumers seek bot --to 1");
    assert!(
        plan.contains("from position 3 to 1: 2 events delivered again"),
        "{plan}"
    );
    say(&server, "consumers seek bot --to 1 --yes");
    assert_eq!(position(), "1");
    let plan = say(&server, "consumers seek bot --to 1h");
    assert!(
        plan.contains("from position 1 to 0: 1 event delivered again"),
        "{plan}"
    );
    let plan = say(&server, "consumers seek bot --to 2100-01-01");
    assert!(
        plan.contains("from position 1 to 3: 2 events skipped"),
        "{plan}"
    );
    assert_eq!(
        audited(&mut database).await,
        ["local consumer_seek bot 3", "local consumer_seek bot 2"]
    );
}

#[tokio::test]
async fn unsettled_lanes_are_in_the_plan() {
    let (server, mut database) = server_with_bot().await;
    run(
        &mut database,
        "INSERT INTO consumer_lanes (consumer, position, received_at, attempts, first_at, due_at, code)
         VALUES ('bot', 2, now(), 1, now(), now(), 'x'); UPDATE consumers SET position = 3",
    )
    .await;
    let plan = say(&server, "consumers seek bot --to now");
    assert!(
        plan.contains("0 events and the unsettled events of 1 lane skipped"),
        "{plan}"
    );
    let plan = say(&server, "consumers seek bot --to 1");
    assert!(plan.contains(": 2 events delivered again\n"), "{plan}");
}

#[tokio::test]
async fn a_removal_shows_the_skipped_events_and_needs_yes() {
    let (server, mut database) = server_with_bot().await;
    bury_three(&mut database).await;
    let plan = say(&server, "consumers remove bot");
    let part = "bot is removed from position 0, with 3 dead letters: 3 events skipped";
    assert!(plan.contains(part), "{plan}");
    let removed = say(&server, "consumers remove bot --yes");
    assert_eq!(
        removed,
        "bot is removed, with 3 dead letters: 3 events skipped\n"
    );
    assert_eq!(say(&server, "consumers list --json"), "");
    let rows = "SELECT count(*) FROM dead_letters";
    let rows: i64 = sqlx::query_scalar(rows)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(rows, 0);
    assert_eq!(
        audited(&mut database).await,
        ["local consumer_remove bot 3"]
    );
}

/// Positions of the dead letters of `bot` in a state.
fn positions(server: &Server, state: &str) -> Vec<String> {
    let list = format!("consumers dead list bot --state {state} --json");
    let rows = say(server, &list);
    let rows = rows.lines().map(serde_json::from_str::<Value>);
    let position = |row: Value| row["position"].as_str().unwrap().to_owned();
    rows.map(|row| position(row.unwrap())).collect()
}

#[tokio::test]
async fn dead_letters_are_listed_retried_and_discarded() {
    let (server, mut database) = server_with_bot().await;
    bury_three(&mut database).await;
    let positions = |state| positions(&server, state);
    assert_eq!(positions("dead"), ["1", "2", "3"]);
    let before = say(
        &server,
        "consumers dead list bot --before 3 --limit 1 --csv",
    );
    assert!(
        before.lines().nth(1).unwrap().starts_with("\"2\","),
        "{before}"
    );
    let shown = row(&server, "consumers dead show bot 2 --json");
    assert_eq!(shown["code"], "graph_429");
    assert_eq!(shown["attempts"], 5);
    let said = refuse(&server, "consumers dead show bot 9");
    assert!(
        said.contains("bot has no dead letter at position 9"),
        "{said}"
    );

    let retried = say(&server, "consumers dead retry bot 1");
    assert!(
        retried == "1 dead letter marked for another hand-out\n",
        "{retried}"
    );
    assert_eq!(positions("retried"), ["1"]);
    let said = refuse(&server, "consumers dead retry bot 2 9");
    assert!(
        said.contains("at position 9; nothing was changed"),
        "{said}"
    );
    assert_eq!(positions("retried"), ["1"]);

    let plan = say(&server, "consumers dead discard bot 1 2");
    assert!(
        plan.contains("1 dead letter would be discarded; nothing was changed"),
        "{plan}"
    );
    assert_eq!(positions("discarded"), [""; 0]);
    say(&server, "consumers dead discard bot 2 --yes");
    assert_eq!(positions("discarded"), ["2"]);
    let plan = say(&server, "consumers dead discard bot --all");
    assert!(plan.contains("1 dead letter would be discarded"), "{plan}");
    let done = say(&server, "consumers dead discard bot --all --yes");
    assert_eq!(done, "1 dead letter discarded\n");
    assert_eq!(positions("discarded"), ["2", "3"]);
    assert_eq!(
        audited(&mut database).await,
        [
            "local dead_letters_retry bot 1",
            "local dead_letters_discard bot 1",
            "local dead_letters_discard bot",
        ]
    );
}
