//! Steps as messaging items: what people and accounts write to each other, and all around it.

use super::{
    super::json::{Value, object},
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
pub(super) fn tell<'a>(story: &'a mut Story, stage: &mut Stage, act: &Act, at: i64) -> Value<'a> {
    match *act {
        Act::Say { words, tapped } => say(story, stage, at, (words, tapped)),
        Act::ReplyTo { line, words } => {
            let text = story.text(stage, 0, words);
            message(story, stage, at, text, |story| reply_to(story, line))
        }
        Act::Attach(attachment) => {
            let keys = attached(attachment, stage, story.account.sort);
            message(story, stage, at, String::new(), |_| keys)
        }
        Act::ToStory => {
            let text = story.text(stage, 0, Words::ToStory);
            let url = stage.media_url();
            message(story, stage, at, text, |story| {
                let told = object! { "url": url, "id": Value::lent(&story.media_id) };
                object! { "reply_to": object! { "story": told } }
            })
        }
        Act::FromAd => {
            let text = story.text(stage, 0, Words::Ask);
            let referral = notices::ad_referral(story, stage);
            message(story, stage, at, text, |_| object! { "referral": referral })
        }
        Act::Echo {
            words,
            reply_to: line,
        } => {
            let text = story.text(stage, 0, words);
            echo(story, stage, at, text, |story| match line {
                Some(line) => reply_to(story, line),
                None => object! {},
            })
        }
        Act::EchoPicture => {
            let keys = attached(Attachment::Image, stage, story.account.sort);
            echo(story, stage, at, String::new(), |_| keys)
        }
        Act::EchoOfApp => of_app(story, stage, at),
        _ => about(story, stage, act, at),
    }
}

/// What happens to a message that was told.
fn about<'a>(story: &'a mut Story, stage: &mut Stage, act: &Act, at: i64) -> Value<'a> {
    match *act {
        Act::Edit { line, count } => {
            let text = story.text(stage, 0, Words::Corrected);
            // Documented as a string, seen as a number.
            let count: Value<'_> = match count {
                2 => "2".into(),
                count => i64::from(count).into(),
            };
            let edit = object! { "mid": id(story, line), "text": text, "num_edit": count };
            received(story, at, ("message_edit", edit))
        }
        Act::EditUntold(line) => {
            let edit = object! { "mid": id(story, line), "num_edit": 0 };
            object! { "timestamp": at, "message_edit": edit }
        }
        Act::Unsend(line) => unsend(story, line, at),
        Act::React { line, again } => {
            let reaction = texts::reaction(again, &mut stage.random);
            let about = object! { "mid": id(story, line), "action": "react" };
            received(story, at, ("reaction", about.and(reaction)))
        }
        Act::Unreact(line) => {
            let about = object! { "mid": id(story, line), "action": "unreact" };
            received(story, at, ("reaction", about))
        }
        Act::Seen(line) => {
            let read = object! { "mid": id(story, line) };
            received(story, at, ("read", read))
        }
        Act::SeenUntold(line) => {
            object! { "timestamp": at, "read": object! { "mid": id(story, line) } }
        }
        _ => notices::tell(story, stage, act, at),
    }
}

fn say<'a>(
    story: &'a mut Story,
    stage: &mut Stage,
    at: i64,
    (words, tapped): (Words, bool),
) -> Value<'a> {
    if tapped {
        let (title, payload) = texts::quick_reply(&mut stage.random);
        let payload = object! { "payload": Value::lent(payload) };
        let keys = object! { "quick_reply": payload };
        return message(story, stage, at, title.to_owned(), |_| keys);
    }
    let text = story.text(stage, 0, words);
    message(story, stage, at, text, |_| object! {})
}

/// Whoever wrote it takes it back.
fn unsend(story: &Story, line: Line, at: i64) -> Value<'_> {
    let deleted = object! { "mid": id(story, line), "is_deleted": true };
    if story.line(line).is_some_and(|told| told.who.is_none()) {
        let deleted = deleted.and(object! { "is_echo": true });
        return sent(story, at, ("message", deleted));
    }
    received(story, at, ("message", deleted))
}

