//! Steps as changes: comments, live comments, mentions and the numbers of stories.

use super::{
    super::{
        crowd::Profile,
        envelope::change,
        json::{Json, object},
    },
    act::{Act, Line, Words},
    stage::Stage,
    story::{Story, Told},
    texts,
};

/// What the changes sender says of `act`.
pub(super) fn tell(story: &mut Story, stage: &mut Stage, act: &Act) -> Json {
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
            let told = story.remember(told);
            change("comments", comment(story, &told))
        }
        Act::Twin(line) => change("comments", twin(story, line)),
        Act::OwnComment(line) => change("comments", own_comment(story, stage, line)),
        Act::Gif { who } => change("comments", gif(story, stage, who)),
        Act::Live { who } => change("live_comments", live(story, stage, who)),
        Act::Mention { in_comment } => change("mentions", mention(stage, in_comment)),
        Act::Insights => change("story_insights", insights(story, stage)),
        _ => new_field(story, stage),
    }
}

fn comment(story: &Story, told: &Told) -> Json {
    let author = told.who.and_then(|who| story.people.get(who));
    let value = object! {
        "from": from(author.unwrap_or(&story.account)),
        "media": media(story, told.by_ad),
        "id": &told.id,
    };
    let parent = told.parent.and_then(|line| story.line(line));
    let value = match parent {
        Some(parent) => value.and(object! { "parent_id": &parent.id }),
        None => value,
    };
    value.and(object! { "text": &told.text })
}

fn from(person: &Profile) -> Json {
    object! { "id": &person.id, "username": &person.username }
}

/// The post, or the ad that shows it.
fn media(story: &Story, by_ad: bool) -> Json {
    let Some(ad) = story.ad.as_ref().filter(|_| by_ad) else {
        return object! { "id": &story.media_id, "media_product_type": story.product };
    };
    object! {
        "id": format!("181{}", &ad.id[4..]),
        "media_product_type": "AD",
        "ad_id": &ad.id,
        "ad_title": texts::ad_title(story.account.sort, ad.number),
        "original_media_id": &story.media_id,
    }
}

/// The same comment the other way.
fn twin(story: &Story, line: Line) -> Json {
    let told = story.line(line).cloned().unwrap_or_default();
    comment(
        story,
        &Told {
            by_ad: !told.by_ad,
            ..told
        },
    )
}

/// The account answers a comment and is told of its own answer.
fn own_comment(story: &mut Story, stage: &mut Stage, line: Line) -> Json {
    let who = story.line(line).and_then(|told| told.who);
    let text = story.text(stage, who.unwrap_or_default(), Words::OwnReply);
    let id = stage.comment_id();
    let told = story.remember(Told {
        id,
        text,
        parent: Some(line),
        ..Told::default()
    });
    let own = object! { "self_ig_scoped_id": &story.account.own_igsid };
    let parent = story.line(line).map(|parent| parent.id.clone());
    object! {
        "from": from(&story.account).and(own),
        "media": media(story, false),
        "id": told.id,
        "parent_id": parent.unwrap_or_default(),
        "text": told.text,
    }
}

fn gif(story: &mut Story, stage: &mut Stage, who: usize) -> Json {
    let id = stage.comment_id();
    let told = story.remember(Told {
        id,
        who: Some(who),
        ..Told::default()
    });
    let author = story.people.get(who).unwrap_or(&story.account);
    object! { "from": from(author), "media": media(story, false), "id": told.id }
}

/// Some live comments come without their author.
fn live(story: &Story, stage: &mut Stage, who: usize) -> Json {
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
fn mention(stage: &mut Stage, in_comment: bool) -> Json {
    let value = object! { "media_id": stage.media_id() };
    if in_comment {
        value.and(object! { "comment_id": stage.comment_id() })
    } else {
        value
    }
}

/// The story has expired; Meta writes -1 for fewer than five.
fn insights(story: &Story, stage: &mut Stage) -> Json {
    stage
        .posted
        .retain(|posted| posted.media_id != story.media_id);
    let size = 12 + stage.random.below(2000);
    let mut count = |share: u32| {
        let number = stage.random.below(2 * size / share + 1);
        if number < 5 { -1 } else { i64::from(number) }
    };
    object! {
        "media_id": &story.media_id,
        "impressions": i64::from(size),
        "reach": i64::from(size * 9 / 10),
        "taps_forward": count(2),
        "taps_back": count(20),
        "exits": count(12),
        "replies": count(150),
    }
}

/// A change of a field that Meta does not document, or that nobody knows.
fn new_field(story: &Story, stage: &mut Stage) -> Json {
    const FIELDS: [&str; 5] = [
        "follow",
        "share_to_story",
        "story_reactions",
        "story_poll_response",
        "collab_invites",
    ];
    let field = FIELDS[stage.random.index(FIELDS.len())];
    let from = story.people.first().unwrap_or(&story.account);
    let value = object! { "id": stage.media_id(), "from": object! { "id": &from.id } };
    change(field, value)
}
