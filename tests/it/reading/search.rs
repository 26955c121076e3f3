//! Filters of `events list`: kinds, sources, user names, and part of the text.

use hookshelf::clock::Clock;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Shelf;
use crate::support::{message::notification, server::Server};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A comment with this user name and text.
fn comment(name: &str, id: &str, text: &str) -> String {
    let value = json!({"id": id, "text": text, "from": {"id": "7001", "username": name}});
    let change = json!({"field": "comments", "value": value});
    notification("1784", "changes", &change)
}

/// A messaging item with this content.
fn item(content: &Value) -> String {
    let mut item = json!({"sender": {"id": "7001"}, "recipient": {"id": "1784"},
        "timestamp": 1_793_000_000_123_u64});
    let content = content.as_object().unwrap().clone();
    item.as_object_mut().unwrap().extend(content);
    notification("1784", "messaging", &item)
}

impl Shelf {
    /// Comment ids of a list with these options.
    fn comments(&self, options: &[&str]) -> Vec<String> {
        let rows = self.rows(&[&["events", "list"], options].concat());
        let id = |row: &Value| row["comment_id"].as_str().unwrap_or_default().to_owned();
        rows.iter().map(id).collect()
    }

    /// Event kinds of a list with these options.
    fn kinds(&self, options: &[&str]) -> Vec<String> {
        let rows = self.rows(&[&["events", "list"], options].concat());
        let kind = |row: &Value| row["kind"].as_str().unwrap().to_owned();
        rows.iter().map(kind).collect()
    }
}

#[tokio::test]
async fn several_kinds_and_sources_are_repeated_or_separated_by_commas() {
    let shelf = Shelf::create().await;
    let bodies = [
        comment("ana", "c1", "one"),
        item(&json!({"message": {"mid": "m1", "text": "two"}})),
        item(&json!({"reaction": {"mid": "m1", "action": "unreact"}})),
    ];
    for (source, body) in ["live", "test", "simulated"].into_iter().zip(bodies) {
        shelf.store("shop", HOUR, body).await;
        let set = sqlx::query(
            "UPDATE stored_events SET source = $1 WHERE position = (SELECT max(position) FROM events)",
        );
        set.bind(source)
            .execute(&mut shelf.database.connect().await)
            .await
            .unwrap();
    }
    for (options, found) in [
        (
            &["--kind", "comment,reaction"] as &[&str],
            &["comment", "reaction"] as &[&str],
        ),
        (
            &["--kind", "comment", "--kind", "message"],
            &["comment", "message"],
        ),
        (&["--kind", "message"], &["message"]),
        (&["--source", "live,simulated"], &["comment", "reaction"]),
        (
            &["--source", "test", "--source", "live"],
            &["comment", "message"],
        ),
        (&["--source", "test", "--kind", "comment"], &[]),
        (&["--source", "simulated"], &["reaction"]),
    ] {
        assert_eq!(shelf.kinds(options), found, "{options:?}");
    }
    let (code, said) = shelf.complains(&["events", "list", "--source", "alive"]);
    assert!(code == 2 && said.contains("live, test"), "{said}");
}

