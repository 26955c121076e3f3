//! `events list` and `events show`.

use std::{
    collections::BTreeSet,
    fs::File,
    process::{Command, Stdio},
};

use hookshelf::clock::Clock;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Shelf, columns, complaint, keys, text};
use crate::support::{
    eventually,
    message::{comment, messages},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn said(account: &str, person: &str, mids: &[impl AsRef<str>]) -> String {
    let mids = mids.iter().map(AsRef::as_ref);
    messages(
        person,
        account,
        &mids.map(|mid| (mid, mid)).collect::<Vec<_>>(),
    )
}

fn mid(number: u32) -> String {
    format!("m{number}")
}

/// Texts of the rows.
fn texts(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn each_filter_finds_its_events() {
    let shelf = Shelf::create().await;
    shelf
        .store("shop", HOUR * 72, comment("1784", "c1", "c1"))
        .await;
    shelf
        .store("shop", HOUR * 3, said("1784", "7001", &["m1"]))
        .await;
    shelf
        .store("bar", HOUR, said("1785", "7002", &["m2"]))
        .await;
    let day = (Clock::system().now() - HOUR * 48)
        .strftime("%Y-%m-%d")
        .to_string();
    for (filter, found) in [
        (&[] as &[&str], &["c1", "m1", "m2"] as &[&str]),
        (&["--kind", "comment"], &["c1"]),
        (&["--kind", "reaction"], &[]),
        (&["--field", "messages"], &["m1", "m2"]),
        (&["--app", "shop"], &["c1", "m1"]),
        (&["--account", "1785"], &["m2"]),
        (&["--person", "7001"], &["c1", "m1"]),
        (&["--since", "2h"], &["m2"]),
        (&["--since", "1 day", "--until", "2 hours ago"], &["m1"]),
        (&["--until", &day], &["c1"]),
        (
            &["--app", "shop", "--kind", "message", "--person", "7001"],
            &["m1"],
        ),
        (&["--app", "shop", "--account", "1785"], &[]),
        (&["--limit", "2"], &["m1", "m2"]),
        (
            &["--limit", "2", "--app", "shop", "--since", "2020-01-01"],
            &["c1", "m1"],
        ),
    ] {
        let rows = shelf.rows(&[&["events", "list"], filter].concat());
        assert_eq!(texts(&rows), *found, "{filter:?}");
    }
}

#[tokio::test]
async fn the_newest_come_last_and_pages_go_on_where_one_ended() {
    let shelf = Shelf::create().await;
    let mids = |range: std::ops::Range<u32>| -> Vec<_> { range.map(mid).collect() };
    shelf
        .store("shop", HOUR, said("1784", "7001", &mids(0..700)))
        .await;
    shelf
        .store("shop", HOUR, said("1784", "7001", &mids(700..1203)))
        .await;
    let rows = shelf.rows(&["events", "list", "--limit", "1100"]);
    assert_eq!(texts(&rows), mids(103..1203));
    assert_eq!(shelf.rows(&["events", "list"]), rows[1050..]);

    let (mut read, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = shelf.rows(&["events", "list", "--after", &after, "--limit", "600"]);
        let Some(last) = page.last() else { break };
        after = text(&last["position"]).to_owned();
        read.extend(page);
    }
    assert_eq!(texts(&read), mids(0..1203));
}

#[tokio::test]
async fn a_line_of_json_has_every_column_and_the_payload_as_it_came() {
    let shelf = Shelf::create().await;
    let body = "{\"object\":\"instagram\",\"entry\":[{\"id\":\"1784\",\"time\":1793000000,
        \"changes\":[{\n  \"field\": \"comments\",\r\n  \"value\": {\"id\": \"c1\",
            \"text\": \"a\\nb\", \"n\": 12345678901234567890123, \"f\": 1.10}}]}]}";
    shelf.store("shop", HOUR, body).await;
    let said = shelf.says(&["events", "list", "--json"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    // A migration appends columns to the view, in another order than the fields of a row.
    let mut all = BTreeSet::from_iter(columns(&shelf.database, "events").await);
    all.extend(["schema", "masked"].map(str::to_owned));
    assert_eq!(BTreeSet::from_iter(keys(&said)), all);
    assert!(
        said.contains(r#""n": 12345678901234567890123, "f": 1.10"#),
        "{said}"
    );
    let row: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&row["text"], &row["app"]),
        (&json!("a\nb"), &json!("shop"))
    );
    let position = text(&row["position"]);
    assert_eq!(shelf.rows(&["events", "show", position])[0], row);
}

#[tokio::test]
async fn a_late_event_beside_a_new_one_has_its_payload() {
    let shelf = Shelf::create().await;
    // Bodies between the two by the time of receipt.
    for number in 0..9 {
        let body = said("1784", "7001", &[mid(number)]);
        shelf.store("default", HOUR * 2, body).await;
    }
    for (ago, number) in [(HOUR * 5, 10), (HOUR, 11)] {
        let body = said("1784", "7001", &[mid(number)]);
        shelf.store("default", ago, body).await;
    }
    for limit in ["2", "11"] {
        let rows = shelf.rows(&["events", "list", "--limit", limit]);
        assert_eq!(rows.len().to_string(), limit);
        for row in rows {
            assert_eq!(row["payload"]["message"]["mid"], row["message_id"], "{row}");
        }
    }
}

#[tokio::test]
async fn a_table_shows_nothing_that_a_terminal_would_obey() {
    let shelf = Shelf::create().await;
    shelf
        .store(
            "shop",
            HOUR,
            comment("1784", "c1", "a\u{1b}[2Jb\nc\u{202e}d"),
        )
        .await;
    let said = shelf.says(&["events", "list"]);
    let (names, row) = said.trim_end().split_once('\n').unwrap();
    assert!(names.starts_with("position  received_at"), "{said}");
    assert!(row.ends_with("a\u{fffd}[2Jb c\u{fffd}d"), "{said}");
    let position = row.split_whitespace().next().unwrap();
    let shown = shelf.says(&["events", "show", position]);
    assert!(
        shown.contains("text                 a\u{fffd}[2Jb c\u{fffd}d\n"),
        "{shown}"
    );
    assert!(
        !shown.contains("message_id"),
        "what is null is left out: {shown}"
    );
}

#[tokio::test]
async fn a_position_without_an_event_or_a_repeat_is_a_failure() {
    let shelf = Shelf::create().await;
    let (code, said) = shelf.complains(&["events", "show", "7"]);
    assert!(
        code == 1
            && said.starts_with("hookshelf: neither an event nor a repeat is at position 7; "),
        "{said}"
    );
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let shelf = Shelf::create().await;
    let mids: Vec<_> = (0..1000).map(mid).collect();
    let long = said("1784", &"7".repeat(300), &mids);
    shelf.store("shop", HOUR, long).await;
    let mut list = shelf.command(&["events", "list", "--json", "--limit", "1000"]);
    list.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut list = list.spawn().unwrap();
    drop(list.stdout.take());
    assert_eq!(
        complaint(&list.wait_with_output().unwrap()),
        (0, String::new())
    );
}

#[tokio::test]
async fn output_that_is_lost_is_a_failure() {
    let shelf = Shelf::create().await;
    shelf
        .store("shop", HOUR, said("1784", "7001", &["m1"]))
        .await;
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut list: Command = shelf.command(&["events", "list"]);
    let (code, said) = complaint(&list.stdout(full).output().unwrap());
    assert_eq!(code, 1);
    assert!(
        said.starts_with("hookshelf: failed to write the output: "),
        "{said}"
    );
}

#[tokio::test]
async fn a_database_without_tables_says_what_to_do() {
    let shelf = Shelf::create().await;
    let drop = sqlx::query("DROP VIEW events CASCADE");
    drop.execute(&mut shelf.database.connect().await)
        .await
        .unwrap();
    let (code, said) = shelf.complains(&["events", "list"]);
    assert!(
        code == 1 && said.contains("run `hookshelf migrate`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_given_up_with_advice() {
    let shelf = Shelf::create().await;
    let mut holder = shelf.database.connect().await;
    let mut held = sqlx::Connection::begin(&mut holder).await.unwrap();
    let lock = sqlx::query("LOCK TABLE stored_events IN ACCESS EXCLUSIVE MODE");
    lock.execute(&mut *held).await.unwrap();
    let mut list = shelf.command(&["events", "list"]);
    list.stdout(Stdio::piped()).stderr(Stdio::piped());
    let list = list.spawn().unwrap();
    let mut canceller = shelf.database.connect().await;
    eventually("the search is given up", async || {
        // Same effect as the statement timeout after half a minute.
        let cancel = sqlx::query_scalar(
            "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
             WHERE application_name = 'hookshelf reader' AND wait_event_type = 'Lock'
               AND datname = current_database()",
        );
        let given_up: i64 = cancel.fetch_one(&mut canceller).await.unwrap();
        given_up == 1
    })
    .await;
    let (code, said) = complaint(&list.wait_with_output().unwrap());
    assert!(
        code == 1 && said.contains("narrow it with --since"),
        "{said}"
    );
}
