//! What the Test button of the App Dashboard sends: `entry.id` "0" and times that mean nothing.
//!
//! Meta's button sends the same ids at every click; these are new in every run, so that each
//! click counts.

use super::super::{
    envelope::{
        change, changes_entry, changes_notification, messaging_entry, messaging_notification,
    },
    json::{Json, object},
    plan::{Kinds, Plan},
    serialise::Sender,
};

/// The account that the button names.
const NO_ACCOUNT: &str = "0";
/// A time in 2017, in seconds and in quotes.
const LONG_AGO: &str = "1496152800";
const LONG_AGO_SECONDS: i64 = 1_496_152_800;

pub(super) fn tell(plan: &mut Plan) {
    changes(plan);
    items_in_changes(plan);
    message_in_messaging(plan);
    page_spellings(plan);
}

fn click(plan: &mut Plan, name: &'static str, kinds: Kinds, (field, value): (&str, Json)) {
    plan.changes(name, kinds, NO_ACCOUNT, vec![change(field, value)]);
}

fn changes(plan: &mut Plan) {
    let from = object! {
        "id": plan.world.random.digits(9),
        "username": "button.tester",
        "self_ig_scoped_id": plan.world.random.digits(9),
    };
    let value = object! {
        "from": from,
        "media": super::comments::media(&mut plan.world, "FEED"),
        "id": plan.world.comment_id(),
        "parent_id": plan.world.comment_id(),
        "text": "An invented example.",
    };
    click(
        plan,
        "test_button/comments",
        &["comment"],
        ("comments", value),
    );
    let id = plan.world.media_id();
    let value = object! { "media_id": &id, "comment_id": &id };
    click(
        plan,
        "test_button/mentions",
        &["mention"],
        ("mentions", value),
    );
    let numbers = super::comments::insights(&mut plan.world, 6);
    let value = object! { "media_id": plan.world.media_id() }.and(numbers);
    let kinds: Kinds = &["story_insights"];
    click(
        plan,
        "test_button/story_insights",
        kinds,
        ("story_insights", value),
    );
}

/// A messaging item between two ids that nobody has.
fn item(plan: &mut Plan, timestamp: &str, keys: Json) -> Json {
    let item = object! {
        "sender": object! { "id": plan.world.random.digits(15) },
        "recipient": object! { "id": plan.world.random.digits(15) },
        "timestamp": timestamp,
    };
    item.and(keys)
}

fn mid(plan: &mut Plan) -> String {
    format!("sample_mid_{}", plan.world.random.hex())
}

/// Under Instagram Login the button puts messaging items into changes.
fn items_in_changes(plan: &mut Plan) {
    let kinds: [(&str, Kinds, &str, Json); 8] = [
        (
            "test_button/message_in_changes",
            &["message"],
            "messages",
            message(plan),
        ),
        (
            "test_button/reaction",
            &["reaction"],
            "message_reactions",
            reaction(plan),
        ),
        (
            "test_button/postback",
            &["postback"],
            "messaging_postbacks",
            postback(plan),
        ),
        ("test_button/seen", &["seen"], "messaging_seen", seen(plan)),
        (
            "test_button/edit",
            &["message_edit"],
            "message_edit",
            edit(plan),
        ),
        (
            "test_button/referral",
            &["referral"],
            "messaging_referral",
            referral(),
        ),
        (
            "test_button/handover",
            &["handover"],
            "messaging_handover",
            handover(),
        ),
        ("test_button/optin", &["optin"], "messaging_optins", optin()),
    ];
    for (name, kinds, field, keys) in kinds {
        let value = item(plan, LONG_AGO, keys);
        click(plan, name, kinds, (field, value));
    }
}

fn message(plan: &mut Plan) -> Json {
    object! { "message": object! { "mid": mid(plan), "text": "sample_text" } }
}

fn reaction(plan: &mut Plan) -> Json {
    let keys = object! { "action": "react", "reaction": "love", "emoji": "❤️" };
    object! { "reaction": object! { "mid": mid(plan) }.and(keys) }
}

fn postback(plan: &mut Plan) -> Json {
    let postback = object! { "mid": mid(plan), "title": "Talk to us", "payload": "SAMPLE" };
    object! { "is_self": true, "postback": postback }
}

fn seen(plan: &mut Plan) -> Json {
    object! { "read": object! { "mid": mid(plan) } }
}

fn edit(plan: &mut Plan) -> Json {
    let edit = object! { "mid": mid(plan), "text": "sample_text", "num_edit": 1 };
    object! { "message_edit": edit }
}

fn referral() -> Json {
    let referral =
        object! { "ref": "sample_ref", "source": "sample_source", "type": "OPEN_THREAD" };
    object! { "referral": referral }
}

fn handover() -> Json {
    let owners = object! {
        "previous_owner_app_id": "1",
        "new_owner_app_id": "2",
        "metadata": "x",
    };
    object! { "pass_thread_control": owners }
}

fn optin() -> Json {
    object! { "optin": object! { "type": "notification_messages", "payload": "x" } }
}

/// Under Facebook Login it uses messaging.
fn message_in_messaging(plan: &mut Plan) {
    let keys = message(plan);
    let items = vec![item(plan, LONG_AGO, keys)];
    let entry = messaging_entry(NO_ACCOUNT, LONG_AGO_SECONDS, items);
    let body = messaging_notification("instagram", vec![entry]);
    plan.post(
        "test_button/message_in_messaging",
        &["message"],
        Sender::Messaging,
        &body,
    );
}

/// The names that Facebook Login has for the fields. The first value has no key of its own.
fn page_spellings(plan: &mut Plan) {
    let bare = object! { "mid": mid(plan), "text": "ohne Schlüssel", "num_edit": 1 };
    let echo = object! { "mid": mid(plan), "text": "x", "is_echo": true };
    let roles = object! { "1": ["primary_receiver".into()] };
    let block = object! { "action": "block", "reason": "r" };
    let good = object! { "feedback": "Good response", "mid": mid(plan) };
    let keyed = [
        ("message_reads", seen(plan)),
        (
            "messaging_referrals",
            object! { "referral": object! { "ref": "r" } },
        ),
        ("messaging_handovers", object! { "app_roles": roles }),
        ("message_echoes", object! { "message": echo }),
        (
            "messaging_policy_enforcement",
            object! { "policy-enforcement": block },
        ),
        ("response_feedback", object! { "response_feedback": good }),
    ];
    let mut changes = vec![change("message_edits", bare)];
    changes.extend(keyed.map(|(field, keys)| change(field, item(plan, LONG_AGO, keys))));
    let kinds: Kinds = &[
        "message_edit",
        "seen",
        "referral",
        "handover",
        "message!echo",
        "policy_enforcement",
        "response_feedback",
    ];
    let entry = changes_entry(NO_ACCOUNT, plan.world.tick(), changes);
    let body = changes_notification("instagram", vec![entry]);
    plan.post("test_button/page_spellings", kinds, Sender::Changes, &body);
}
