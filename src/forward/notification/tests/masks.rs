//! Tests of the masks: no content of a sample is left, and nothing else is missing.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{fill, index, items, read, samples, text};
use crate::{
    config::Mask,
    forward::notification::notifications,
    meta::{
        event::{Event, Kind},
        kinds::{Field, Form},
    },
};

const ALL: Mask = Mask {
    text: true,
    username: true,
    media: true,
};

const TEXT: Mask = Mask {
    username: false,
    media: false,
    ..ALL
};

const USERNAME: Mask = Mask {
    text: false,
    media: false,
    ..ALL
};

const MEDIA: Mask = Mask {
    text: false,
    username: false,
    ..ALL
};

/// The body of the notification with all items of `body` in one lane, masked.
fn masked(body: &Bytes, mask: Mask) -> Bytes {
    let events = read(body);
    let mut items = items(&events);
    for item in &mut items {
        item.lane = (None, None, 0);
    }
    let mut built = notifications(body, &items, mask);
    built
        .notifications
        .pop()
        .map_or_else(Bytes::new, |it| it.body)
}

/// A messaging item, masked.
fn item(item: &Value, mask: Mask) -> Value {
    let body = json!({"entry": [{"messaging": [item]}]}).to_string();
    let masked: Value = serde_json::from_slice(&masked(&body.into(), mask)).unwrap();
    masked["entry"][0]["messaging"][0].clone()
}

fn is_empty(text: Option<&str>) -> bool {
    text.is_none_or(str::is_empty)
}

/// Checks that an own field with content has none.
fn assert_masked(field: &Field, data: &Value, name: &str) {
    let found = field.keys().fold(data, |object, key| &object[key]);
    match field.form {
        Form::Json => {
            let attachments = found.as_array().into_iter().flatten();
            for object in attachments.filter_map(Value::as_object) {
                assert!(object.keys().all(|key| key == "type"), "{name}");
            }
        }
        Form::Written => {}
        _ => assert!(found.is_null() || found == "", "{name}: {found}"),
    }
}

fn assert_without_content(event: &Event, name: &str) {
    assert!(is_empty(event.text.as_deref()), "{name}");
    assert!(is_empty(event.username.as_deref()), "{name}");
    let data = event.data.as_deref().unwrap_or("null");
    let data: Value = serde_json::from_str(data).unwrap();
    let content = event.kind.own_fields().filter(|field| field.is_content);
    content.for_each(|field| assert_masked(field, &data, name));
}

#[test]
fn no_content_of_a_sample_passes_all_masks_and_every_id_does() {
    for (name, sample) in samples() {
        let body = Bytes::from(fill(sample, |_| None));
        let masked = masked(&body, ALL);
        // Meta's reason of a policy enforcement is no content, and has a link.
        let has_link = text(&masked).contains("https:");
        assert!(
            !has_link || name.starts_with("policy_enforcement/"),
            "{name}"
        );
        let (before, after) = (read(&body), read(&masked));
        assert_eq!(before.len(), after.len(), "{name}");
        for (before, after) in before.iter().zip(&after) {
            assert_without_content(after, name);
            let seen = |it: &Event| {
                let it = it.clone();
                let ids = (
                    it.account_id,
                    it.person_id,
                    it.sender_id,
                    it.recipient_id,
                    it.ids,
                );
                (
                    it.kind,
                    it.channel,
                    it.field,
                    it.is_echo,
                    it.occurred_at,
                    ids,
                )
            };
            assert_eq!(seen(before), seen(after), "{name}");
        }
    }
}

#[test]
fn each_mask_hides_its_own_part() {
    let given = json!({"sender": {"id": "7", "username": "ada"}, "is_self": "true", "folder": "f",
        "message": {"mid": "m", "text": "hi", "seq": 5, "mood": {"word": "glad", "score": 0.5},
            "attachments": [{"type": "ig_reel", "payload": {"title": "t", "url": "u"}}, "odd"],
            "sticker_id": 9, "reply_to": {"story": {"id": "1", "url": "s"}},
            "referral": {"ref": "r", "ads_context_data": {"ad_title": "a", "photo_url": "p"}}}});
    let mut expected = given.clone();
    expected["sender"]["username"] = "".into();
    // Each mask hides what is unknown.
    expected["message"]["mood"]["word"] = "".into();
    expected["message"]["attachments"][1] = "".into();
    assert_eq!(item(&given, USERNAME), expected);

    let mut expected = given.clone();
    let message = &mut expected["message"];
    message["text"] = "".into();
    message["mood"]["word"] = "".into();
    message["attachments"][0]["payload"]["title"] = "".into();
    message["attachments"][1] = "".into();
    assert_eq!(item(&given, TEXT), expected);

    let mut expected = given.clone();
    let message = &mut expected["message"];
    message["attachments"] = json!([{"type": "ig_reel"}]);
    message["reply_to"]["story"]["url"] = "".into();
    message["referral"]["ads_context_data"]["photo_url"] = "".into();
    message["mood"]["word"] = "".into();
    message.as_object_mut().unwrap().remove("sticker_id");
    assert_eq!(item(&given, MEDIA), expected);
}

