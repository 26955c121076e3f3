//! Events of an older version that `hookshelf replay --reparse` reads again.

use std::process::Stdio;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{AssertSqlSafe, PgConnection};

use super::*;
use crate::support::older;

/// Starts the followers again, as if they had always counted what is stored now.
const COUNT_AGAIN: &str =
    "BEGIN; DELETE FROM followers; TRUNCATE stats_hourly, conversations, media_threads; COMMIT";

/// Output of a command that must succeed.
fn say(desk: &Desk, arguments: &str) -> String {
    let output = desk.server.run(&arguments.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(desk: &Desk, arguments: &str) -> Vec<Value> {
    let printed = say(desk, &format!("{arguments} --json"));
    let rows = printed.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

async fn run(database: &mut PgConnection, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(database).await.unwrap();
}

/// Waits until these are the events counted by kind.
async fn counts_become(desk: &Desk, expected: &[&str]) {
    eventually("the counts are up to date", async || {
        let counted = rows(desk, "events stats --by kind");
        let counted = counted
            .iter()
            .filter(|it| it["events"] != 0)
            .map(|it| format!("{} {}", it["kind"], it["events"]));
        counted
            .map(|it| it.replace('"', ""))
            .eq(expected.iter().copied())
    })
    .await;
}

/// A desk with two messages of person 1 at positions 1 and 2, and a repeat of each. An older version
/// stored them as unknown before the consumer came.
async fn with_unknown(consumer: &str) -> (Desk, PgConnection) {
    let server = Server::start().await;
    for _ in 0..2 {
        let body = messages("1", ACCOUNT, &[("a", "hello"), ("b", "hello")]);
        assert_eq!(server.deliver("/webhook", body).await.status, 200);
    }
    let mut database = server.database().await;
    let (_, directory, place) = server.stop();
    run(&mut database, &older::unknown("true")).await;
    run(&mut database, COUNT_AGAIN).await;
    let configuration = format!("{}{consumer}", apps(["default"]));
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    (desk, database)
}

#[tokio::test]
async fn a_consumer_gets_an_event_that_reads_differently_once_at_its_new_position() {
    let (desk, _) = with_unknown(BOT).await;
    assert_eq!(desk.available().await, Vec::<String>::new());
    counts_become(&desk, &["unknown 2"]).await;
    let old = rows(&desk, "events list --kind unknown");
    let delivery = old[0]["delivery_id"].as_str().unwrap().to_owned();

    let plan = say(&desk, "replay --reparse");
    for part in [
        "2 events read again, 2 to change",
        "unknown  message  2",
        "--yes",
    ] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    assert_eq!(rows(&desk, "events list --kind unknown"), old);
    let done = say(&desk, "replay --reparse --kind unknown --yes");
    assert!(done.contains("2 events changed"), "{done}");

    let mut keys = Vec::new();
    for (mid, first) in [("a", "5"), ("b", "6")] {
        let event = desk.next().await;
        assert_eq!(
            (event.mid(), &event.0["event"]["position"]),
            (mid, &json!(first))
        );
        keys.push(event.0["event"]["dedupe_key"].clone());
        assert_eq!(desk.ack(&event).await, "acked");
    }
    let old_keys: Vec<_> = old.iter().map(|it| it["dedupe_key"].clone()).collect();
    assert_eq!(keys, old_keys);

    // A repeat of Meta has the key of today.
    desk.say("1", &["a", "b"]).await;
    assert_eq!(desk.available().await, Vec::<String>::new());
    counts_become(&desk, &["message 2"]).await;
    let talks = rows(&desk, "conversations list");
    assert_eq!((talks.len(), &talks[0]["received"]), (1, &json!(2)));

    // The old position, the delivery and the repeats lead to the event.
    let show = |what: &str| rows(&desk, what).remove(0);
    assert_eq!(show("events show 1")["position"], "5");
    assert_eq!(show("events show 3")["event"]["position"], "5");
    assert_eq!(show("events show 7")["event"]["position"], "5");
    let detail = json_of(&desk.server.ask_admin("/v1/events/5").await);
    let repeats = detail["repeats"].as_array().unwrap().iter();
    let repeats: Vec<_> = repeats.map(|it| &it["repeat"]["position"]).collect();
    assert_eq!(repeats, ["3", "7"]);
    let of_delivery = rows(&desk, &format!("events list --delivery {delivery}"));
    let positions: Vec<_> = of_delivery.iter().map(|it| &it["position"]).collect();
    assert_eq!(positions, ["5", "6"]);

    let again = say(&desk, "replay --reparse --yes");
    assert_eq!(again, "0 events read again, 0 to change\n");
    let audit = rows(&desk, "audit list");
    let noted: Vec<_> = audit.iter().filter(|it| it["verb"] == "reparse").collect();
    assert_eq!((noted.len(), &noted[0]["rows"]), (1, &json!(2)));
}

#[tokio::test]
async fn each_earlier_position_leads_to_an_event_that_moved_twice() {
    let (desk, mut database) = with_unknown(BOT).await;
    say(&desk, "replay --reparse --yes");
    let with_problem = "UPDATE stored_events SET problem = 'id_too_long', message_id = NULL
                        WHERE position = 5";
    run(&mut database, with_problem).await;
    say(&desk, "replay --reparse --yes");
    for position in [1, 5, 7] {
        let shown = rows(&desk, &format!("events show {position}")).remove(0);
        assert_eq!(shown["position"], "7", "{position}");
        let path = format!("/v1/events/{position}");
        let detail = json_of(&desk.server.ask_admin(&path).await);
        assert_eq!(detail["event"]["position"], "7", "{position}");
        assert_eq!(detail["repeats"][0]["repeat"]["position"], "3");
    }
}

/// The consumer skips the event at its new position, because it is too old.
#[tokio::test]
async fn a_dead_letter_moves_with_its_event() {
    let bot = "[consumers.bot]\nstart = 'beginning'\nmax_age = '1h'\n";
    let (desk, mut database) = with_unknown(bot).await;
    eventually("both events are skipped", async || {
        desk.state().await["skipped"]["too_old"] == 2
    })
    .await;
    let bury = "INSERT INTO dead_letters
                SELECT 'bot', position, received_at, 5, now(), now(), 'attempts', 'no_kind', 'dead'
                FROM stored_events WHERE position = 1";
    run(&mut database, bury).await;
    say(&desk, "replay --reparse --yes");
    eventually("both events are skipped once more", async || {
        desk.state().await["skipped"]["too_old"] == 4
    })
    .await;
    let letters = rows(&desk, "consumers dead list bot");
    assert_eq!((letters.len(), &letters[0]["position"]), (1, &json!("5")));
    say(&desk, "consumers dead retry bot --all");
    let event = desk.next().await;
    assert_eq!(
        (event.mid(), &event.0["event"]["kind"]),
        ("a", &json!("message"))
    );
    assert_eq!(desk.ack(&event).await, "acked");
    let letters = rows(&desk, "consumers dead list bot --state all");
    assert_eq!(letters[0]["state"], "settled");
}

/// The consumer takes every kind: an unknown event waits for its retry, and another one is behind it.
/// The server starts again, so that neither is in memory.
#[tokio::test]
async fn heads_that_read_differently_come_again_and_block_nothing() {
    let (desk, _) = with_unknown(&format!("[consumers.bot]\nstart = 'beginning'\n{SOON}")).await;
    let failed = desk.next().await;
    assert_eq!(failed.0["event"]["kind"], "unknown");
    let nack = json!({"lease": failed.lease(), "code": "no_kind"});
    assert_eq!(desk.settle(json!({"nacks": [nack]})).await, ["waiting"]);
    say(&desk, "replay --reparse --yes");
    let (_, directory, place) = desk.server.stop();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    let first = desk.next().await;
    let (attempt, _) = first.tried();
    assert_eq!((first.mid(), attempt), ("a", 1));
    desk.ack(&first).await;
    assert_eq!(desk.work("w").await, ["b"]);
}

#[tokio::test]
async fn a_run_that_is_killed_changes_nothing_or_all_of_a_batch() {
    let (desk, mut database) = with_unknown(BOT).await;
    let content = "SELECT string_agg(e::text, ' ' ORDER BY position) FROM stored_events AS e";
    let content = async |database: &mut PgConnection| -> String {
        sqlx::query_scalar(content)
            .fetch_one(database)
            .await
            .unwrap()
    };
    let before = content(&mut database).await;
    run(&mut database, "BEGIN; SELECT FROM commit_fence FOR UPDATE").await;
    let mut process = desk.server.verb(&["replay", "--reparse", "--yes"]);
    let mut process = process.stdout(Stdio::null()).spawn().unwrap();
    let mut watcher = desk.server.database().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'
                     AND application_name = 'hookshelf reparse'";
    eventually("it waits for the fence", async || {
        let count: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        count == 1
    })
    .await;
    let pid = Pid::from_raw(process.id().try_into().unwrap());
    kill(pid, Signal::SIGKILL).unwrap();
    process.wait().unwrap();
    run(&mut database, "ROLLBACK").await;
    eventually("its session has ended", async || {
        let session = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database()
                         AND application_name = 'hookshelf reparse'";
        let count: i64 = sqlx::query_scalar(session)
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        count == 0
    })
    .await;
    // The session may have gone on until it noticed the end of its client, and rolled back.
    assert_eq!(content(&mut database).await, before);
    assert_eq!(desk.available().await, Vec::<String>::new());

    say(&desk, "replay --reparse --yes");
    assert_eq!(desk.work("w").await, ["a", "b"]);
}