#[tokio::test]
async fn stats_take_the_same_kinds_and_sources() {
    let shelf = Shelf::create().await;
    let fill = sqlx::query(
        "INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         SELECT date_trunc('hour', now()), 'shop', '1784', kind, source, 1, 0
         FROM unnest('{comment,message,seen}'::text[], '{live,test,simulated}'::text[])
                  AS f (kind, source)",
    );
    fill.execute(&mut shelf.database.connect().await)
        .await
        .unwrap();
    for (options, found) in [
        (
            &["--kind", "comment,message"] as &[&str],
            &["comment", "message"] as &[&str],
        ),
        (
            &["--source", "test", "--source", "simulated"],
            &["message", "seen"],
        ),
    ] {
        let stats = ["events", "stats", "--by", "kind"];
        let rows = shelf.rows(&[&stats, options].concat());
        let kinds: Vec<_> = rows
            .iter()
            .map(|row| row["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, found, "{options:?}");
    }
}

#[tokio::test]
async fn a_user_name_is_found_whole_in_either_case_and_with_an_at() {
    let shelf = Shelf::create().await;
    for (name, id) in [
        ("ana.lima", "c1"),
        ("Ana.Lima", "c2"),
        ("ana_lima", "c3"),
        ("ana", "c4"),
    ] {
        shelf.store("shop", HOUR, comment(name, id, "x")).await;
    }
    for name in ["ana.lima", "@ana.lima", "ANA.LIMA", "@Ana.Lima"] {
        assert_eq!(
            shelf.comments(&["--username", name]),
            ["c1", "c2"],
            "{name}"
        );
    }
    assert_eq!(shelf.comments(&["--username", "ana_lima"]), ["c3"]);
    let (code, said) = shelf.complains(&["events", "list", "--username", "@"]);
    assert!(
        code == 2 && said.contains("at least one character"),
        "{said}"
    );
}

#[tokio::test]
async fn a_text_is_found_however_the_body_escapes_it() {
    let server = Server::start().await;
    let escaped = comment("ana", "c1", "TEXT").replace("TEXT", r"Caf\u00e9 \ud83e\udd50 \/ \u0041");
    let plain = comment("ana", "c2", "ein CAFÉ");
    for body in [escaped, plain] {
        assert_eq!(server.deliver("/webhook", body).await.status, 200);
    }
    for (text, found) in [
        ("café", &["c1", "c2"] as &[&str]),
        ("É", &["c1", "c2"]),
        ("🥐 / a", &["c1"]),
        ("u00e9", &[]),
    ] {
        let output = server.run(&["events", "list", "--json", "--text", text]);
        let said = String::from_utf8(output.stdout).unwrap();
        let rows = said.lines().map(|line| serde_json::from_str(line).unwrap());
        let ids: Vec<_> = rows.map(|row: Value| row["comment_id"].clone()).collect();
        assert_eq!(ids, found, "{text}");
    }
}

#[tokio::test]
async fn no_character_of_a_text_is_a_wildcard() {
    let shelf = Shelf::create().await;
    let texts = [
        "50% off",
        "500 off",
        "a_b",
        "axb",
        r"back\slash",
        "back/slash",
        "what? (yes) [no] {3}",
        "***:x ^a$ a|b .+",
        "a\nb",
    ];
    for (number, text) in texts.iter().enumerate() {
        let id = format!("c{number}");
        shelf.store("shop", HOUR, comment("ana", &id, text)).await;
    }
    for (number, text) in texts.iter().enumerate() {
        let found = shelf.comments(&["--text", text]);
        assert_eq!(found, [format!("c{number}")], "{text}");
    }
    for (text, found) in [
        ("%", 1),
        ("_", 1),
        (r"\", 1),
        (".", 1),
        ("*", 1),
        ("A_B", 1),
        ("-", 0),
    ] {
        assert_eq!(shelf.comments(&["--text", text]).len(), found, "{text}");
    }
    for text in ["", &"x".repeat(201)] {
        let (code, said) = shelf.complains(&["events", "list", "--text", text]);
        assert!(code == 2 && said.contains("1 to 200 characters"), "{said}");
    }
}

#[tokio::test]
async fn a_text_without_since_is_searched_for_in_a_day_and_says_so() {
    let shelf = Shelf::create().await;
    for (hours, id) in [(72, "c1"), (30, "c2"), (3, "c3")] {
        shelf
            .store("shop", HOUR * hours, comment("ana", id, "bread"))
            .await;
    }
    let until = (Clock::system().now() - HOUR * 25).to_string();
    for (options, found, is_bounded) in [
        (&[] as &[&str], &["c3"] as &[&str], true),
        (&["--until", &until], &["c2"], true),
        (&["--since", "7d"], &["c1", "c2", "c3"], false),
        (&["--since", "7d", "--until", &until], &["c1", "c2"], false),
    ] {
        let call = [&["--text", "Bread"], options].concat();
        assert_eq!(shelf.comments(&call), found, "{options:?}");
        let call = [&["events", "list"], &call[..]].concat();
        let output = shelf.command(&call).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            said.contains("to search more, add --since"),
            is_bounded,
            "{said}"
        );
    }
}
