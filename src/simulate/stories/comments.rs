//! Comments, live comments, mentions and the numbers of stories.

use super::super::{
    envelope::change,
    json::{Json, object},
    plan::Plan,
    world::World,
};

pub(super) fn tell(plan: &mut Plan) {
    ordinary(plan);
    own(plan);
    spellings(plan);
    ads(plan);
    live(plan);
    mentions(plan);
    story_insights(plan);
}

/// A comment of somebody on a media of the account; `keys` follow its id.
pub(super) fn comment(world: &mut World, product: &str, keys: Json) -> Json {
    let person = world.person();
    let comment = object! {
        "from": object! { "id": person.igsid, "username": person.username },
        "media": media(world, product),
        "id": world.comment_id(),
    };
    comment.and(keys)
}

/// A media as comments name it.
pub(super) fn media(world: &mut World, product: &str) -> Json {
    object! { "id": world.media_id(), "media_product_type": product }
}

fn ordinary(plan: &mut Plan) {
    let shown = [
        (
            "comments/text",
            "FEED",
            "Gibt es das Körnerbrot auch am Samstag? 🥨",
        ),
        ("comments/reels", "REELS", "that crust though"),
        ("comments/empty_text", "FEED", ""),
        ("comments/unknown_product_type", "COLLECTION_TILE", "hm"),
    ];
    for (name, product, text) in shown {
        let value = comment(&mut plan.world, product, object! { "text": text });
        plan.change(name, &["comment"], "comments", value);
    }
    let parent = plan.world.comment_id();
    let keys = object! { "parent_id": parent, "text": "Ja, bis 13 Uhr!" };
    let value = comment(&mut plan.world, "FEED", keys);
    plan.change("comments/reply", &["comment"], "comments", value);
    let value = comment(&mut plan.world, "FEED", object! {});
    plan.change("comments/gif_without_text", &["comment"], "comments", value);
}

/// The account answers a comment and is told of its own answer.
fn own(plan: &mut Plan) {
    let account = plan.world.account();
    let from = object! {
        "id": account.id,
        "username": account.username,
        "self_ig_scoped_id": account.own_igsid,
    };
    let value = object! {
        "from": from,
        "media": media(&mut plan.world, "FEED"),
        "id": plan.world.comment_id(),
        "parent_id": plan.world.comment_id(),
        "text": "Danke dir! 100% Roggen.",
    };
    let changes = vec![change("comments", value)];
    plan.changes("comments/own_comment", &["comment"], account.id, changes);
}

fn spellings(plan: &mut Plan) {
    let person = plan.world.person();
    let value = object! {
        "from": object! { "id": person.igsid, "username": person.username },
        "media": media(&mut plan.world, "FEED"),
        "text": "Which flour do you use?",
        "comment_id": plan.world.comment_id(),
    };
    plan.change(
        "comments/comment_id_spelling",
        &["comment"],
        "comments",
        value,
    );
    let value = object! { "text": "nice", "id": plan.world.comment_id() };
    plan.change("comments/text_and_id_only", &["comment"], "comments", value);
    let text = format!("parcel {} arrived", plan.world.random.digits(12));
    let value = object! { "text": text, "from": object! { "username": person.username } };
    plan.change("comments/without_id", &["comment"], "comments", value);
}

fn ads(plan: &mut Plan) {
    let world = &mut plan.world;
    let ad = object! { "ad_id": world.ad_id(), "ad_title": "Weihnachtskiste 2026" };
    let boosted = object! { "original_media_id": world.media_id() };
    let person = world.person();
    let value = object! {
        "from": object! { "id": person.igsid, "username": person.username },
        "media": media(world, "AD").and(ad.clone()).and(boosted),
        "id": world.comment_id(),
        "text": "Schickt ihr auch nach Wien?",
    };
    plan.change("comments/ad", &["comment"], "comments", value);
    ad_pair(plan, ad);
}

/// A comment on a boosted post arrives once for the post and once for the ad.
fn ad_pair(plan: &mut Plan, ad: Json) {
    let media_id = plan.world.media_id();
    let about = |product: &str| object! { "id": &media_id, "media_product_type": product };
    let person = plan.world.person();
    let id = plan.world.comment_id();
    let value = |media: Json| {
        object! {
            "from": object! { "id": person.igsid, "username": person.username },
            "media": media,
            "id": &id,
            "text": "Love this box",
        }
    };
    let changes = vec![
        change("comments", value(about("FEED"))),
        change("comments", value(about("AD").and(ad))),
    ];
    let account = plan.world.account();
    plan.changes(
        "comments/ad_pair",
        &["comment", "comment"],
        account.id,
        changes,
    )
    .repeats = 1;
}

fn live(plan: &mut Plan) {
    let keys = object! { "text": "Zeigt nochmal den Knoten!" };
    let value = comment(&mut plan.world, "LIVE", keys);
    plan.change(
        "live_comments/text",
        &["live_comment"],
        "live_comments",
        value,
    );
    let value = object! {
        "id": plan.world.comment_id(),
        "text": "👏",
        "media": media(&mut plan.world, "LIVE"),
    };
    plan.change(
        "live_comments/without_from",
        &["live_comment"],
        "live_comments",
        value,
    );
}

fn mentions(plan: &mut Plan) {
    let world = &mut plan.world;
    let value = object! { "media_id": world.media_id(), "comment_id": world.comment_id() };
    plan.change("mentions/in_comment", &["mention"], "mentions", value);
    let value = object! { "media_id": plan.world.media_id() };
    plan.change("mentions/in_caption", &["mention"], "mentions", value);
}

/// The numbers of an expired story; Meta writes -1 for fewer than five.
pub(super) fn insights(world: &mut World, seldom: i64) -> Json {
    let mut some = |limit| i64::from(5 + world.random.below(limit));
    object! {
        "impressions": some(2000),
        "reach": some(1500),
        "taps_forward": some(900),
        "taps_back": seldom,
        "exits": some(90),
        "replies": seldom,
    }
}

fn story_insights(plan: &mut Plan) {
    let shown = [
        ("story_insights/counts", 9),
        ("story_insights/fewer_than_five", -1),
    ];
    for (name, seldom) in shown {
        let numbers = insights(&mut plan.world, seldom);
        let value = object! { "media_id": plan.world.media_id() }.and(numbers);
        plan.change(name, &["story_insights"], "story_insights", value);
    }
}
