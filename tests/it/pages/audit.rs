//! Page of the audit.

use super::*;
use crate::support::message::{comment, message};

const ACCOUNT: &str = "17840000000000001";

/// A desk whose reader opened an event, searched, and opened a conversation.
async fn desk() -> Desk {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.deliver(message("mid.1", "fresh rolls")).await;
    desk.be_listed().await;
    desk.page("/events/1").await;
    desk.page("/events?text=rolls").await;
    desk
}

/// Link to the next or previous page.
fn turned(page: &Page, to: &str) -> Option<String> {
    let (before, _) = page.html.split_once(&format!("\" rel=\"{to}\""))?;
    let link = before.rsplit_once("href=\"")?.1;
    Some(link.replace("&#38;", "&").replace("&amp;", "&"))
}

#[tokio::test]
async fn it_says_who_opened_what_and_leads_there() {
    let desk = desk().await;
    let page = desk.page_as("privacy", "/audit").await;
    assert_eq!(page.answer.status, 200);
    page.says("Opened an event")
        .says("Searched texts")
        .says("reader");
    page.hides("fresh rolls").hides("how much?");
    assert_eq!(page.links("/events/1"), ["/events/1"]);
    assert_eq!(page.links("/audit")[0], "/audit", "it is in the frame");
}

#[tokio::test]
async fn filters_find_a_person_by_id_whose_id_is_not_stored() {
    let desk = desk().await;
    let list = desk.read_as("reader", "/v1/conversations").await;
    let row = &list["conversations"][0];
    let ids = ["account_id", "person_id"].map(|name| row[name].as_str().unwrap());
    let path = format!("/conversations/{}/{}", ids[0], ids[1]);
    desk.page(&path).await;
    let page = desk.page_as("privacy", "/audit").await;
    page.says("Opened a conversation");
    page.hides(ids[1]);
    let found = format!("/audit?subject={}", ids[1]);
    let found = desk.page_as("privacy", &found).await;
    found.says("Opened a conversation").hides("Searched texts");
    let none = desk.page_as("privacy", "/audit?token=nobody").await;
    none.says("Nothing matches").says("Remove all filters");
}

#[tokio::test]
async fn its_pages_miss_and_repeat_nothing() {
    let desk = desk().await;
    // All in the same microsecond, as entries of one transaction are.
    desk.run(
        "INSERT INTO audit (token, verb, subject)
         SELECT 'bulk', 'event', n FROM generate_series(1, 5) AS n",
    )
    .await;
    let mut path = "/audit?token=bulk&limit=2".to_owned();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = desk.page_as("privacy", &path).await;
        seen.extend(page.links("/events/"));
        path = turned(&page, "next").unwrap_or_default();
    }
    let expected = [5, 4, 3, 2, 1].map(|n| format!("/events/{n}"));
    assert_eq!(seen, expected);
    assert_eq!(path, "", "the list ends");

    let second = desk.page_as("privacy", "/audit?token=bulk&limit=2").await;
    let second = desk
        .page_as("privacy", &turned(&second, "next").unwrap())
        .await;
    let first = desk
        .page_as("privacy", &turned(&second, "prev").unwrap())
        .await;
    assert_eq!(first.links("/events/"), expected[..2]);
}

#[tokio::test]
async fn only_the_role_privacy_reads_it_and_sees_its_link() {
    let desk = desk().await;
    for name in ["viewer", "reader", "operator", "bakery"] {
        let page = desk.page_as(name, "/audit").await;
        assert_eq!(page.answer.status, 403, "{name}");
        page.says("this needs a token with the role privacy");
        let events = desk.page_as(name, "/events").await;
        assert!(events.links("/audit").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn it_is_exported() {
    let desk = desk().await;
    let page = desk.page_as("privacy", "/audit?token=reader").await;
    let form = desk
        .ask_as("privacy", &page.links("/export?from=")[0])
        .await;
    assert_eq!(form.headers["location"], "/export?data=audit&token=reader");
    let csv = desk
        .ask_as("privacy", "/v1/audit?format=csv&token=reader")
        .await;
    let csv = String::from_utf8(csv.body.to_vec()).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
}
