//! Steps as messaging items that are no messages: buttons, referrals, opt-ins, handovers, notices.

use super::{
    super::json::{Json, object},
    act::{Act, Line},
    stage::Stage,
    story::Story,
    talk::{INBOX_APP, OUR_APP, received, remember},
    texts,
};

/// What the messaging sender says of `act`, which happened at `at`.
pub(super) fn tell(story: &mut Story, stage: &mut Stage, act: &Act, at: i64) -> Json {
    match *act {
        Act::Tap => tap(story, stage, at, None),
        Act::TapFromAd => {
            let referral = ad_referral(story, stage);
            tap(story, stage, at, Some(referral))
        }
        Act::Referred => {
            let referral = texts::link(story.account.sort, &mut stage.random);
            received(story, at, object! { "referral": referral })
        }
        Act::ReferredByAd => {
            let referral = ad_referral(story, stage);
            received(story, at, object! { "referral": referral })
        }
        Act::Optin { stop } => optin(story, stage, at, stop),
        Act::Policy => policy(story, stage, at),
        Act::Feedback(line) => feedback(story, stage, at, line),
        Act::NewItem => new_item(story, stage, at),
        _ => handover(story, act, at),
    }
}

fn tap(story: &mut Story, stage: &mut Stage, at: i64, referral: Option<Json>) -> Json {
    let (title, payload) = texts::button(story.account.sort, &mut stage.random);
    let mid = remember(story, stage, at, (Some(0), title.to_owned()));
    let mut postback = object! { "mid": mid, "title": title };
    // An app that does not hold the conversation is not told the payload.
    if !story.standby {
        postback = postback.and(object! { "payload": payload });
    }
    if let Some(referral) = referral {
        postback = postback.and(object! { "referral": referral });
    }
    received(story, at, object! { "postback": postback })
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
fn optin(story: &Story, stage: &mut Stage, at: i64, stop: bool) -> Json {
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
    received(story, at, object! { "optin": optin })
}

/// Who holds the conversation from now on.
fn handover(story: &mut Story, act: &Act, at: i64) -> Json {
    let owners = |previous: &str, new: &str, metadata: &str| {
        object! {
            "previous_owner_app_id": previous,
            "new_owner_app_id": new,
            "metadata": metadata,
        }
    };
    let keys = match act {
        Act::Request => {
            let asked = object! { "requested_owner_app_id": INBOX_APP, "metadata": "" };
            object! { "request_thread_control": asked }
        }
        Act::Take => {
            story.standby = false;
            object! { "take_thread_control": owners(INBOX_APP, OUR_APP, "done") }
        }
        Act::Roles => return to_account(story, at, roles()),
        _ => {
            story.standby = true;
            object! { "pass_thread_control": owners(OUR_APP, INBOX_APP, "to a human") }
        }
    };
    received(story, at, keys)
}

fn roles() -> Json {
    let roles = Json::Object(vec![
        (OUR_APP.into(), ["primary_receiver".into()].into()),
        (INBOX_APP.into(), ["secondary_receiver".into()].into()),
    ]);
    object! { "app_roles": roles }
}

/// Meta has a word with the account.
fn policy(story: &Story, stage: &mut Stage, at: i64) -> Json {
    let action = ["warning", "warning", "block", "unblock"][stage.random.index(4)];
    let notice = object! {
        "action": action,
        "reason": "Invented reason: too many messages outside the window.",
    };
    to_account(story, at, object! { "policy-enforcement": notice })
}

fn feedback(story: &Story, stage: &mut Stage, at: i64, line: Line) -> Json {
    let feedback = if stage.once_in(3) {
        "Bad response"
    } else {
        "Good response"
    };
    let mid = story.line(line).map(|told| told.id.clone());
    let rated = object! { "feedback": feedback, "mid": mid.unwrap_or_default() };
    received(story, at, object! { "response_feedback": rated })
}

/// Keys that Meta has not documented.
fn new_item(story: &Story, stage: &mut Stage, at: i64) -> Json {
    const KEYS: [&str; 3] = ["voice_room", "typing_preview", "gift"];
    let key = KEYS[stage.random.index(KEYS.len())];
    let value = object! { "id": stage.token(), "state": "started" };
    received(story, at, Json::Object(vec![(key.into(), value)]))
}

/// An item about the account itself: it has no sender.
fn to_account(story: &Story, at: i64, keys: Json) -> Json {
    let item = object! {
        "recipient": object! { "id": &story.account.id },
        "timestamp": at,
    };
    item.and(keys)
}
