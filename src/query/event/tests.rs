//! Tests of the JSON of an event.

use serde_json::{Value, json, value::RawValue};

use super::*;

/// JSON of an event with this stored `data`.
fn form(kind: Kind, data: &Value, content: bool) -> Value {
    let raw = |text: String| RawValue::from_string(text).unwrap();
    let row = EventRow {
        position: 9_007_199_254_740_993,
        received_at: "2026-11-20T12:00:00.123987Z".parse().unwrap(),
        kind: kind.as_str().to_owned(),
        text: Some("Menu".to_owned()),
        username: Some("ann".to_owned()),
        data: Some(raw(data.to_string())),
        payload: Some(raw("{\"n\": 1.10}".to_owned())),
        ..EventRow::default()
    };
    serde_json::to_value(event(row, content)).unwrap()
}

#[test]
fn a_position_is_a_string_and_a_time_has_milliseconds() {
    let form = form(Kind::Mention, &json!({}), true);
    let shown = json!([
        form["schema"],
        form["position"],
        form["received_at"],
        form["occurred_at"]
    ]);
    let expected = json!([1, "9007199254740993", "2026-11-20T12:00:00.123Z", null]);
    assert_eq!(shown, expected);
    assert_eq!((&form["data"], &form["masked"]), (&json!({}), &json!([])));
}

#[test]
fn data_has_every_own_field_under_the_name_of_the_view() {
    let stored = json!({"payload": "MENU", "referral": {"ref": "r", "product": {"id": "5"},
        "ads_context_data": {"ad_title": "Bread"}}});
    let data = &form(Kind::Postback, &stored, true)["data"];
    let expected = json!({"title": "Menu", "button_payload": "MENU", "referral_ref": "r",
        "referral_source": null, "referral_type": null, "referral_uri": null,
        "referral_product_id": "5", "ad_id": null, "ad_title": "Bread", "ad_photo_url": null,
        "ad_video_url": null, "ad_post_id": null, "ad_product_id": null, "ad_flow_id": null});
    assert_eq!(*data, expected);
    let seen = json!({"watermark": 1_793_000_000_123_u64, "seq": 4});
    let expected = json!({"watermark": "2026-10-26T07:33:20.123Z", "seq": 4});
    assert_eq!(form(Kind::Seen, &seen, true)["data"], expected);
}

#[test]
fn a_flag_is_false_and_a_list_of_types_is_empty_if_absent() {
    let data = &form(Kind::Message, &json!({}), true)["data"];
    let shown = [
        &data["is_unsupported"],
        &data["attachments"],
        &data["attachment_types"],
    ];
    assert_eq!(shown, [&json!(false), &json!(null), &json!([])]);
    let stored = json!({"is_unsupported": true, "attachments": [{"type": "image"}, 5, {}]});
    let data = &form(Kind::Message, &stored, true)["data"];
    assert_eq!(data["attachments"], stored["attachments"]);
    assert_eq!(data["attachment_types"], json!(["image", null]));
    assert_eq!(data["is_unsupported"], true);
}

#[test]
fn without_content_text_names_payloads_and_content_of_data_are_null() {
    let stored = json!({"action": "react", "reaction": "love", "emoji": "❤"});
    let form = form(Kind::Reaction, &stored, false);
    assert_eq!(
        form["data"],
        json!({"action": "react", "reaction": null, "emoji": null})
    );
    let keys = ["text", "username", "payload"];
    assert!(keys.iter().all(|key| form[key].is_null()), "{form}");
    let masked = json!(["text", "username", "payload", "data.reaction", "data.emoji"]);
    assert_eq!(form["masked"], masked);
}

#[test]
fn an_event_of_an_unknown_kind_has_no_data() {
    let row = EventRow {
        kind: "of_a_later_version".to_owned(),
        data: Some(RawValue::from_string("{\"secret\": 1}".to_owned()).unwrap()),
        ..EventRow::default()
    };
    let form = serde_json::to_value(event(row, false)).unwrap();
    assert_eq!(form["data"], Value::Null);
}
