//! Columns of each view for items as Meta sends them.

use bytes::Bytes;
use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    meta::{
        event::Source,
        split::{Context, split},
    },
    store::{self, Batch, Delivery, Known},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::support::postgres::TestDatabase;

/// Parses and commits a body.
pub(super) async fn store(connection: &mut PgConnection, body: String) {
    let (body, now) = (Bytes::from(body), Clock::system().now());
    let context = Context {
        app: "default",
        received_at: now,
    };
    let events = split(&body, context).events;
    let delivery = Delivery {
        envelope: Envelope {
            id: Uuid::now_v7(),
            received_at: now,
            app: "default".into(),
            headers: "{}".to_owned(),
            remote_addr: None,
        },
        object: None,
        secret: "app".into(),
        problem: None,
        source: Source::Live,
        event_count: events.len(),
        events,
        body,
    };
    store::commit(connection, &mut Known::default(), &Batch::of(&[delivery]))
        .await
        .unwrap();
}

/// The only row of a view as JSON, after `item` was stored in `container`.
async fn row(container: &str, view: &str, item: &Value) -> Value {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let body = json!({"object": "instagram", "entry": [{"id": "17840", "time": 1_793_000_000,
        (container): [item]}]});
    store(&mut connection, body.to_string()).await;
    let read = format!("SELECT row_to_json(v)::text FROM {view} AS v");
    let text: String = sqlx::query_scalar(AssertSqlSafe(read))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Compares each expected column with the row.
fn compare(row: &Value, expected: &Value) {
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(row.get(column), Some(value), "{column} of {row}");
    }
}

async fn change(view: &str, field: &str, value: Value, expected: Value) {
    let item = json!({"field": field, "value": value});
    compare(&row("changes", view, &item).await, &expected);
}

/// Tests the same content in `messaging`, in `standby`, and as the value of a change.
async fn message(view: &str, field: &str, inner: Value, expected: Value) {
    let mut item = json!({"sender": {"id": "7001"}, "recipient": {"id": "17840"},
        "timestamp": 1_793_000_000_123_u64});
    item.as_object_mut()
        .unwrap()
        .extend(inner.as_object().unwrap().clone());
    for container in ["messaging", "standby"] {
        let row = row(container, view, &item).await;
        assert_eq!(row["channel"], container);
        assert_eq!(
            (&row["sender_id"], &row["account_id"]),
            (&json!("7001"), &json!("17840"))
        );
        compare(&row, &expected);
    }
    change(view, field, item, expected).await;
}

#[tokio::test]
async fn comments() {
    let value = json!({"id": "18001", "text": "How much?", "parent_id": "18000",
        "from": {"id": "7001", "username": "ann", "self_ig_scoped_id": "9"}, "verb": "add",
        "media": {"id": "18002", "media_product_type": "AD", "ad_id": 12_345_678_901_234_567_u64,
            "ad_title": "Bread", "original_media_id": "18003"}});
    let expected = json!({"comment_id": "18001", "media_id": "18002", "parent_id": "18000",
        "person_id": "7001", "sender_id": "7001", "username": "ann", "text": "How much?",
        "is_self": false, "self_ig_scoped_id": "9", "media_product_type": "AD",
        "ad_id": "12345678901234567", "ad_title": "Bread", "original_media_id": "18003",
        "verb": "add", "channel": "changes", "app": "default", "source": "live",
        "problem": null, "erased_at": null});
    change("comments", "comments", value.clone(), expected.clone()).await;
    change("live_comments", "live_comments", value, expected).await;
}

#[tokio::test]
async fn mentions_and_story_insights() {
    let value = json!({"media_id": "18002", "comment_id": "18001"});
    change("mentions", "mentions", value.clone(), value).await;
    let value = json!({"media_id": "18002", "impressions": 444, "reach": -1, "taps_forward": "5",
        "taps_back": 6.5, "exits": null});
    let expected = json!({"media_id": "18002", "impressions": 444, "reach": -1, "taps_forward": 5,
        "taps_back": null, "exits": null, "replies": null});
    change("story_insights", "story_insights", value, expected).await;
}

