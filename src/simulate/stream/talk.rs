//! Steps as messaging items: what people and accounts write to each other, and all around it.

use super::{
    super::json::{Json, object},
    act::{Act, Attachment, Line, Words},
    attachments::attached,
    notices,
    stage::Stage,
    story::{Story, Told},
    texts,
};
use crate::simulate::mid::mid;

/// This app, and two others that write for the accounts.
pub(super) const OUR_APP: &str = "1420673958261137";
pub(super) const INBOX_APP: &str = "2683170549915206";
const OTHER_APPS: [(i64, &str); 2] = [
    (2_683_170_549_915_206, "inbox"),
    (1_735_204_986_610_438, "booking-bot"),
];

/// What the messaging sender says of `act`, which happened at `at`.
pub(super) fn tell(story: &mut Story, stage: &mut Stage, act: &Act, at: i64) -> Json {
    match *act {
        Act::Say { words, tapped } => say(story, stage, at, (words, tapped)),
        Act::ReplyTo { line, words } => {
            let text = story.text(stage, 0, words);
            let reply_to = reply_to(story, line);
            let keys = object! { "text": &text }.and(reply_to);
            message(story, stage, at, (text, keys))
        }
        Act::Attach(attachment) => {
            let keys = attached(attachment, stage, story.account.sort);
            message(story, stage, at, (String::new(), keys))
        }
        Act::ToStory => {
            let text = story.text(stage, 0, Words::ToStory);
            let told = object! { "url": stage.media_url(), "id": &story.media_id };
            let keys = object! { "text": &text, "reply_to": object! { "story": told } };
            message(story, stage, at, (text, keys))
        }
        Act::FromAd => {
            let text = story.text(stage, 0, Words::Ask);
            let referral = notices::ad_referral(story, stage);
            let keys = object! { "text": &text, "referral": referral };
            message(story, stage, at, (text, keys))
        }
        Act::Echo {
            words,
            reply_to: line,
        } => {
            let text = story.text(stage, 0, words);
            let keys = object! { "text": &text };
            let keys = match line {
                Some(line) => keys.and(reply_to(story, line)),
                None => keys,
            };
            echo(story, stage, at, (text, keys))
        }
        Act::EchoPicture => {
            let keys = attached(Attachment::Image, stage, story.account.sort);
            echo(story, stage, at, (String::new(), keys))
        }
        Act::EchoOfApp => of_app(story, stage, at),
        _ => about(story, stage, act, at),
    }
}

/// What happens to a message that was told.
fn about(story: &mut Story, stage: &mut Stage, act: &Act, at: i64) -> Json {
    match *act {
        Act::Edit { line, count } => {
            let text = story.text(stage, 0, Words::Corrected);
            // Documented as a string, seen as a number.
            let count: Json = match count {
                2 => "2".into(),
                count => i64::from(count).into(),
            };
            let edit = object! { "mid": id(story, line), "text": text, "num_edit": count };
            received(story, at, object! { "message_edit": edit })
        }
        Act::EditUntold(line) => {
            let edit = object! { "mid": id(story, line), "num_edit": 0 };
            object! { "timestamp": at, "message_edit": edit }
        }
        Act::Unsend(line) => unsend(story, line, at),
        Act::React { line, again } => {
            let reaction = texts::reaction(again, &mut stage.random);
            let about = object! { "mid": id(story, line), "action": "react" };
            received(story, at, object! { "reaction": about.and(reaction) })
        }
        Act::Unreact(line) => {
            let about = object! { "mid": id(story, line), "action": "unreact" };
            received(story, at, object! { "reaction": about })
        }
        Act::Seen(line) => received(
            story,
            at,
            object! { "read": object! { "mid": id(story, line) } },
        ),
        Act::SeenUntold(line) => {
            object! { "timestamp": at, "read": object! { "mid": id(story, line) } }
        }
        _ => notices::tell(story, stage, act, at),
    }
}

fn say(story: &mut Story, stage: &mut Stage, at: i64, (words, tapped): (Words, bool)) -> Json {
    if tapped {
        let (title, payload) = texts::quick_reply(&mut stage.random);
        let keys = object! { "text": title, "quick_reply": object! { "payload": payload } };
        return message(story, stage, at, (title.to_owned(), keys));
    }
    let text = story.text(stage, 0, words);
    let keys = object! { "text": &text };
    message(story, stage, at, (text, keys))
}

/// Whoever wrote it takes it back.
fn unsend(story: &Story, line: Line, at: i64) -> Json {
    let deleted = object! { "mid": id(story, line), "is_deleted": true };
    if story.line(line).is_some_and(|told| told.who.is_none()) {
        let deleted = deleted.and(object! { "is_echo": true });
        return sent(story, at, object! { "message": deleted });
    }
    received(story, at, object! { "message": deleted })
}

/// Another app answers: its echo says which.
fn of_app(story: &mut Story, stage: &mut Stage, at: i64) -> Json {
    let (app, metadata) = if story.standby {
        OTHER_APPS[0]
    } else {
        OTHER_APPS[stage.random.index(OTHER_APPS.len())]
    };
    let text = story.text(stage, 0, Words::Answer);
    let mid = remember(story, stage, at, (None, text.clone()));
    let message = object! {
        "mid": mid,
        "text": text,
        "is_echo": true,
        "app_id": app,
        "metadata": metadata,
    };
    sent(story, at, object! { "message": message })
}

fn message(story: &mut Story, stage: &mut Stage, at: i64, (text, keys): (String, Json)) -> Json {
    let mid = remember(story, stage, at, (Some(0), text));
    received(
        story,
        at,
        object! { "message": object! { "mid": mid }.and(keys) },
    )
}

fn echo(story: &mut Story, stage: &mut Stage, at: i64, (text, keys): (String, Json)) -> Json {
    let mid = remember(story, stage, at, (None, text));
    let message = object! { "mid": mid }
        .and(keys)
        .and(object! { "is_echo": true });
    sent(story, at, object! { "message": message })
}

/// Makes the id of a message that is written now, and remembers it.
pub(super) fn remember(
    story: &mut Story,
    stage: &mut Stage,
    at: i64,
    (who, text): (Option<usize>, String),
) -> String {
    let micros = at.saturating_mul(1000) + i64::from(stage.random.below(1000));
    let low = stage.random.next();
    let micros = u64::try_from(micros).unwrap_or_default();
    let id = mid(&story.account.id, &story.thread, micros, low);
    let told = Told {
        id,
        text,
        who,
        ..Told::default()
    };
    story.remember(told).id
}

fn reply_to(story: &Story, line: Line) -> Json {
    object! { "reply_to": object! { "mid": id(story, line) } }
}

fn id(story: &Story, line: Line) -> &str {
    story
        .line(line)
        .map(|told| told.id.as_str())
        .unwrap_or_default()
}

/// An item that the person caused.
pub(super) fn received(story: &Story, at: i64, keys: Json) -> Json {
    item(person(story), &story.account.id, at, keys)
}

/// An item that the account caused.
fn sent(story: &Story, at: i64, keys: Json) -> Json {
    item(&story.account.id, person(story), at, keys)
}

fn person(story: &Story) -> &str {
    story
        .people
        .first()
        .map(|person| person.id.as_str())
        .unwrap_or_default()
}

fn item(sender: &str, recipient: &str, at: i64, keys: Json) -> Json {
    let item = object! {
        "sender": object! { "id": sender },
        "recipient": object! { "id": recipient },
        "timestamp": at,
    };
    item.and(keys)
}
