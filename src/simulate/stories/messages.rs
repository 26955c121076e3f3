//! Messages: texts, replies, referrals, echoes and what they carry beside.

use super::super::{
    json::{Json, object},
    people::Talk,
    plan::Plan,
    world::Moment,
};

pub(super) fn tell(plan: &mut Plan) {
    texts(plan);
    replies(plan);
    story_replies(plan);
    referrals(plan);
    echoes(plan);
    to_oneself(plan);
    oddities(plan);
}

fn texts(plan: &mut Plan) {
    let shown = [
        (
            "messages/text",
            "Guten Morgen! Habt ihr noch Zimtschnecken? 50% der Klasse will welche :)",
        ),
        (
            "messages/text_with_slashes",
            "Seht mal: https://example.org/rezepte/brot & \"<b>ähm</b>\"",
        ),
        (
            "messages/text_far_scripts",
            "今日は開いていますか？ 🧑‍🎨 مفتوح اليوم؟",
        ),
    ];
    for (name, text) in shown {
        plan.message(name, object! { "text": text });
    }
    let quick_reply = object! { "payload": "PICKUP/2026-11-13" };
    let keys = object! { "text": "Abholen", "quick_reply": quick_reply };
    plan.message("messages/quick_reply", keys);
}

fn replies(plan: &mut Plan) {
    let talk = plan.world.talk();
    let mid = plan.world.earlier_mid(talk);
    let keys = object! { "text": "Die mit Mohn bitte", "reply_to": object! { "mid": &mid } };
    in_talk(plan, "messages/reply_to_message", talk, keys);
    let reply_to = object! { "mid": mid, "is_self_reply": true };
    let keys = object! { "text": "(oder doch zwei)", "reply_to": reply_to };
    in_talk(plan, "messages/reply_to_own_message", talk, keys);
}

fn in_talk(plan: &mut Plan, name: &'static str, talk: Talk, keys: Json) {
    let moment = plan.world.moment_in(talk);
    let item = moment.message(keys);
    plan.item(name, &["message"], &moment, item);
}

fn story_replies(plan: &mut Plan) {
    let story = story(plan);
    let keys = object! { "text": "Wie lange noch?", "reply_to": object! { "story": story } };
    plan.message("messages/reply_to_story", keys);
    let sticker = object! { "link_sticker_url": "https://example.org/tickets?from=story" };
    let story = sticker.and(self::story(plan));
    let keys = object! { "text": "Link geht nicht", "reply_to": object! { "story": story } };
    plan.message("messages/reply_to_story_link_sticker", keys);
}

fn story(plan: &mut Plan) -> Json {
    object! { "url": plan.world.media_url(), "id": plan.world.media_id() }
}

fn referrals(plan: &mut Plan) {
    let context = object! {
        "ad_title": "Weihnachtskiste 2026",
        "photo_url": plan.world.media_url(),
        "video_url": plan.world.media_url(),
        "post_id": plan.world.random.digits(16),
        "product_id": plan.world.random.digits(16),
        "flow_id": plan.world.random.digits(15),
    };
    let referral = object! {
        "ref": "xmas-box",
        "ad_id": plan.world.ad_id(),
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": context,
    };
    let keys = object! { "text": "Was kostet die Kiste?", "referral": referral };
    plan.message("messages/referral_ad", keys);
    ad_id_as_number(plan);
    let product = object! { "id": plan.world.random.digits(16) };
    let referral = object! { "product": product };
    plan.message(
        "messages/referral_product",
        object! { "text": "Noch da?", "referral": referral },
    );
    referral_beside(plan);
}

/// A sample of Meta's shows the ad's id without quotes.
fn ad_id_as_number(plan: &mut Plan) {
    let ad_id = plan.world.ad_id().parse::<i64>().unwrap_or_default();
    let context = object! {
        "ad_title": "Weihnachtskiste 2026",
        "photo_url": plan.world.media_url(),
    };
    let referral = object! {
        "ad_id": ad_id,
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": context,
    };
    let keys = object! { "text": "Hallo", "referral": referral };
    plan.message("messages/referral_ad_numeric_id", keys);
}

fn referral_beside(plan: &mut Plan) {
    let referral =
        object! { "ref": "poster-a3", "source": "IGME-SOURCE-LINK", "type": "OPEN_THREAD" };
    let moment = plan.world.moment();
    let message = moment.message(object! { "text": "Komme über den Link" });
    let item = message.and(object! { "referral": referral });
    plan.item("messages/referral_beside", &["message"], &moment, item);
}

fn echoes(plan: &mut Plan) {
    plan.echo(
        "messages/echo_text",
        object! { "text": "Ja, 14 Stück liegen bereit." },
    );
    let reply_to = object! { "story": story(plan) };
    let keys = object! { "text": "Schönes Bild!", "reply_to": reply_to };
    plan.echo("messages/echo_story_reply", keys);
    let keys = object! {
        "text": "Ihr Termin steht.",
        "app_id": 1_420_673_958_261_137,
        "metadata": "booking-bot",
    };
    plan.echo("messages/echo_app_id", keys);
}

fn to_oneself(plan: &mut Plan) {
    let moment = plan.world.moment();
    let account = moment.talk.account;
    let message = object! {
        "mid": &moment.mid,
        "text": "Notiz: Hefe bestellen",
        "is_echo": true,
        "is_self": true,
    };
    let item = moment.item(
        account.id,
        account.own_igsid,
        object! { "message": message },
    );
    plan.item("messages/self", &["message!echo"], &moment, item);
}

fn oddities(plan: &mut Plan) {
    plan.message("messages/unsupported", object! { "is_unsupported": true });
    let moment = plan.world.moment();
    let message = object! { "mid": &moment.mid, "text": "Seid ihr barrierefrei?" };
    let item = moment.received(object! { "folder": "general", "message": message });
    plan.item("messages/folder", &["message"], &moment, item);
    let moment = plan.world.moment();
    let message = object! { "mid": &moment.mid, "text": "Bis morgen" };
    let item = moment.sent(object! { "message": message });
    plan.item(
        "messages/own_sender_without_flag",
        &["message"],
        &moment,
        item,
    );
    let moment = plan.world.moment();
    let item = without_recipient(&moment);
    plan.item("messages/without_recipient", &["message"], &moment, item);
    unmodelled_keys(plan);
}

fn without_recipient(moment: &Moment) -> Json {
    object! {
        "sender": object! { "id": moment.talk.person.igsid },
        "message": object! { "mid": &moment.mid, "text": "nur ich" },
    }
}

/// Keys that are new or Messenger's own stay in the payload.
fn unmodelled_keys(plan: &mut Plan) {
    let moment = plan.world.moment();
    let message = moment.message(object! {
        "text": "hallo",
        "nlp": object! { "intents": [] },
        "seq": 41,
        "mood": object! { "score": 0.75 },
    });
    let prior = object! { "source": "checkbox_plugin", "identifier": "kiosk-3" };
    let item = message.and(object! { "prior_message": prior });
    plan.item("messages/unmodelled_keys", &["message"], &moment, item);
}
