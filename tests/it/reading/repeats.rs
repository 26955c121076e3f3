//! Repeats: each delivery shows the number of its repeats and their events, and the position of a
//! repeat shows its event and the differences.

use jiff::SignedDuration;
use serde_json::json;

use super::{Shelf, text};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A comment notification with this media object: a post or an ad.
fn comment(id: &str, media: &str) -> String {
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"17840000000000001","time":1795000000,"changes":[
            {{"field":"comments","value":{{"id":"{id}","text":"Link","media":{media}}}}}]}}]}}"#
    )
}

const POST: &str = r#"{"id":"9"}"#;
const AD: &str = r#"{"id":"8","ad_id":"7","ad_title":"Autumn"}"#;

#[tokio::test]
async fn a_delivery_says_how_many_items_are_new_and_which_events_others_repeat() {
    let shelf = Shelf::create().await;
    shelf.store("shop", MINUTE * 3, comment("5", POST)).await;
    let again = shelf.store("shop", MINUTE * 2, comment("5", AD)).await;
    let both = [comment("5", POST), comment("6", POST)].join(",");
    let mixed = shelf.store("shop", MINUTE, format!("[{both}]")).await;
    let rows = shelf.rows(&["deliveries", "list"]);
    let told: Vec<_> = rows
        .iter()
        .map(|row| json!([row["new"], row["repeated"], row["repeated_events"]]))
        .collect();
    let first = &shelf.rows(&["events", "list"])[0]["position"];
    let expected = [
        json!([1, 0, []]),
        json!([0, 1, [first]]),
        json!([1, 1, [first]]),
    ];
    assert_eq!(told, expected);
    for (delivery, row) in [(again, &rows[1]), (mixed, &rows[2])] {
        let shown = shelf.rows(&["deliveries", "show", &delivery.envelope.id.to_string()]);
        assert_eq!(&shown[0], row);
    }
    let table = shelf.says(&["deliveries", "list"]);
    assert!(
        table.lines().next().unwrap().contains("new  repeated"),
        "{table}"
    );
    assert!(
        table
            .lines()
            .nth(2)
            .unwrap()
            .trim_end()
            .ends_with(text(first)),
        "{table}"
    );
}

#[tokio::test]
async fn the_position_of_a_repeat_shows_its_event_and_the_differences() {
    let shelf = Shelf::create().await;
    shelf.store("shop", MINUTE * 3, comment("5", POST)).await;
    shelf.store("shop", MINUTE * 2, comment("5", AD)).await;
    shelf.store("shop", MINUTE, comment("5", POST)).await;
    let event = &shelf.rows(&["events", "list"])[0];
    let deliveries = shelf.rows(&["deliveries", "list"]);
    let position = |delivery: usize| text(&deliveries[delivery]["repeats"][0]);
    let of_ad = &shelf.rows(&["events", "show", position(1)])[0];
    assert_eq!(&of_ad["event"], event);
    assert_eq!(of_ad["repeat"]["position"], position(1));
    assert_eq!(of_ad["repeat"]["event_position"], event["position"]);
    let expected = json!([
        {"key": "value.media.ad_id", "event": null, "repeat": "7"},
        {"key": "value.media.ad_title", "event": null, "repeat": "Autumn"},
        {"key": "value.media.id", "event": "9", "repeat": "8"},
    ]);
    assert_eq!(of_ad["differences"], expected);
    let text = shelf.says(&["events", "show", position(1)]);
    assert!(
        text.contains("value.media.ad_title") && text.contains("Autumn"),
        "{text}"
    );
    assert_eq!(
        shelf.rows(&["events", "show", position(2)])[0]["differences"],
        json!([])
    );
}

#[tokio::test]
async fn a_repeat_of_the_same_body_points_to_the_first_of_its_items() {
    let shelf = Shelf::create().await;
    let item = r#"{"message":{"mid":"m"},"timestamp":1795000000123}"#;
    let body = format!(r#"{{"entry":[{{"id":"1","messaging":[{item},{item}]}}]}}"#);
    shelf.store("shop", MINUTE, body).await;
    let event = &shelf.rows(&["events", "list"])[0]["position"];
    let delivery = &shelf.rows(&["deliveries", "list"])[0];
    let told = json!([
        delivery["new"],
        delivery["repeated"],
        delivery["repeated_events"]
    ]);
    assert_eq!(told, json!([1, 1, [event]]));
}

#[tokio::test]
async fn a_repeat_whose_event_is_gone_says_so() {
    let shelf = Shelf::create().await;
    shelf.store("shop", MINUTE * 2, comment("5", POST)).await;
    shelf.store("shop", MINUTE, comment("5", POST)).await;
    let deliveries = shelf.rows(&["deliveries", "list"]);
    let position = text(&deliveries[1]["repeats"][0]);
    let mut database = shelf.database.connect().await;
    sqlx::query("DELETE FROM stored_events")
        .execute(&mut database)
        .await
        .unwrap();
    let shown = &shelf.rows(&["events", "show", position])[0];
    assert_eq!(
        (&shown["event"], &shown["differences"]),
        (&json!(null), &json!([]))
    );
    let text = shelf.says(&["events", "show", position]);
    assert!(text.contains("event_position"), "{text}");
}
