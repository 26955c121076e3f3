//! Steps as messaging items that are no messages: buttons, referrals, opt-ins, handovers, notices.

use super::{
    super::json::{Json, Value, object},
    act::{Act, Line},
    stage::Stage,
    story::Story,
    talk::{INBOX_APP, OUR_APP, id, received, remember},
    texts,
};

/// What the messaging sender says of `act`, which happened at `at`.
pub(super) fn tell<'a>(story: &'a mut Story, stage: &mut Stage, act: &Act, at: i64) -> Value<'a> {
    match *act {
        Act::Tap => tap(story, stage, at, None),
        Act::TapFromAd => {
            let referral = ad_referral(story, stage);
            tap(story, stage, at, Some(referral))
        }
        Act::Referred => {
            let referral = texts::link(story.account.sort, &mut stage.random);
            received(story, at, ("referral", referral))
        }
        Act::ReferredByAd => {
            let referral = ad_referral(story, stage);
            received(story, at, ("referral", referral))
        }
        Act::Optin { stop } => optin(story, stage, at, stop),
        Act::Policy => policy(story, stage, at),
        Act::Feedback(line) => feedback(story, stage, at, line),
        Act::NewItem => new_item(story, stage, at),
        _ => handover(story, act, at),
    }
}

fn tap<'a>(story: &'a mut Story, stage: &mut Stage, at: i64, referral: Option<Json>) -> Value<'a> {
    let (title, payload) = texts::button(story.account.sort, &mut stage.random);
    let line = remember(story, stage, at, (Some(0), title.to_owned()));
    let mut postback = object! { "mid": id(story, line), "title": Value::lent(title) };
    // An app that does not hold the conversation is not told the payload.
    if !story.standby {
        postback = postback.and(object! { "payload": Value::lent(payload) });
    }
    if let Some(referral) = referral {
        postback = postback.and(object! { "referral": referral });
    }
    received(story, at, ("postback", postback))
}

/// Through which ad somebody comes.
pub(super) fn ad_referral(story: &Story, stage: &mut Stage) -> Json {
    let (id, number) = story
        .ad
        .as_ref()
        .map_or(("", 0), |ad| (ad.id.as_str(), ad.number));
    let context = object! {
        "ad_title": texts::ad_title(story.account.sort, number),
        "photo_url": stage.media_url(),
    };
    object! {
        "ref": format!("ad-{}", number + 1),
        "ad_id": id,
        "source": "ADS",
        "type": "OPEN_THREAD",
        "ads_context_data": context,
    }
}

/// Somebody agrees to be written to for half a year, or stops it.
fn optin<'a>(story: &'a Story, stage: &mut Stage, at: i64, stop: bool) -> Value<'a> {
    let half_a_year_ms = 180 * 86_400_000;
    let optin = object! {
        "type": "notification_messages",
        "payload": "newsletter",
        "notification_messages_token": stage.token(),
        "notification_messages_frequency": "WEEKLY",
        "notification_messages_timezone": "Europe/Berlin",
        "token_expiry_timestamp": at.saturating_add(half_a_year_ms),
        "user_token_status": "NOT_REFRESHED",
        "title": texts::newsletter(story.account.sort),
    };
    let optin = if stop {
        optin.and(object! { "notification_messages_status": "STOP NOTIFICATIONS" })
    } else {
        optin
    };
    received(story, at, ("optin", optin))
}

/// Who holds the conversation from now on.
fn handover<'a>(story: &'a mut Story, act: &Act, at: i64) -> Value<'a> {
    let owners = |previous: &str, new: &str, metadata: &str| {
        object! {
            "previous_owner_app_id": previous,
            "new_owner_app_id": new,
            "metadata": metadata,
        }
    };
    let key = match act {
        Act::Request => {
            let asked = object! { "requested_owner_app_id": INBOX_APP, "metadata": "" };
            ("request_thread_control", asked)
        }
        Act::Take => {
            story.standby = false;
            let owners = owners(INBOX_APP, OUR_APP, "done");
            ("take_thread_control", owners)
        }
        Act::Roles => return to_account(story, at, ("app_roles", roles())),
        _ => {
            story.standby = true;
            let owners = owners(OUR_APP, INBOX_APP, "to a human");
            ("pass_thread_control", owners)
        }
    };
    received(story, at, key)
}

fn roles() -> Json {
    Json::Object(vec![
        (OUR_APP, ["primary_receiver".into()].into()),
        (INBOX_APP, ["secondary_receiver".into()].into()),
    ])
}

/// Meta has a word with the account.
fn policy<'a>(story: &'a Story, stage: &mut Stage, at: i64) -> Value<'a> {
    let action = ["warning", "warning", "block", "unblock"][stage.random.index(4)];
    let notice = object! {
        "action": action,
        "reason": "Invented reason: too many messages outside the window.",
    };
    to_account(story, at, ("policy-enforcement", notice))
}

fn feedback<'a>(story: &'a Story, stage: &mut Stage, at: i64, line: Line) -> Value<'a> {
    let feedback = if stage.once_in(3) {
        "Bad response"
    } else {
        "Good response"
    };
    let rated = object! { "feedback": Value::lent(feedback), "mid": id(story, line) };
    received(story, at, ("response_feedback", rated))
}

/// Keys that Meta has not documented.
fn new_item<'a>(story: &'a Story, stage: &mut Stage, at: i64) -> Value<'a> {
    const KEYS: [&str; 3] = ["voice_room", "typing_preview", "gift"];
    let key = KEYS[stage.random.index(KEYS.len())];
    let value = object! { "id": stage.token(), "state": "started" };
    received(story, at, (key, value))
}

/// An item about the account itself: it has no sender.
fn to_account<'a>(story: &'a Story, at: i64, (key, value): (&'static str, Json)) -> Value<'a> {
    Value::Object(vec![
        (
            "recipient",
            object! { "id": Value::lent(&story.account.id) },
        ),
        ("timestamp", at.into()),
        (key, value),
    ])
}