#[tokio::test]
async fn messages() {
    let inner = json!({"folder": "general", "message": {"mid": "m1", "text": "Yes",
        "is_unsupported": true, "app_id": 12, "metadata": "x", "sticker_id": 3,
        "quick_reply": {"payload": "YES"},
        "attachments": [{"type": "image", "payload": {"url": "https://a.example/1"}}, 5,
            {"type": "ig_reel"}, {}],
        "reply_to": {"mid": "m0", "is_self_reply": true, "story": {"id": 8, "url": "u",
            "link_sticker_url": "l"}},
        "referral": {"ref": "r", "source": "ADS", "type": "OPEN_THREAD", "referer_uri": "w",
            "ad_id": 77, "product": {"id": "p1"}, "ads_context_data": {"ad_title": "Bread",
            "photo_url": "ph", "video_url": "vi", "post_id": "po", "product_id": "p2",
            "flow_id": "f"}}}});
    let expected = json!({"message_id": "m1", "parent_id": "m0", "text": "Yes",
        "is_echo": false, "is_self": false, "is_unsupported": true,
        "attachments": inner["message"]["attachments"],
        "attachment_types": ["image", "ig_reel", null], "quick_reply_payload": "YES",
        "is_self_reply": true, "story_id": "8", "story_url": "u", "story_link_sticker_url": "l",
        "referral_ref": "r", "referral_source": "ADS", "referral_type": "OPEN_THREAD",
        "referral_uri": "w", "referral_product_id": "p1", "ad_id": "77", "ad_title": "Bread",
        "ad_photo_url": "ph", "ad_video_url": "vi", "ad_post_id": "po", "ad_product_id": "p2",
        "ad_flow_id": "f", "echo_app_id": "12", "metadata": "x", "sticker_id": "3",
        "folder": "general"});
    message("messages", "messages", inner, expected).await;
}

#[tokio::test]
async fn a_plain_message_has_no_attachments_and_its_referral_may_stand_beside_it() {
    let inner = json!({"message": {"mid": "m1", "text": "Yes"}, "referral": {"ref": "r"}});
    let expected = json!({"attachments": null, "attachment_types": [], "is_unsupported": false,
        "is_self_reply": false, "story_id": null, "referral_ref": "r", "ad_id": null});
    message("messages", "messages", inner, expected).await;
}

#[tokio::test]
async fn what_happens_to_a_message() {
    let edit = json!({"mid": "m1", "text": "No", "num_edit": "1"});
    let expected = json!({"message_id": "m1", "text": "No", "num_edit": 1});
    message(
        "message_edits",
        "message_edit",
        json!({"message_edit": edit}),
        expected.clone(),
    )
    .await;
    // The dashboard's sample lacks the inner object.
    change("message_edits", "message_edit", edit, expected).await;
    let deleted = json!({"message": {"mid": "m1", "is_deleted": true}});
    message(
        "message_deletions",
        "messages",
        deleted,
        json!({"message_id": "m1"}),
    )
    .await;
    let reaction = json!({"mid": "m1", "action": "react", "reaction": "love", "emoji": "❤"});
    let expected = json!({"message_id": "m1", "action": "react", "reaction": "love",
        "emoji": "❤"});
    message(
        "reactions",
        "message_reactions",
        json!({"reaction": reaction}),
        expected,
    )
    .await;
    let read = json!({"read": {"mid": "m1", "watermark": 1_793_000_000_123_u64, "seq": 4}});
    let expected = json!({"message_id": "m1", "seq": 4,
        "watermark": "2026-10-26T07:33:20.123+00:00"});
    message("seen", "messaging_seen", read, expected).await;
}

