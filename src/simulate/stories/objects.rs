//! What comes for other objects than `instagram`: pages, permissions, people, `WhatsApp`.

use super::super::{
    envelope::{change, changes_entry, changes_notification, messaging_notification},
    json::{Json, object},
    plan::{Kinds, Plan},
    serialise::Sender,
};

/// A Facebook page and somebody who writes to it.
const PAGE: &str = "104857392618450";
const PAGE_VISITOR: &str = "6120947735581046";

pub(super) fn tell(plan: &mut Plan) {
    page_messaging(plan);
    page_changes(plan);
    permissions(plan);
    user(plan);
    whatsapp(plan);
    unknown_object(plan);
}

/// An item between the page and somebody, in a delivery of its own.
fn page_item(plan: &mut Plan, (name, kinds): (&'static str, Kinds), sender: Json, keys: Json) {
    let body = page_notification(plan, "page", sender, keys);
    plan.post(name, kinds, Sender::Messaging, &body);
}

fn page_notification(plan: &mut Plan, object: &str, sender: Json, keys: Json) -> Json {
    let item = object! {
        "sender": sender,
        "recipient": object! { "id": PAGE },
        "timestamp": plan.world.tick(),
    };
    let sent_at = plan.world.tick();
    let entry = object! { "id": PAGE, "time": sent_at, "messaging": [item.and(keys)] };
    messaging_notification(object, vec![entry])
}

/// A message id of a page: of another form than Instagram's.
fn page_mid(plan: &mut Plan) -> String {
    format!("m_{}", plan.world.random.hex())
}

fn page_messaging(plan: &mut Plan) {
    let visitor = || object! { "id": PAGE_VISITOR };
    let locale = object! { "locale": "de_DE", "confidence": 0.98 };
    let nlp = object! { "detected_locales": [locale] };
    let message = object! { "mid": page_mid(plan), "text": "Hallo Seite", "nlp": nlp };
    let keys = object! { "message": message };
    page_item(plan, ("page/message", &["message"]), visitor(), keys);
    let keys = object! { "read": object! { "watermark": plan.world.tick(), "seq": 12 } };
    page_item(plan, ("page/seen", &["seen"]), visitor(), keys);
    let reel = i64::from(plan.world.random.below(u32::MAX));
    let payload = object! { "url": format!("/reel/{reel}/"), "reel_video_id": reel };
    let attachment = object! { "type": "ig_reel", "payload": payload };
    let message = object! { "mid": page_mid(plan), "attachments": [attachment] };
    let keys = object! { "message": message };
    page_item(plan, ("page/reel_id_number", &["message"]), visitor(), keys);
    let user_ref = format!("kiosk-3-visitor-{}", plan.world.random.digits(9));
    let keys = object! { "postback": chat_plugin_postback() };
    page_item(
        plan,
        ("page/user_ref", &["postback"]),
        object! { "user_ref": user_ref },
        keys,
    );
}

fn chat_plugin_postback() -> Json {
    let referral = object! {
        "ref": Json::Null,
        "source": "CUSTOMER_CHAT_PLUGIN",
        "type": "OPEN_THREAD",
        "referer_uri": "https://example.org/laden",
        "is_guest_user": false,
    };
    object! { "payload": "hi", "title": "", "referral": referral }
}

fn page_changes(plan: &mut Plan) {
    let status = object! {
        "item": "status",
        "verb": "add",
        "post_id": format!("{PAGE}_{}", plan.world.random.digits(15)),
        "message": "Offen bis 18 Uhr",
        "from": object! { "id": PAGE, "name": "Mehl und Morgen" },
        "created_time": plan.world.tick() / 1000,
    };
    let comment = object! { "id": plan.world.comment_id(), "text": "x" };
    let shown = [
        ("page/feed", "feed", status),
        ("page/comments_is_not_instagram", "comments", comment),
    ];
    for (name, field, value) in shown {
        let entry = changes_entry(PAGE, plan.world.tick(), vec![change(field, value)]);
        let body = changes_notification("page", vec![entry]);
        plan.post(name, &["unknown"], Sender::Changes, &body);
    }
}

fn permissions(plan: &mut Plan) {
    let account = plan.world.account();
    let granted = object! { "verb": "granted", "target_ids": [account.id.into()] };
    let shown = [
        (
            "other_objects/permissions",
            object! { "field": "instagram_manage_comments", "value": granted },
        ),
        (
            "other_objects/permissions_without_value",
            object! { "field": "connected", "verb": "revoked" },
        ),
    ];
    for (name, change) in shown {
        about_user(plan, name, &["unknown"], ("permissions", vec![change]));
    }
}

fn user(plan: &mut Plan) {
    let work = object! { "id": plan.world.random.digits(10) };
    let changes = vec![
        object! { "field": "email", "value": "person@example.org" },
        object! { "field": "work", "value": [work] },
    ];
    about_user(
        plan,
        "other_objects/user",
        &["unknown", "unknown"],
        ("user", changes),
    );
}

/// Changes of a person who uses the app.
fn about_user(
    plan: &mut Plan,
    name: &'static str,
    kinds: Kinds,
    (object, changes): (&str, Vec<Json>),
) {
    let id = plan.world.random.digits(16);
    let time = plan.world.tick() / 1000;
    let entry = object! { "id": &id, "uid": &id, "time": time, "changes": changes };
    let body = changes_notification(object, vec![entry]);
    plan.post(name, kinds, Sender::Changes, &body);
}

/// Its field is called `messages` too, but it is no message of Instagram.
fn whatsapp(plan: &mut Plan) {
    let message = object! {
        "from": "15550009876",
        "id": format!("wamid.{}", plan.world.random.hex()),
        "timestamp": (plan.world.tick() / 1000).to_string(),
        "type": "text",
        "text": object! { "body": "Hallo" },
    };
    let profile = object! { "name": "Nele" };
    let metadata = object! {
        "display_phone_number": "15550001234",
        "phone_number_id": plan.world.random.digits(15),
    };
    let value = object! {
        "messaging_product": "whatsapp",
        "metadata": metadata,
        "contacts": [object! { "profile": profile, "wa_id": "15550009876" }],
        "messages": [message],
    };
    let changes = vec![change("messages", value)];
    let entry = changes_entry(plan.world.random.digits(15), plan.world.tick(), changes);
    let object = "whatsapp_business_account";
    let body = changes_notification(object, vec![entry]);
    plan.post(
        "other_objects/whatsapp_business_account",
        &["unknown"],
        Sender::Changes,
        &body,
    );
}

fn unknown_object(plan: &mut Plan) {
    let message = object! { "mid": page_mid(plan), "text": "?" };
    let keys = object! { "message": message };
    let body = page_notification(plan, "holodeck", object! { "id": PAGE_VISITOR }, keys);
    plan.post(
        "other_objects/unknown_object",
        &["message"],
        Sender::Messaging,
        &body,
    );
}
