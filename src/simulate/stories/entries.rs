//! Entries and notifications of other forms: flat, array-wrapped, names only, empty.

use super::{
    super::{
        envelope::{
            change, changes_entry, changes_notification, messaging_entry, messaging_notification,
        },
        json::{Json, object},
        plan::{Kinds, Plan},
        serialise::Sender,
    },
    comments::{comment, insights},
};

pub(super) fn tell(plan: &mut Plan) {
    flat(plan);
    arrays(plan);
    without_values(plan);
    without_items(plan);
    without_object(plan);
}

/// Field and value on the entry itself, as documentation for Instagram Login shows them.
fn flat(plan: &mut Plan) {
    let person = plan.world.person();
    let value = object! {
        "id": plan.world.comment_id(),
        "from": object! { "username": person.username },
        "text": "Habt ihr das in Größe L?",
        "media": super::comments::media(&mut plan.world, "FEED"),
    };
    flat_entry(plan, "comments/flat", &["comment"], ("comments", value));
    let numbers = insights(&mut plan.world, 9);
    let value = object! { "media_id": plan.world.media_id() }.and(numbers);
    flat_entry(
        plan,
        "containers/flat",
        &["story_insights"],
        ("story_insights", value),
    );
    let moment = plan.world.moment();
    let value = moment.message(object! { "text": "flach" });
    flat_entry(
        plan,
        "containers/flat_messages",
        &["message"],
        ("messages", value),
    );
}

fn flat_entry(plan: &mut Plan, name: &'static str, kinds: Kinds, (field, value): (&str, Json)) {
    let account = plan.world.account();
    let keys = object! { "field": field, "value": value };
    entry(plan, name, kinds, (account.id, keys));
}

/// One entry with nothing but `keys` beside its id and time.
fn entry(plan: &mut Plan, name: &'static str, kinds: Kinds, (account_id, keys): (&str, Json)) {
    let entry = object! { "id": account_id, "time": plan.world.tick() / 1000 }.and(keys);
    let body = changes_notification("instagram", vec![entry]);
    plan.post(name, kinds, Sender::Changes, &body);
}

/// Samples of the documentation wrap the notification in an array.
fn arrays(plan: &mut Plan) {
    let mention = |plan: &mut Plan| {
        let world = &mut plan.world;
        object! { "media_id": world.media_id(), "comment_id": world.comment_id() }
    };
    let value = mention(plan);
    let body = Json::Array(vec![notification(plan, "mentions", value)]);
    plan.post(
        "containers/array_wrapped",
        &["mention"],
        Sender::Changes,
        &body,
    );
    let value = object! { "media_id": plan.world.media_id() };
    let first = notification(plan, "mentions", value);
    let value = comment(&mut plan.world, "FEED", object! { "text": "auch gut" });
    let second = notification(plan, "comments", value);
    let body = Json::Array(vec![first, second]);
    plan.post(
        "containers/array_of_two",
        &["mention", "comment"],
        Sender::Changes,
        &body,
    );
}

fn notification(plan: &mut Plan, field: &str, value: Json) -> Json {
    let account = plan.world.account();
    let entry = changes_entry(account.id, plan.world.tick(), vec![change(field, value)]);
    changes_notification("instagram", vec![entry])
}

/// What says so little that it would repeat itself in every run goes to an account of its own.
fn without_values(plan: &mut Plan) {
    let account_id = plan.world.new_account_id();
    let keys = object! { "changed_fields": ["comments".into(), "mentions".into()] };
    let kinds: Kinds = &["unknown", "unknown"];
    entry(
        plan,
        "containers/changed_fields",
        kinds,
        (&account_id, keys),
    );
    let changes = [
        object! { "field": "comments" },
        change("mentions", object! {}),
    ];
    let keys = object! { "changes": changes };
    let kinds: Kinds = &["comment", "mention"];
    entry(
        plan,
        "containers/comments_without_value",
        kinds,
        (&account_id, keys),
    );
}

fn without_items(plan: &mut Plan) {
    let body = changes_notification("instagram", Vec::new());
    plan.post("containers/empty_entry", &[], Sender::Changes, &body);
    let account = plan.world.account();
    let bare = object! { "id": account.id, "time": plan.world.tick() / 1000 };
    let body = changes_notification("instagram", vec![bare, object! {}]);
    plan.post(
        "containers/entry_without_items",
        &[],
        Sender::Changes,
        &body,
    );
    empty_lists(plan);
    let keys = object! { "messages": [object! { "text": "?" }] };
    entry(
        plan,
        "containers/unknown_entry_key",
        &[],
        (account.id, keys),
    );
}

fn empty_lists(plan: &mut Plan) {
    let account = plan.world.account();
    let first = messaging_entry(account.id, plan.world.tick(), Vec::new());
    let second = object! {
        "id": account.id,
        "time": plan.world.tick(),
        "changes": [],
        "standby": [],
    };
    let body = messaging_notification("instagram", vec![first, second]);
    plan.post("containers/empty_lists", &[], Sender::Messaging, &body);
}

fn without_object(plan: &mut Plan) {
    let account = plan.world.account();
    let value = comment(&mut plan.world, "FEED", object! { "text": "ohne object" });
    let changes = vec![change("comments", value.clone())];
    let entry = changes_entry(account.id, plan.world.tick(), changes);
    let body = object! { "entry": [entry] };
    plan.post("containers/no_object", &["comment"], Sender::Changes, &body);
    let body = object! { "field": "comments", "value": value };
    plan.post(
        "containers/field_and_value_only",
        &[],
        Sender::Changes,
        &body,
    );
}
