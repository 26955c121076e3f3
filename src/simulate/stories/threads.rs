//! How conversations begin: postbacks, referrals and opt-ins.

use super::super::{
    json::{Json, object},
    plan::Plan,
};

pub(super) fn tell(plan: &mut Plan) {
    postbacks(plan);
    postbacks_of_oneself(plan);
    referrals(plan);
    optins(plan);
}

fn postbacks(plan: &mut Plan) {
    let cancel = || object! { "title": "Absagen", "payload": "CANCEL_4471" };
    let link = object! { "ref": "flyer-07", "source": "SHORTLINK", "type": "OPEN_THREAD" };
    let start = object! { "title": "Loslegen", "payload": "START", "referral": link };
    let question = object! { "title": "Wann habt ihr geöffnet?", "payload": "ICE_OPENING_HOURS" };
    let with_mid = [
        ("postbacks/with_mid", cancel()),
        ("postbacks/referral", start),
        ("postbacks/icebreaker", question),
        ("postbacks/title_only", object! { "title": "Absagen" }),
    ];
    for (name, keys) in with_mid {
        let moment = plan.world.moment();
        let postback = object! { "mid": &moment.mid }.and(keys);
        let item = moment.received(object! { "postback": postback });
        plan.item(name, &["postback"], &moment, item);
    }
    let keys = object! { "postback": cancel() };
    plan.received("postbacks/without_mid", &["postback"], keys);
}

fn postbacks_of_oneself(plan: &mut Plan) {
    let moment = plan.world.moment();
    let account = moment.talk.account;
    let postback = object! {
        "mid": &moment.mid,
        "title": "Mit einem Menschen reden",
        "payload": "HUMAN",
    };
    let keys = object! { "is_self": true, "postback": postback };
    let item = moment.item(account.id, account.id, keys);
    plan.item("postbacks/is_self", &["postback"], &moment, item);
}

fn referrals(plan: &mut Plan) {
    let opened =
        |from: &str, source: &str| object! { "ref": from, "source": source, "type": "OPEN_THREAD" };
    let context = object! {
        "ad_title": "Radwoche",
        "photo_url": plan.world.media_url(),
        "post_id": plan.world.random.digits(16),
    };
    let ad = object! { "ad_id": plan.world.ad_id(), "ads_context_data": context };
    let story = object! { "referer_uri": "https://example.org/stories/museum.am.siel/" };
    let shown = [
        (
            "referrals/igme_link",
            opened("schaufenster", "IGME-SOURCE-LINK"),
        ),
        ("referrals/ads", opened("bike-week", "ADS").and(ad)),
        (
            "referrals/story",
            opened("nachtführung", "IG_STORY").and(story),
        ),
    ];
    for (name, referral) in shown {
        plan.received(name, &["referral"], object! { "referral": referral });
    }
}

fn optins(plan: &mut Plan) {
    let optin = notification_messages(plan);
    plan.received(
        "optins/notification_messages",
        &["optin"],
        object! { "optin": optin },
    );
    let stop = object! { "notification_messages_status": "STOP NOTIFICATIONS" };
    let optin = notification_messages(plan).and(stop);
    plan.received("optins/stop", &["optin"], object! { "optin": optin });
    let user_ref = format!("kiosk-3-visitor-{}", plan.world.random.digits(9));
    let optin = object! { "ref": "kiosk-3", "user_ref": user_ref };
    plan.received("optins/legacy", &["optin"], object! { "optin": optin });
}

/// Somebody agrees to be written to for half a year.
fn notification_messages(plan: &mut Plan) -> Json {
    let half_a_year_ms = 180 * 86_400_000;
    object! {
        "type": "notification_messages",
        "payload": "newsletter/museum",
        "notification_messages_token": plan.world.random.digits(19),
        "notification_messages_frequency": "WEEKLY",
        "notification_messages_timezone": "Europe/Berlin",
        "token_expiry_timestamp": plan.world.tick() + half_a_year_ms,
        "user_token_status": "NOT_REFRESHED",
        "title": "Neues aus dem Museum",
    }
}
