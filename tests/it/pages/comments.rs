//! Pages of comments: media, and the threads under one.

use hookshelf::clock::Clock;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::message::notification,
};

const ACCOUNT: &str = "17840000000000001";

/// Comment of a person, or reply to `parent`, on the media 8100.
pub(super) fn said(from: &str, id: &str, text: &str, parent: Option<&str>) -> String {
    let mut value = json!({"id": id, "text": text, "from": {"id": from, "username": format!("u{from}")},
        "media": {"id": "8100", "media_product_type": "REELS"}});
    if let Some(parent) = parent {
        value["parent_id"] = parent.into();
    }
    notification(
        ACCOUNT,
        "changes",
        &json!({"field": "comments", "value": value}),
    )
}

/// Desk with an answered and an unanswered thread.
async fn desk_of_threads() -> Desk {
    let desk = Desk::open().await;
    desk.deliver(said("7001", "9001", "How much is it?", None))
        .await;
    desk.deliver(said(ACCOUNT, "9002", "Three euros", Some("9001")))
        .await;
    desk.deliver(said("7002", "9003", "Lovely rolls", None))
        .await;
    desk.be_listed().await;
    desk
}

#[tokio::test]
async fn a_list_shows_the_media_and_leads_to_their_threads() {
    let desk = Desk::open().await;
    desk.page("/comments").await.says("Nothing here yet");
    let desk = desk_of_threads().await;
    let list = desk.page("/comments").await;
    list.says("Reel 8100")
        .says("2 comments by 2 people, 1 of the account")
        .says("1 unanswered");
    assert!(list.html.contains("aria-label=\"3 comments since "));
    assert_eq!(list.html.matches("class=\"curve\"").count(), 1);
    let thread = desk.page(&list.links("/comments/8100")[0]).await;
    thread
        .says("Comments on reel 8100")
        .says("Meta never reports");
    for text in [
        "How much is it?",
        "Three euros",
        "Your account",
        "Lovely rolls",
        "@u7002",
    ] {
        thread.says(text);
    }
    assert_eq!(thread.html.matches("<h1").count(), 1);
    assert_eq!(thread.text().matches("Unanswered,").count(), 1);
    let event = thread.links("/events/")[0].clone();
    desk.page(&event).await.says("Comment of");
    let none = desk.page("/comments?account=1&unanswered=true").await;
    none.says("Nothing matches");
}

#[tokio::test]
async fn threads_are_chosen_by_their_state_author_and_words() {
    let desk = desk_of_threads().await;
    let [asked, praised] = ["How much", "Lovely"];
    for (choice, shown, hidden) in [
        ("answered=false", praised, asked),
        ("answered=true", asked, praised),
        ("person=%40U7002", praised, asked),
        ("person=7001", asked, praised),
        ("text=LOVELY", praised, asked),
        ("questions=true", asked, praised),
        ("thread=9003", praised, asked),
    ] {
        let page = desk.page(&format!("/comments/8100?{choice}")).await;
        page.says(shown).hides(hidden);
    }
    let none = desk.page("/comments/8100?text=croissant").await;
    none.says("Nothing matches").says("Show all threads");
}

#[tokio::test]
async fn a_long_list_of_threads_has_parts() {
    let desk = desk_of_threads().await;
    let newest = desk.page("/comments/8100?limit=1").await;
    newest.says("Lovely rolls").hides("How much");
    let older = newest.links("before=")[0].clone();
    let page = desk.page(&older).await;
    page.says("How much").hides("Lovely rolls");
    let chosen = desk.page("/comments/8100?limit=1&person=7001").await;
    chosen.says("How much").hides("Lovely rolls");
}

