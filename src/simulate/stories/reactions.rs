//! What happens to a message after it was sent: edits, unsending, reactions, and being seen.

use super::super::{
    envelope::{messaging_entry, messaging_notification},
    json::{Json, object},
    plan::{Kinds, Plan},
    serialise::Sender,
};

pub(super) fn tell(plan: &mut Plan) {
    edits(plan);
    deletions(plan);
    deletion_with_its_original(plan);
    reactions(plan);
    seen(plan);
}

/// An item under `key` about an earlier message of the same conversation.
fn about(plan: &mut Plan, name: &'static str, kinds: Kinds, (key, keys): (&'static str, Json)) {
    let talk = plan.world.talk();
    let mid = object! { "mid": plan.world.earlier_mid(talk) };
    let moment = plan.world.moment_in(talk);
    let item = moment.received(Json::Object(vec![(key, mid.and(keys))]));
    plan.item(name, kinds, &moment, item);
}

/// The same, where Meta names neither sender nor recipient.
fn about_by_nobody(
    plan: &mut Plan,
    name: &'static str,
    kinds: Kinds,
    (key, keys): (&'static str, Json),
) {
    let talk = plan.world.talk();
    let mid = object! { "mid": plan.world.earlier_mid(talk) };
    let moment = plan.world.moment_in(talk);
    let item = object! { "timestamp": moment.at };
    let item = item.and(Json::Object(vec![(key, mid.and(keys))]));
    plan.item(name, kinds, &moment, item);
}

fn edits(plan: &mut Plan) {
    let kinds: Kinds = &["message_edit"];
    let keys = object! { "text": "Die mit Mohn, bitte zwei", "num_edit": 1 };
    about(
        plan,
        "message_edits/with_sender",
        kinds,
        ("message_edit", keys),
    );
    let keys = object! { "text": "Größe M, nicht L", "num_edit": "2" };
    about(
        plan,
        "message_edits/num_edit_string",
        kinds,
        ("message_edit", keys),
    );
    let keys = object! { "num_edit": 0 };
    about_by_nobody(
        plan,
        "message_edits/without_sender",
        kinds,
        ("message_edit", keys),
    );
}

fn deletions(plan: &mut Plan) {
    let kinds: Kinds = &["message_deleted"];
    let keys = object! { "is_deleted": true };
    about(plan, "message_deletions/unsend", kinds, ("message", keys));
    let keys = object! {
        "is_deleted": true,
        "is_echo": true,
        "is_unsupported": true,
        "is_self": false,
        "text": "weg",
    };
    about(
        plan,
        "message_deletions/wins_over_flags",
        &["message_deleted!echo"],
        ("message", keys),
    );
}

/// Meta may tell of the unsending first.
fn deletion_with_its_original(plan: &mut Plan) {
    let original = plan.world.moment();
    let later = plan.world.moment_in(original.talk);
    let deleted = object! { "mid": &original.mid, "is_deleted": true };
    let items = vec![
        later.received(object! { "message": deleted }),
        original.message(object! { "text": "Sorry, falscher Chat" }),
    ];
    let entry = messaging_entry(later.talk.account.id, later.sent_at, items);
    let body = messaging_notification("instagram", vec![entry]);
    let kinds: Kinds = &["message_deleted", "message"];
    plan.post(
        "message_deletions/with_its_original",
        kinds,
        Sender::Messaging,
        &body,
    );
}

fn reactions(plan: &mut Plan) {
    let named = [
        ("reactions/react", "react", "love", "❤️"),
        ("reactions/react_bare_heart", "react", "love", "❤"),
        ("reactions/custom_emoji", "react", "other", "🇩🇰"),
        ("reactions/unknown_name", "react", "bow", "🙇"),
        ("reactions/unknown_action", "replace", "wow", "😮"),
    ];
    for (name, action, reaction, emoji) in named {
        let keys = object! { "action": action, "reaction": reaction, "emoji": emoji };
        about(plan, name, &["reaction"], ("reaction", keys));
    }
    let keys = object! { "action": "unreact" };
    about(plan, "reactions/unreact", &["reaction"], ("reaction", keys));
    let keys = object! { "action": "react", "emoji": "🥐" };
    about(
        plan,
        "reactions/emoji_only",
        &["reaction"],
        ("reaction", keys),
    );
}

fn seen(plan: &mut Plan) {
    about(plan, "seen/mid", &["seen"], ("read", object! {}));
    about_by_nobody(plan, "seen/without_sender", &["seen"], ("read", object! {}));
    let watermark = plan.world.tick();
    let keys = object! { "read": object! { "watermark": watermark, "seq": 38 } };
    plan.received("seen/watermark", &["seen"], keys);
}