#[tokio::test]
async fn taps_referrals_and_optins() {
    let postback = json!({"mid": "m1", "title": "Menu", "payload": "MENU",
        "referral": {"ref": "r", "ad_id": "5"}});
    let expected = json!({"message_id": "m1", "title": "Menu", "button_payload": "MENU",
        "referral_ref": "r", "ad_id": "5", "is_self": false});
    message(
        "postbacks",
        "messaging_postbacks",
        json!({"postback": postback}),
        expected,
    )
    .await;
    let referral = json!({"ref": "r", "source": "SHORTLINK", "type": "OPEN_THREAD",
        "referer_uri": "w", "product": {"id": 6}, "ads_context_data": {"ad_title": "Bread"}});
    let expected = json!({"referral_ref": "r", "referral_source": "SHORTLINK",
        "referral_type": "OPEN_THREAD", "referral_uri": "w", "referral_product_id": "6",
        "ad_title": "Bread", "ad_id": null});
    message(
        "referrals",
        "messaging_referral",
        json!({"referral": referral}),
        expected,
    )
    .await;
    let optin = json!({"type": "notification_messages", "payload": "p", "title": "t",
        "notification_messages_token": "k", "notification_messages_frequency": "WEEKLY",
        "notification_messages_timezone": "UTC", "token_expiry_timestamp": "1793000000000",
        "user_token_status": "NOT_REFRESHED", "notification_messages_status": "STOP NOTIFICATIONS",
        "ref": "r", "user_ref": 7});
    let expected = json!({"optin_type": "notification_messages", "optin_payload": "p",
        "title": "t", "token": "k", "frequency": "WEEKLY", "timezone": "UTC",
        "token_expires_at": "2026-10-26T07:33:20+00:00", "token_status": "NOT_REFRESHED",
        "status": "STOP NOTIFICATIONS", "ref": "r", "user_ref": "7"});
    message(
        "optins",
        "messaging_optins",
        json!({"optin": optin}),
        expected,
    )
    .await;
}

#[tokio::test]
async fn handovers() {
    let taken = json!({"take_thread_control": {"previous_owner_app_id": null,
        "new_owner_app_id": 263, "requested_owner_app_id": "5", "metadata": "x"}});
    let expected = json!({"step": "take_thread_control", "previous_owner_app_id": null,
        "new_owner_app_id": "263", "requested_owner_app_id": "5", "metadata": "x",
        "app_roles": null});
    message("handovers", "messaging_handover", taken, expected).await;
    let roles = json!({"app_roles": {"263": ["primary_receiver"]}});
    let expected = json!({"step": "app_roles", "app_roles": roles["app_roles"]});
    message("handovers", "messaging_handover", roles, expected).await;
    let bare = json!({"new_owner_app_id": "263"});
    let expected = json!({"step": null, "new_owner_app_id": "263", "app_roles": null});
    change("handovers", "messaging_handover", bare, expected).await;
}

#[tokio::test]
async fn policies_and_ratings() {
    let expected = json!({"action": "block", "reason": "spam", "recipient_id": "17840"});
    for key in ["policy-enforcement", "policy_enforcement"] {
        let item = json!({"recipient": {"id": "17840"}, "timestamp": 1_793_000_000_123_u64,
            (key): {"action": "block", "reason": "spam"}});
        compare(
            &row("messaging", "policy_enforcements", &item).await,
            &expected,
        );
        change(
            "policy_enforcements",
            "messaging_policy_enforcement",
            item,
            expected.clone(),
        )
        .await;
    }
    let rating = json!({"mid": "m1", "feedback": "Good"});
    let expected = json!({"message_id": "m1", "feedback": "Good"});
    let item = json!({"response_feedback": rating});
    message(
        "response_feedback",
        "response_feedback",
        item,
        expected.clone(),
    )
    .await;
    change("response_feedback", "response_feedback", rating, expected).await;
}

#[tokio::test]
async fn what_has_no_type() {
    let value = json!({"a": [1]});
    let expected = json!({"field": "share_to_story", "object": null, "payload":
        {"field": "share_to_story", "value": value}});
    change("unknown_events", "share_to_story", value, expected).await;
    let row = row("changed_fields", "unknown_events", &json!("comments")).await;
    compare(
        &row,
        &json!({"field": "comments", "channel": "entry", "payload": "comments"}),
    );
}