#[test]
fn an_item_keeps_the_key_of_its_kind() {
    let given = json!({"sender": {"id": "7"}, "feedback": "Good", "mid": "m"});
    let expected = json!({"sender": {"id": "7"}, "feedback": "", "mid": "m"});
    assert_eq!(item(&given, ALL), expected);
    let roles = json!({"app_roles": {"15": ["primary_receiver"]}, "note": ["n", 1, null, ["x"]]});
    let expected = json!({"app_roles": {"15": ["primary_receiver"]}, "note": ["", 1, null, [""]]});
    assert_eq!(item(&roles, ALL), expected);
    assert_eq!(item(&json!("hello"), ALL), json!(""));
}

#[test]
fn a_body_that_lacks_the_masked_parts_is_written_again_all_the_same() {
    let body = Bytes::from(r#"{"entry": [{"messaging": [ {"read": {"mid": "\u006d"}} ]}]}"#);
    let expected = r#"{"entry":[{"messaging":[{"read":{"mid":"\u006d"}}]}]}"#;
    assert_eq!(masked(&body, ALL), expected);
}

#[test]
fn parts_that_are_nested_too_deep_are_left_out() {
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        Bytes::from(format!(
            r#"{{"entry":[{{"changed_fields":["a",{{"x":{open}1{close}}}]}}]}}"#
        ))
    };
    assert_eq!(masked(&nested(63), ALL), nested(63));
    let items = items_of(&masked(&nested(70), ALL));
    assert_eq!(
        items,
        [
            r#""a""#.to_owned(),
            format!(r#"{{"x":{}{}}}"#, "[".repeat(63), "]".repeat(63))
        ]
    );
    masked(&nested(50_000), ALL);
}

/// Texts of the items.
fn items_of(body: &Bytes) -> Vec<String> {
    let texts = read(body).into_iter().map(|event| {
        let start = index(event.item_start.into());
        text(body)[start..start + index(event.item_length.into())].to_owned()
    });
    texts.collect()
}

/// The JSON of an event of this kind, masked.
fn event(kind: Kind, given: &Value, mask: Mask) -> Value {
    serde_json::from_str(&mask.event(kind, &given.to_string()).unwrap()).unwrap()
}

#[test]
fn each_mask_hides_its_own_part_of_an_event() {
    let given = json!({"schema": 1, "position": "7", "username": "ada", "text": "hi",
        "data": {"is_self_reply": false, "attachments": [{"type": "image", "payload": {"url": "u"}}],
            "attachment_types": ["image"], "story_url": "s", "referral_type": "t", "metadata": "m"},
        "payload": {"sender": {"id": "7", "username": "ada"}, "message": {"text": "hi", "new": "n"}},
        "erased_at": null, "masked": []});
    assert_eq!(event(Kind::Message, &given, Mask::default()), given);

    let mut expected = given.clone();
    (expected["text"], expected["data"]["metadata"]) = (Value::Null, Value::Null);
    expected["payload"]["message"] = json!({"text": "", "new": ""});
    let names = ["data.attachments", "data.metadata", "payload", "text"];
    expected["masked"] = json!(names);
    assert_eq!(event(Kind::Message, &given, TEXT), expected);

    let mut expected = given.clone();
    expected["username"] = Value::Null;
    expected["payload"]["sender"]["username"] = "".into();
    expected["payload"]["message"]["new"] = "".into();
    expected["masked"] = json!(["data.attachments", "payload", "username"]);
    assert_eq!(event(Kind::Message, &given, USERNAME), expected);

    let mut expected = given.clone();
    expected["data"]["attachments"] = json!([{"type": "image"}]);
    expected["data"]["story_url"] = Value::Null;
    expected["payload"]["message"]["new"] = "".into();
    expected["masked"] = json!(["data.attachments", "data.story_url", "payload"]);
    assert_eq!(event(Kind::Message, &given, MEDIA), expected);
}

#[test]
fn columns_and_own_fields_that_are_unknown_are_null_in_an_event() {
    let given =
        json!({"kind": "later", "mood": {"score": 1}, "data": {"num_edit": 2}, "payload": "hi"});
    let expected = json!({"kind": "later", "mood": null, "data": {"num_edit": null}, "payload": "",
        "masked": ["data.num_edit", "mood", "payload"]});
    assert_eq!(event(Kind::Unknown, &given, MEDIA), expected);
    let given = json!({"data": "text"});
    let expected = json!({"data": null, "masked": []});
    assert_eq!(event(Kind::Unknown, &given, MEDIA), expected);
    assert_eq!(MEDIA.event(Kind::Unknown, "5"), None);
}
