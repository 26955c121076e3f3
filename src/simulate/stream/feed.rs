//! Steps as changes: comments, live comments, mentions and the numbers of stories.

use std::borrow::Cow;

use super::{
    super::{
        crowd::Profile,
        envelope::change,
        json::{Value, object},
    },
    act::{Act, Line, Words},
    stage::Stage,
    story::{Story, Told},
    texts,
};

const COMMENTS: Value<'static> = Value::Text(Cow::Borrowed("comments"));

/// What the changes sender says of `act`.
pub(super) fn tell<'a>(story: &'a mut Story, stage: &mut Stage, act: &Act) -> Value<'a> {
    match *act {
        Act::Comment {
            who,
            words,
            parent,
            by_ad,
        } => {
            let text = story.text(stage, who, words);
            let told = Told {
                id: stage.comment_id(),
                text,
                who: Some(who),
                parent,
                by_ad,
            };
            let line = story.remember(told);
            change(COMMENTS, comment(story, line))
        }
        Act::Twin(line) => change(COMMENTS, twin(story, line)),
        Act::OwnComment(line) => change(COMMENTS, own_comment(story, stage, line)),
        Act::Gif { who } => change(COMMENTS, gif(story, stage, who)),
        Act::Live { who } => change("live_comments", live(story, stage, who)),
        Act::Mention { in_comment } => change("mentions", mention(stage, in_comment)),
        Act::Insights => change("story_insights", insights(story, stage)),
        _ => new_field(story, stage),
    }
}

fn comment(story: &Story, line: Line) -> Value<'_> {
    let told = story.line(line);
    comment_by(story, line, told.is_some_and(|told| told.by_ad))
}

/// The same comment the other way.
fn twin(story: &Story, line: Line) -> Value<'_> {
    let told = story.line(line);
    comment_by(story, line, told.is_none_or(|told| !told.by_ad))
}

/// What was told at `line`, through the ad or not.
fn comment_by(story: &Story, line: Line, by_ad: bool) -> Value<'_> {
    let Some(told) = story.line(line) else {
        return Value::Null;
    };
    let author = told.who.and_then(|who| story.people.get(who));
    let mut keys = Vec::with_capacity(5);
    keys.push(("from", from(author.unwrap_or(&story.account))));
    keys.push(("media", media(story, by_ad)));
    keys.push(("id", Value::lent(&told.id)));
    let parent = told.parent.and_then(|line| story.line(line));
    keys.extend(parent.map(|parent| ("parent_id", Value::lent(&parent.id))));
    keys.push(("text", Value::lent(&told.text)));
    Value::Object(keys)
}

fn from(person: &Profile) -> Value<'_> {
    object! { "id": Value::lent(&person.id), "username": Value::lent(&person.username) }
}

/// The post, or the ad that shows it.
fn media(story: &Story, by_ad: bool) -> Value<'_> {
    let media_id = Value::lent(&story.media_id);
    let Some(ad) = story.ad.as_ref().filter(|_| by_ad) else {
        return object! { "id": media_id, "media_product_type": Value::lent(story.product) };
    };
    object! {
        "id": format!("181{}", &ad.id[4..]),
        "media_product_type": Value::lent("AD"),
        "ad_id": Value::lent(&ad.id),
        "ad_title": Value::lent(texts::ad_title(story.account.sort, ad.number)),
        "original_media_id": media_id,
    }
}

/// The account answers a comment and is told of its own answer.
fn own_comment<'a>(story: &'a mut Story, stage: &mut Stage, line: Line) -> Value<'a> {
    let who = story.line(line).and_then(|told| told.who);
    let text = story.text(stage, who.unwrap_or_default(), Words::OwnReply);
    let id = stage.comment_id();
    let own = story.remember(Told {
        id,
        text,
        parent: Some(line),
        ..Told::default()
    });
    let id = |line| Value::lent(story.line(line).map_or("", |told| &told.id));
    let own_igsid = object! { "self_ig_scoped_id": Value::lent(&story.account.own_igsid) };
    object! {
        "from": from(&story.account).and(own_igsid),
        "media": media(story, false),
        "id": id(own),
        "parent_id": id(line),
        "text": Value::lent(story.line(own).map_or("", |told| &told.text)),
    }
}

fn gif<'a>(story: &'a mut Story, stage: &mut Stage, who: usize) -> Value<'a> {
    let told = story.remember(Told {
        id: stage.comment_id(),
        who: Some(who),
        ..Told::default()
    });
    let author = story.people.get(who).unwrap_or(&story.account);
    let id = story.line(told).map_or("", |told| &told.id);
    object! { "from": from(author), "media": media(story, false), "id": Value::lent(id) }
}

/// Some live comments come without their author.
fn live<'a>(story: &'a Story, stage: &mut Stage, who: usize) -> Value<'a> {
    let text = story.text(stage, who, Words::Live);
    let value = object! {
        "media": media(story, false),
        "id": stage.comment_id(),
        "text": text,
    };
    match story.people.get(who) {
        Some(author) if !stage.once_in(20) => object! { "from": from(author) }.and(value),
        _ => value,
    }
}

/// A mention in a caption names the post only.
fn mention(stage: &mut Stage, in_comment: bool) -> Value<'static> {
    let value = object! { "media_id": stage.media_id() };
    if in_comment {
        value.and(object! { "comment_id": stage.comment_id() })
    } else {
        value
    }
}

/// The story has expired; Meta writes -1 for fewer than five.
fn insights<'a>(story: &'a Story, stage: &mut Stage) -> Value<'a> {
    stage
        .posted
        .retain(|posted| posted.media_id != story.media_id);
    let size = 12 + stage.random.below(2000);
    let mut count = |share: u32| {
        let number = stage.random.below(2 * size / share + 1);
        if number < 5 { -1 } else { i64::from(number) }
    };
    object! {
        "media_id": Value::lent(&story.media_id),
        "impressions": i64::from(size),
        "reach": i64::from(size * 9 / 10),
        "taps_forward": count(2),
        "taps_back": count(20),
        "exits": count(12),
        "replies": count(150),
    }
}

/// A change of a field that Meta does not document, or that nobody knows.
fn new_field<'a>(story: &'a Story, stage: &mut Stage) -> Value<'a> {
    const FIELDS: [&str; 5] = [
        "follow",
        "share_to_story",
        "story_reactions",
        "story_poll_response",
        "collab_invites",
    ];
    let field = FIELDS[stage.random.index(FIELDS.len())];
    let from = story.people.first().unwrap_or(&story.account);
    // With a time of its own a retry is a repeat.
    let value = object! {
        "id": stage.media_id(),
        "from": object! { "id": Value::lent(&from.id) },
        "timestamp": story.happened_at / 1_000,
    };
    change(field, value)
}
