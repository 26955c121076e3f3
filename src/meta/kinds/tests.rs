//! Tests of the own fields of each kind: every documented property is kept, if it has the right
//! type.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::meta::{
    event::Event,
    split::{Context, split},
};

fn event(container: &str, item: &Value) -> Event {
    let body = json!({"entry": [{"id": "17840", (container): [item]}]}).to_string();
    let context = Context {
        app: "default",
        received_at: Timestamp::constant(1_795_176_000, 0),
    };
    split(&Bytes::from(body), context).events.remove(0)
}

/// Own fields of an item: a messaging item or a change, as its kind requires.
fn data(kind: Kind, item: &Value) -> Value {
    let event = if kind.is_messaging() {
        event("messaging", item)
    } else {
        event("changes", &json!({"field": kind.field(), "value": item}))
    };
    assert_eq!(event.kind, kind);
    let data = event.data.unwrap_or_else(|| "null".into());
    serde_json::from_str(&data).unwrap()
}

/// Asserts that an item under `key` keeps exactly these own fields.
fn keeps(kind: Kind, key: &str, fields: &Value) {
    assert_eq!(data(kind, &json!({(key): fields})), *fields, "{kind:?}");
}

fn referral() -> Value {
    json!({"ref": "r", "source": "ADS", "type": "OPEN_THREAD", "referer_uri": "u",
        "product": {"id": "1"}, "ad_id": "2", "ads_context_data": {"ad_title": "t",
        "photo_url": "p", "video_url": "v", "post_id": "3", "product_id": "4", "flow_id": "5"}})
}

#[test]
fn a_comment_has_its_ad_and_where_it_is_shown() {
    let value = json!({"id": "1", "text": "t", "verb": "add", "new": 1,
        "from": {"id": "3", "username": "ada", "self_ig_scoped_id": "4"},
        "media": {"id": "5", "media_product_type": "AD", "ad_id": 6, "ad_title": "a",
                  "original_media_id": "7", "new_media": 1}});
    let expected = json!({"verb": "add", "self_ig_scoped_id": "4", "media_product_type": "AD",
        "ad_id": "6", "ad_title": "a", "original_media_id": "7"});
    for kind in [Kind::Comment, Kind::LiveComment] {
        assert_eq!(data(kind, &value), expected);
    }
    assert_eq!(
        data(Kind::Comment, &json!({"id": "1", "text": "t"})),
        Value::Null
    );
}

#[test]
fn a_story_has_its_numbers_and_a_mention_nothing_of_its_own() {
    let value = json!({"media_id": "1", "impressions": 5, "reach": "4", "taps_forward": -1,
        "taps_back": 0, "exits": 1.5, "replies": null});
    let expected = json!({"impressions": 5, "reach": 4, "taps_forward": -1, "taps_back": 0});
    assert_eq!(data(Kind::StoryInsights, &value), expected);
    let value = json!({"media_id": 1, "comment_id": "2"});
    assert_eq!(data(Kind::Mention, &value), Value::Null);
}

#[test]
fn a_message_has_its_attachments_and_what_it_answers() {
    let item = json!({"folder": "other", "message": {"mid": "m", "text": "t",
        "is_unsupported": "1", "attachments": [{"type": "image", "payload": {"url": "u"}}, 5],
        "quick_reply": {"payload": "q"},
        "reply_to": {"mid": "n", "is_self_reply": true,
                     "story": {"id": 6, "url": "s", "link_sticker_url": "l"}},
        "app_id": 7, "metadata": "x", "sticker_id": "8"}, "referral": referral()});
    let expected = json!({"is_unsupported": true, "folder": "other",
        "attachments": [{"type": "image", "payload": {"url": "u"}}, 5],
        "quick_reply": {"payload": "q"}, "referral": referral(),
        "reply_to": {"is_self_reply": true,
                     "story": {"id": "6", "url": "s", "link_sticker_url": "l"}},
        "app_id": "7", "metadata": "x", "sticker_id": "8"});
    assert_eq!(data(Kind::Message, &item), expected);
    let plain = json!({"message": {"mid": "m", "text": "t", "is_unsupported": false,
        "quick_reply": {}, "reply_to": {"mid": "n"}, "metadata": 5}});
    assert_eq!(data(Kind::Message, &plain), Value::Null);
    let unsent = json!({"message": {"mid": "m", "is_deleted": true, "metadata": "x"}});
    assert_eq!(data(Kind::MessageDeleted, &unsent), Value::Null);
}

#[test]
fn the_other_messaging_items_have_every_documented_property() {
    keeps(
        Kind::Postback,
        "postback",
        &json!({"payload": "p", "referral": referral()}),
    );
    keeps(Kind::MessageEdit, "message_edit", &json!({"num_edit": 2}));
    keeps(
        Kind::Reaction,
        "reaction",
        &json!({"action": "react", "reaction": "love", "emoji": "❤"}),
    );
    keeps(
        Kind::Seen,
        "read",
        &json!({"watermark": 1_793_000_000_123_u64, "seq": 7}),
    );
    keeps(Kind::Referral, "referral", &referral());
    keeps(
        Kind::Optin,
        "optin",
        &json!({"type": "notification_messages", "payload": "p", "title": "t",
            "notification_messages_token": "k", "notification_messages_frequency": "DAILY",
            "notification_messages_timezone": "UTC", "user_token_status": "REFRESHED",
            "token_expiry_timestamp": 1_793_000_000_000_u64,
            "notification_messages_status": "STOP NOTIFICATIONS", "ref": "r", "user_ref": "u"}),
    );
    keeps(
        Kind::PolicyEnforcement,
        "policy-enforcement",
        &json!({"action": "block", "reason": "r"}),
    );
    keeps(
        Kind::ResponseFeedback,
        "response_feedback",
        &json!({"feedback": "good"}),
    );
}

#[test]
fn a_step_of_the_handover_is_named_by_its_key() {
    let item = json!({"pass_thread_control": {"previous_owner_app_id": 1, "metadata": "m",
        "new_owner_app_id": "2", "requested_owner_app_id": "3", "caller_app_id": "4"}});
    let expected = json!({"step": "pass_thread_control", "previous_owner_app_id": "1",
        "new_owner_app_id": "2", "requested_owner_app_id": "3", "caller_app_id": "4",
        "metadata": "m"});
    assert_eq!(data(Kind::Handover, &item), expected);
    let roles = json!({"app_roles": {"9": ["primary_receiver"]}});
    let expected = json!({"step": "app_roles", "app_roles": {"9": ["primary_receiver"]}});
    assert_eq!(data(Kind::Handover, &roles), expected);
}

#[test]
fn the_table_names_each_kind_field_and_key_once() {
    let mut names: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mut keys: Vec<_> = Kind::keys().map(|(key, _)| key).collect();
    let (kinds, all) = (names.len(), keys.len());
    names.sort_unstable();
    names.dedup();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((names.len(), keys.len()), (kinds, all));
    for kind in Kind::ALL.iter().filter(|kind| kind.field().is_some()) {
        let again = kind.field().and_then(Kind::of_field);
        // An unsend has the field of messages.
        let unsent = *kind == Kind::MessageDeleted;
        assert_eq!(again, Some(if unsent { Kind::Message } else { *kind }));
    }
}
