//! Undocumented payloads: no view may fail because of a strange value.

use hookshelf::meta::event::Kind;
use sqlx::AssertSqlSafe;

use super::{VIEWS, columns::store};
use crate::support::postgres::TestDatabase;

/// Values of unexpected types and sizes.
const STRANGE: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"x\"",
    "5",
    "-1",
    "0.5",
    "1e999",
    "-1e-999",
    "12345678901234567890123",
    "\"12345678901234567890123\"",
    "\" 7 \"",
    "\"\u{a0}7\"",
    "\"٣\"",
    "\"1e5\"",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999",
    "253402300799999",
    "253402300800000",
    "\"2026-11-20T12:00:00+0000\"",
    "\"\\ufffd\\n\\u001b\"",
    "[1, \"a\", null, [], {}, {\"type\": {}}, {\"type\": \"image\", \"payload\": 5}]",
];

/// Keys whose values become columns.
const LEAVES: &[&str] = &[
    "id",
    "text",
    "username",
    "self_ig_scoped_id",
    "media_product_type",
    "ad_id",
    "ad_title",
    "original_media_id",
    "parent_id",
    "verb",
    "media_id",
    "comment_id",
    "impressions",
    "reach",
    "taps_forward",
    "taps_back",
    "exits",
    "replies",
    "mid",
    "num_edit",
    "is_echo",
    "is_deleted",
    "is_self",
    "is_unsupported",
    "is_self_reply",
    "attachments",
    "payload",
    "url",
    "link_sticker_url",
    "ref",
    "source",
    "type",
    "referer_uri",
    "photo_url",
    "video_url",
    "post_id",
    "product_id",
    "flow_id",
    "app_id",
    "metadata",
    "sticker_id",
    "folder",
    "action",
    "reaction",
    "emoji",
    "title",
    "watermark",
    "seq",
    "notification_messages_token",
    "notification_messages_frequency",
    "notification_messages_timezone",
    "token_expiry_timestamp",
    "user_token_status",
    "notification_messages_status",
    "user_ref",
    "previous_owner_app_id",
    "new_owner_app_id",
    "requested_owner_app_id",
    "reason",
    "feedback",
    "from",
    "media",
    "reply_to",
    "referral",
    "quick_reply",
    "story",
    "ads_context_data",
    "product",
];

/// Keys of objects in items, and of nested objects.
const OBJECTS: &[&str] = &["from", "media", "reply_to", "referral", "quick_reply"];
const INNER: &[&str] = &["story", "ads_context_data", "product"];

/// Keys of the content of an item of this kind.
fn keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Message | Kind::MessageDeleted => &["message"],
        Kind::MessageEdit => &["message_edit"],
        Kind::Reaction => &["reaction"],
        Kind::Postback => &["postback"],
        Kind::Seen => &["read"],
        Kind::Referral => &["referral"],
        Kind::Optin => &["optin"],
        Kind::Handover => &["take_thread_control", "app_roles"],
        Kind::PolicyEnforcement => &["policy-enforcement", "policy_enforcement"],
        Kind::ResponseFeedback => &["response_feedback", "feedback"],
        _ => &["from", "media"],
    }
}

/// An object with this value under each key.
fn object(keys: &[&str], value: &str) -> String {
    let pairs: Vec<_> = keys
        .iter()
        .map(|key| format!("\"{key}\":{value}"))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

/// Items of this kind with `value` in place of each part.
fn items(kind: Kind, value: &str) -> [String; 7] {
    let leaves = object(LEAVES, value);
    [
        value.to_owned(),
        leaves.clone(),
        object(keys(kind), value),
        object(keys(kind), &leaves),
        object(keys(kind), &object(OBJECTS, value)),
        object(keys(kind), &object(OBJECTS, &leaves)),
        object(keys(kind), &object(OBJECTS, &object(INNER, &leaves))),
    ]
}

/// A notification with these items in standby and as changes of the kind's field.
fn body(kind: Kind, items: &[String]) -> String {
    let field = entry_field(kind);
    let change = |item: &String| format!("{{\"field\":\"{field}\",\"value\":{item}}}");
    let changes: Vec<_> = items.iter().map(change).collect();
    let (standby, changes) = (items.join(","), changes.join(","));
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"17840","standby":[{standby}],"changes":[{changes}]}}]}}"#
    )
}

fn entry_field(kind: Kind) -> &'static str {
    match kind {
        Kind::Comment => "comments",
        Kind::LiveComment => "live_comments",
        Kind::Mention => "mentions",
        Kind::StoryInsights => "story_insights",
        Kind::Unknown => "follow",
        _ => "messages",
    }
}

#[tokio::test]
async fn every_column_can_be_read_whatever_an_item_says() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for (view, kind) in VIEWS {
        for value in STRANGE {
            store(&mut connection, body(kind, &items(kind, value))).await;
        }
        // Converting a row to text evaluates all columns.
        let read = format!("SELECT count(v::text) FROM {view} AS v");
        let count: Result<i64, _> = sqlx::query_scalar(AssertSqlSafe(read))
            .fetch_one(&mut connection)
            .await;
        let count = count.map_err(|error| error.to_string());
        assert!(
            count.as_ref().is_ok_and(|count| *count > 0),
            "{view}: {count:?}"
        );
    }
}
