//! The table of `events list`: reactions, and events that were received long after they happened.

use jiff::SignedDuration;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::Shelf;
use crate::support::{message::notification, terminal::show};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A messaging item with a timestamp in milliseconds.
fn item(millis: i64, key: &str, content: &Value) -> String {
    let item = json!({"sender": {"id": "7001"}, "recipient": {"id": "17841463052917684"},
        "timestamp": millis, key: content});
    notification("17841463052917684", "messaging", &item)
}

fn now() -> i64 {
    hookshelf::clock::Clock::system().now().as_millisecond()
}

#[tokio::test]
async fn a_reaction_shows_its_emoji_and_its_end() {
    let shelf = Shelf::create().await;
    for (moment, reaction) in [
        json!({"action": "react", "reaction": "love", "emoji": "\u{2764}"}),
        json!({"action": "react", "reaction": "wow"}),
        json!({"action": "unreact"}),
        json!({"action": "unreact", "emoji": "🥐"}),
        json!({"action": "react", "emoji": "a\u{1b}[2Jb"}),
    ]
    .iter()
    .enumerate()
    {
        let millis = now() + i64::try_from(moment).unwrap();
        let body = item(millis, "reaction", reaction);
        shelf.store("shop", SignedDuration::ZERO, body).await;
    }
    let change = json!({"field": "message_reactions", "value": {"sender": {"id": "1"},
        "recipient": {"id": "2"}, "timestamp": now().to_string(),
        "reaction": {"mid": "m", "action": "react", "emoji": "😍"}}});
    let change = notification("0", "changes", &change);
    shelf.store("shop", SignedDuration::ZERO, change).await;
    let said = shelf.says(&["events", "list"]);
    let ends: Vec<_> = said.lines().skip(1).collect();
    assert_eq!(ends.len(), 6, "{said}");
    for (line, end) in ends.iter().zip([
        "7001       \u{2764}",
        "7001       wow",
        "7001       unreact",
        "7001       unreact 🥐",
        "7001       a\u{fffd}[2Jb",
        "😍",
    ]) {
        assert!(line.ends_with(end), "{end}: {said}");
    }
    assert_eq!(ends.len(), 6);
}

#[tokio::test]
async fn occurred_at_is_a_column_if_an_event_happened_long_before_it_came() {
    let shelf = Shelf::create().await;
    let message = |mid: &str| json!({"mid": mid, "text": mid});
    let body = item(now(), "message", &message("m1"));
    shelf.store("shop", SignedDuration::ZERO, body).await;
    let said = shelf.says(&["events", "list"]);
    assert!(
        said.starts_with("position  received_at           kind "),
        "{said}"
    );

    // The delivery was delayed by Meta, or waited in the spool of a stopped server.
    let body = item(1_793_000_000_123, "message", &message("m2"));
    shelf.store("shop", HOUR, body).await;
    let said = shelf.says(&["events", "list"]);
    let lines: Vec<_> = said.lines().collect();
    let at = lines[0].find("occurred_at").unwrap();
    assert!(
        lines[0].starts_with("position  received_at           occurred_at "),
        "{said}"
    );
    assert_eq!(lines[1][at..].split("  ").next(), Some(""), "{said}");
    assert!(
        lines[2][at..].starts_with("2026-10-26T07:33:20Z  message"),
        "{said}"
    );
}

#[tokio::test]
async fn a_table_with_occurred_at_fits_eighty_columns() {
    let shelf = Shelf::create().await;
    let text = "What a long text somebody wrote to see where this table would end 🥐";
    let message = json!({"mid": "m1", "text": text, "is_echo": true});
    shelf
        .store(
            "a_shop_with_a_long_name",
            HOUR,
            item(1_793_000_000_123, "message", &message),
        )
        .await;
    let (well, shown) = show(&mut shelf.command(&["events", "list"]), 80);
    assert!(
        well && shown.lines().all(|line| line.width() <= 80),
        "{shown}"
    );
    for whole in [
        "2026-10-26T07:33:20Z",
        "a_shop_with_a_long_name",
        "17841463052917684",
    ] {
        assert!(shown.contains(whole), "{whole}: {shown}");
    }
}
