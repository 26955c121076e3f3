//! What has no type of its own: fields and items that nobody documents, and none at all.

use super::super::{
    envelope::{change, messaging_notification},
    json::{Json, object},
    plan::{Kinds, Plan},
    serialise::Sender,
};

/// Subscription fields whose payload Meta does not document.
const UNDOCUMENTED: [&str; 10] = [
    "agent_messages",
    "comment_poll_response",
    "creator_marketplace_invited_creator_onboarding",
    "creator_marketplace_projects",
    "delta",
    "follow",
    "onboarding_welcome_message_series",
    "share_to_story",
    "story_poll_response",
    "story_reactions",
];

pub(super) fn tell(plan: &mut Plan) {
    undocumented_fields(plan);
    unknown_items(plan);
    no_items(plan);
    nonsensical_changes(plan);
}

fn undocumented_fields(plan: &mut Plan) {
    let changes = UNDOCUMENTED.map(|field| {
        let value = object! {
            "id": plan.world.random.digits(17),
            "from": object! { "id": plan.world.person().igsid },
            "note": format!("invented value of {field}"),
        };
        change(field, value)
    });
    let account = plan.world.account();
    let kinds: Kinds = &["unknown"; 10];
    plan.changes(
        "unknown/undocumented_fields",
        kinds,
        account.id,
        changes.into(),
    );
    let value = object! { "level": plan.world.random.hex() };
    plan.change(
        "unknown/field_nobody_knows",
        &["unknown"],
        "aroma_alerts",
        value,
    );
}

fn unknown_items(plan: &mut Plan) {
    let talk = plan.world.talk();
    let mid = plan.world.earlier_mid(talk);
    let receipt = object! { "mids": [mid.into()], "watermark": plan.world.tick() };
    let linked = object! { "status": "linked", "authorization_code": plan.world.random.hex() };
    let shown = [
        ("unknown/delivery_receipt", object! { "delivery": receipt }),
        (
            "unknown/account_linking",
            object! { "account_linking": linked },
        ),
        ("unknown/sender_and_time_only", object! {}),
    ];
    for (name, keys) in shown {
        plan.received(name, &["unknown"], keys);
    }
}

fn no_items(plan: &mut Plan) {
    let number = i64::from(plan.world.random.below(u32::MAX));
    let shown = [
        ("unknown/null_item", Json::Null),
        ("unknown/number_item", number.into()),
    ];
    for (name, item) in shown {
        let account_id = plan.world.new_account_id();
        let entry = object! { "time": plan.world.tick(), "id": account_id, "messaging": [item] };
        let body = messaging_notification("instagram", vec![entry]);
        plan.post(name, &["unknown"], Sender::Messaging, &body);
    }
}

fn nonsensical_changes(plan: &mut Plan) {
    let without_field = object! { "value": object! { "id": plan.world.comment_id() } };
    let empty_field = object! { "value": Json::Null, "field": "" };
    let shown: [(&str, Kinds, Vec<Json>); 3] = [
        (
            "unknown/null_and_string_changes",
            &["unknown", "unknown"],
            vec![Json::Null, "comments".into()],
        ),
        (
            "unknown/change_without_value",
            &["unknown"],
            vec![object! { "field": "follow" }],
        ),
        (
            "unknown/change_without_field",
            &["unknown", "unknown"],
            vec![without_field, empty_field],
        ),
    ];
    for (name, kinds, changes) in shown {
        let account_id = plan.world.new_account_id();
        plan.changes(name, kinds, &account_id, changes);
    }
}