/// Live comment on the media 8300, this many seconds after 11:06:40 UTC.
fn said_live(id: &str, text: &str, second: i64) -> String {
    let value = json!({"id": id, "text": text, "from": {"id": "7001"}, "media": {"id": "8300"}});
    let change = json!({"field": "live_comments", "value": value});
    let entry = json!({"id": ACCOUNT, "time": 1_795_000_000 + second, "changes": [change]});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

#[tokio::test]
async fn live_comments_are_a_timeline_by_minute() {
    let desk = Desk::open().await;
    for (id, text, second) in [
        ("9001", "hello", 0),
        ("9002", "louder", 100),
        ("9003", "bye", 130),
    ] {
        desk.deliver(said_live(id, text, second)).await;
    }
    desk.be_listed().await;
    let page = desk.page("/comments/8300").await;
    page.says("Comments on live 8300")
        .says("11:08 · minute 3 · 2 comments")
        .says("11:06 · minute 1 · 1 comment");
    let text = page.text();
    let places = ["minute 3", "bye", "louder", "minute 1", "hello"];
    let places = places.map(|part| text.rfind(part).unwrap());
    assert!(places.is_sorted(), "{text}");
    assert_eq!(page.html.matches("class=\"bar-fill comments\"").count(), 2);

    let newest = desk.page("/comments/8300?limit=1").await;
    newest
        .says("11:08 · minute 3 · 2 comments")
        .says("bye")
        .hides("louder");
    let first = page.links("before=")[1].clone();
    desk.page(&first).await.says("hello").hides("louder");
    let chosen = desk.page("/comments/8300?text=louder").await;
    chosen
        .says("11:08 · minute 3")
        .hides("2 comments")
        .hides("bar-fill");

    desk.deliver(said("7001", "9101", "How much is it?", None))
        .await;
    desk.be_listed().await;
    desk.page("/comments/8100").await.hides("minute 1");
}

#[tokio::test]
async fn the_audit_records_the_reading_of_threads() {
    let desk = desk_of_threads().await;
    desk.page("/comments").await;
    desk.page("/comments/8100").await;
    let audit = desk.read_as("privacy", "/v1/audit").await;
    let entries = audit["audit"].as_array().unwrap();
    let verbs: Vec<_> = entries
        .iter()
        .map(|it| it["verb"].as_str().unwrap())
        .collect();
    assert_eq!(verbs, ["comments"], "{audit}");
}

#[tokio::test]
async fn a_viewer_sees_that_comments_are_there_and_not_their_content() {
    let desk = desk_of_threads().await;
    let page = desk.page_as("viewer", "/comments/8100").await;
    page.says("Not visible with this token")
        .hides("Lovely")
        .hides("u7002");
    for search in ["text=Lovely", "questions=true"] {
        let refused = desk
            .page_as("viewer", &format!("/comments/8100?{search}"))
            .await;
        assert_eq!(refused.answer.status, 403, "{search}");
    }
    let named = desk.page_as("viewer", "/comments/8100?person=u7002").await;
    named.says("Nothing matches");
}

#[tokio::test]
async fn a_client_sees_its_own_media_only() {
    let desk = desk_with(&tokens()).await;
    desk.be_listed().await;
    let all = desk.read_as("reader", "/v1/media").await;
    let media = all["media"].as_array().unwrap();
    assert!(media.iter().any(|it| it["account_id"] == FLORIST), "{all}");
    for row in media {
        let path = format!("/comments/{}", row["media_id"].as_str().unwrap());
        let is_own = row["account_id"] == BAKERY;
        let page = desk.page_as("bakery", &path).await;
        assert_eq!(page.answer.status, if is_own { 200 } else { 404 }, "{path}");
    }
    desk.page_as("bakery", "/comments").await.hides(FLORIST);
}

#[tokio::test]
async fn hostile_comments_are_text() {
    let desk = Desk::open().await;
    let hostile = "<img src=x onerror=alert(1)> {{7*7}} \u{202e}evil";
    desk.deliver(said("7001", "9001", hostile, None)).await;
    desk.be_listed().await;
    let page = desk.page("/comments/8100").await;
    page.says("<img src=x onerror=alert(1)> {{7*7}} 202Eevil");
    page.hides("<img").hides("\u{202e}");
}

/// Body of changes of `field`, sent at `time`.
fn changed(field: &str, time: i64, values: &[Value]) -> String {
    let changes = values.iter();
    let changes = changes.map(|value| json!({"field": field, "value": value}));
    let changes: Vec<_> = changes.collect();
    let entry = json!({"id": ACCOUNT, "time": time, "changes": changes});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

#[tokio::test]
async fn a_list_counts_the_people_of_the_newest_thousand_comments() {
    let desk = Desk::open().await;
    let value = |number: usize| {
        json!({"id": format!("c{number}"), "text": "hm", "media": {"id": "8100"},
               "from": {"id": format!("70{number}")}})
    };
    let values: Vec<_> = (0..1_050).map(value).collect();
    desk.deliver(changed("comments", 1_795_000_000, &values))
        .await;
    desk.be_listed().await;
    let list = desk.page("/comments").await;
    list.says("1,050 comments by 1,000+ people");
    let life = &desk.read_as("viewer", "/v1/media").await["media"][0]["life"];
    assert_eq!(
        (&life["people"], &life["is_whole"]),
        (&json!(1_000), &json!(false))
    );
    let parts = life["comments"].as_array().unwrap().iter();
    assert_eq!(parts.len(), 24);
    assert_eq!(parts.map(|it| it.as_i64().unwrap()).sum::<i64>(), 1_000);
    assert_eq!(life["since"], "2026-11-18T11:06:40.000Z");
}

/// Target of the link to the next part of the threads.
fn next_part(page: &Page) -> Option<String> {
    let mut links = page.html.split("<a ");
    let link = links.find(|link| link.contains("rel=\"next\""))?;
    let target = link.split("href=\"").nth(1)?.split('"').next()?;
    Some(decoded(target))
}

#[tokio::test]
async fn unanswered_threads_are_first_if_asked_for_and_each_thread_comes_once() {
    let desk = Desk::open().await;
    for number in ["1", "2", "3", "4", "5"] {
        let text = format!("Question {number}");
        desk.deliver(said("7001", number, &text, None)).await;
    }
    for (id, parent) in [("12", "2"), ("15", "5")] {
        desk.deliver(said(ACCOUNT, id, "Answer", Some(parent)))
            .await;
    }
    desk.be_listed().await;
    for (order, expected) in [
        ("newest", ["5", "2", "4", "3", "1"]),
        ("unanswered", ["4", "3", "1", "5", "2"]),
    ] {
        for limit in 1..=6 {
            let query = format!("?order={order}&limit={limit}");
            let mut ids = Vec::new();
            let mut path = Some(format!("/v1/media/8100/comments{query}"));
            while let Some(part) = path {
                let part = desk.read_as("reader", &part).await;
                let threads = part["threads"].as_array().unwrap();
                assert!(threads.len() <= limit && !threads.is_empty(), "{part}");
                let id = |it: &Value| it["comment_id"].as_str().unwrap().to_owned();
                ids.extend(threads.iter().map(id));
                path = part["next"].as_str().map(str::to_owned);
            }
            assert_eq!(ids, expected, "{query}");
            let mut shown = Vec::new();
            let mut path = Some(format!("/comments/8100{query}"));
            while let Some(part) = path {
                let page = desk.page(&part).await;
                let text = page.text();
                let parts = text.split("Question ").skip(1);
                shown.extend(parts.map(|it| it[..1].to_owned()));
                path = next_part(&page);
            }
            assert_eq!(shown, expected, "{query}");
        }
    }
    let others = desk.page("/comments/8100?order=unanswered&limit=3").await;
    let others = desk.page(&next_part(&others).unwrap()).await;
    let first = others.links("order=unanswered");
    assert!(
        first.contains(&"/comments/8100?order=unanswered&limit=3".to_owned()),
        "{first:?}"
    );
}

#[tokio::test]
async fn comments_on_an_ad_stand_apart_from_those_on_its_post() {
    let desk = Desk::open().await;
    desk.deliver(said("7001", "9001", "Below the post", None))
        .await;
    desk.page("/comments").await;
    desk.be_listed().await;
    desk.page("/comments/8100").await.hides("On the post");
    let value = json!({"id": "9002", "text": "From the ad", "from": {"id": "7002"},
        "media": {"id": "8188", "media_product_type": "AD", "ad_id": "4711",
                  "original_media_id": "8100"}});
    desk.deliver(changed("comments", 1_795_000_000, &[value]))
        .await;
    desk.be_listed().await;
    desk.page("/comments").await.says("Post with ad 8100");
    let page = desk.page("/comments/8100").await;
    page.says("Ad 8188");
    let text = page.text();
    let [ad, post] = ["From the ad", "Below the post"].map(|it| text.find(it).unwrap());
    assert!(ad < post, "{text}");
    assert!(text[..ad].contains("On the ad") && !text[..ad].contains("On the post"));
    assert!(text[ad..post].contains("On the post"));
    let of_ad = desk.page("/comments/8188").await;
    of_ad.says("From the ad").says("Below the post");
}

#[tokio::test]
async fn mentions_under_a_media_say_what_meta_does_not_tell() {
    let desk = desk_of_threads().await;
    let note = "Meta sends the ids of a mention only: neither its text nor its author.";
    desk.page("/comments/8100").await.hides("Mentions");
    let value = json!({"media_id": "8100", "comment_id": "9100"});
    desk.deliver(changed("mentions", 1_795_000_000, &[value]))
        .await;
    let page = desk.page("/comments/8100").await;
    page.says("Mentions").says(note);
    let event = page.links("/events/").pop().unwrap();
    desk.page(&event).await.says("Mention");
    desk.page("/comments/8100?person=7001").await.hides(note);
}

#[tokio::test]
async fn removed_edited_and_late_comments_say_so() {
    let desk = Desk::open().await;
    let now = Clock::system().now().as_second();
    let value = |id: &str, verb: &str, text: &str| {
        json!({"id": id, "verb": verb, "text": text, "from": {"id": "7001"},
               "media": {"id": "8100"}})
    };
    let in_time = changed("comments", now, &[value("9001", "add", "Just now")]);
    desk.deliver(in_time).await;
    desk.be_listed().await;
    let page = desk.page("/comments/8100").await;
    page.says("Just now");
    for note in ["Arrived", "Removed at", "Edited"] {
        page.hides(note);
    }
    let changes = [
        value("9002", "add", "First words"),
        value("9002", "edited", "Better words"),
        value("9003", "add", "Taken back"),
        value("9003", "remove", "Taken back"),
    ];
    desk.deliver(changed("comments", now - 3 * 3_600, &changes))
        .await;
    desk.be_listed().await;
    let page = desk.page("/comments/8100").await;
    page.says("Better words").says("Edited").says("First words");
    page.says("Removed at").hides("Taken back");
    let text = page.text();
    assert_eq!(text.matches("Arrived 3 h late").count(), 2, "{text}");
}

#[tokio::test]
async fn a_live_broadcast_is_a_media_with_its_comments() {
    let desk = Desk::open().await;
    let value = json!({"id": "9001", "text": "Show it again", "from": {"id": "7001"},
                       "media": {"id": "8200", "media_product_type": "LIVE"}});
    desk.deliver(changed("live_comments", 1_795_000_000, &[value]))
        .await;
    desk.be_listed().await;
    desk.page("/comments").await.says("Live 8200");
    desk.page("/comments/8200").await.says("Show it again");
}