/// Another app answers: its echo says which.
fn of_app<'a>(story: &'a mut Story, stage: &mut Stage, at: i64) -> Value<'a> {
    let (app, metadata) = if story.standby {
        OTHER_APPS[0]
    } else {
        OTHER_APPS[stage.random.index(OTHER_APPS.len())]
    };
    let text = story.text(stage, 0, Words::Answer);
    let keys = object! { "is_echo": true, "app_id": app, "metadata": Value::lent(metadata) };
    let line = remember(story, stage, at, (None, text));
    sent(story, at, ("message", written(story, line).and(keys)))
}

/// The person writes `text`, if any; the message says `keys` beside.
fn message<'a>(
    story: &'a mut Story,
    stage: &mut Stage,
    at: i64,
    text: String,
    keys: impl FnOnce(&'a Story) -> Value<'a>,
) -> Value<'a> {
    let line = remember(story, stage, at, (Some(0), text));
    let message = written(story, line).and(keys(story));
    received(story, at, ("message", message))
}

/// The account writes, and is told of it.
fn echo<'a>(
    story: &'a mut Story,
    stage: &mut Stage,
    at: i64,
    text: String,
    keys: impl FnOnce(&'a Story) -> Value<'a>,
) -> Value<'a> {
    let line = remember(story, stage, at, (None, text));
    let message = written(story, line).and(keys(story));
    sent(
        story,
        at,
        ("message", message.and(object! { "is_echo": true })),
    )
}

/// The id of a message that was written, and its text where it has one.
fn written(story: &Story, line: Line) -> Value<'_> {
    let mut keys = Vec::with_capacity(4);
    keys.push(("mid", id(story, line)));
    let text = story.line(line).map(|told| told.text.as_str());
    keys.extend(
        text.filter(|text| !text.is_empty())
            .map(|text| ("text", Value::lent(text))),
    );
    Value::Object(keys)
}

/// Makes the id of a message that is written now, and remembers it.
pub(super) fn remember(
    story: &mut Story,
    stage: &mut Stage,
    at: i64,
    (who, text): (Option<usize>, String),
) -> Line {
    let micros = at.saturating_mul(1000) + i64::from(stage.random.below(1000));
    let low = stage.random.next();
    let micros = u64::try_from(micros).unwrap_or_default();
    let id = mid(&story.account.id, &story.thread, micros, low);
    story.remember(Told {
        id,
        text,
        who,
        ..Told::default()
    })
}

fn reply_to(story: &Story, line: Line) -> Value<'_> {
    object! { "reply_to": object! { "mid": id(story, line) } }
}

/// The id of what was told at `line`.
pub(super) fn id(story: &Story, line: Line) -> Value<'_> {
    let id = story.line(line).map(|told| told.id.as_str());
    Value::lent(id.unwrap_or_default())
}

/// An item that the person caused.
pub(super) fn received<'a>(story: &'a Story, at: i64, key: (&'static str, Value<'a>)) -> Value<'a> {
    item(person(story), &story.account.id, at, key)
}

/// An item that the account caused.
fn sent<'a>(story: &'a Story, at: i64, key: (&'static str, Value<'a>)) -> Value<'a> {
    item(&story.account.id, person(story), at, key)
}

fn person(story: &Story) -> &str {
    story
        .people
        .first()
        .map(|person| person.id.as_str())
        .unwrap_or_default()
}

fn item<'a>(
    sender: &'a str,
    recipient: &'a str,
    at: i64,
    (key, value): (&'static str, Value<'a>),
) -> Value<'a> {
    Value::Object(vec![
        ("sender", object! { "id": Value::lent(sender) }),
        ("recipient", object! { "id": Value::lent(recipient) }),
        ("timestamp", at.into()),
        (key, value),
    ])
}
