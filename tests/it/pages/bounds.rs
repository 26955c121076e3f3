//! Huge bodies, items, threads and names: a page shows a part, and says where the rest is.

use serde_json::{Value, json};

use super::*;
use crate::support::message::{message, notification};

const ACCOUNT: &str = "17840000000000001";

/// A comment on the media 8100.
fn comment_of(person: usize, number: usize, text: &str, parent: Option<&str>) -> Value {
    let mut value = json!({"id": format!("9{number:05}"), "text": text, "media": {"id": "8100"},
        "from": {"id": format!("70{person:02}"), "username": format!("u{person}")}});
    if let Some(parent) = parent {
        value["parent_id"] = parent.into();
    }
    json!({"field": "comments", "value": value})
}

/// A body with these changes.
fn changes(items: &[Value]) -> String {
    let entry = json!({"id": ACCOUNT, "time": 1_795_000_000, "changes": items});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

async fn newest(desk: &Desk, list: &str, key: &str) -> String {
    let read = desk
        .read_as("operator", &format!("/v1/{list}?limit=1"))
        .await;
    read[list][0][key].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_huge_payload_is_shown_in_part() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.huge", &"<".repeat(300_000)))
        .await;
    let path = format!("/events/{}", newest(&desk, "events", "position").await);
    let page = desk.page(&path).await;
    assert!(page.html.len() < 400_000, "{}", page.html.len());
    page.says("The first 64 KiB of 300,").hides(">Payload<kbd>");
    assert_eq!(page.links(&format!("/v1{path}")), [format!("/v1{path}")]);
    desk.deliver(message("mid.small", "fresh rolls")).await;
    let path = format!("/events/{}", newest(&desk, "events", "position").await);
    let small = desk.page(&path).await;
    small.hides("The first 64 KiB");
    assert!(small.html.contains(">Payload<kbd>"));
}

#[tokio::test]
async fn the_items_of_a_huge_delivery_have_pages() {
    let desk = Desk::open().await;
    let items: Vec<_> = (0..1_234)
        .map(|number| comment_of(1, number, "hm", None))
        .collect();
    desk.deliver(changes(&items)).await;
    let path = format!("/deliveries/{}", newest(&desk, "deliveries", "id").await);
    let shown = |page: &Page| page.html.matches(">Event ").count();
    let first = desk.page_as("operator", &path).await;
    first.says("Items 1 to 100 of 1,234").hides("Earlier items");
    assert_eq!((shown(&first), first.links("#item-").len()), (100, 100));
    assert!(first.html.len() < 800_000, "{}", first.html.len());
    let second = desk.page_as("operator", &first.links("#items")[0]).await;
    second
        .says("Items 101 to 200 of 1,234")
        .says("Earlier items");
    let last = desk.page_as("operator", &format!("{path}?item=1233")).await;
    last.says("Items 1,201 to 1,234 of 1,234")
        .hides("Later items");
    let bytes = last.links("#item-1234")[0].clone();
    assert!(bytes.contains("from="), "{bytes}");
    let part = desk
        .page_as("operator", bytes.split('#').next().unwrap())
        .await;
    assert_eq!(part.html.matches("id=\"item-1234\"").count(), 1);
    let later = first.links("#bytes");
    let later = later
        .iter()
        .find(|link| link.contains("from=65536"))
        .unwrap();
    let later = desk
        .page_as("operator", later.split('#').next().unwrap())
        .await;
    later.hides("Items 1 to 100");
    assert!(
        later.html.contains("class=\"slice"),
        "the items of the part are marked"
    );
    let beyond = desk
        .page_as("operator", &format!("{path}?item=99999999"))
        .await;
    beyond.says("Items 1,201 to 1,234 of 1,234");
}

#[tokio::test]
async fn a_thread_of_many_people_shows_its_newest_replies_and_keeps_the_filters() {
    let desk = Desk::open_with(&format!(
        "[admin]\nbase_path = '/hooks'\n{}",
        crate::api::tokens()
    ))
    .await;
    let long = "W".repeat(3_000);
    let mut items = vec![comment_of(0, 0, "why?", None)];
    items.extend((1..=600).map(|number| comment_of(number % 40, number, &long, Some("900000"))));
    desk.deliver(changes(&items)).await;
    desk.deliver(changes(&[comment_of(41, 700, "and this?", None)]))
        .await;
    desk.be_listed().await;
    let page = desk.page("/hooks/comments/8100?questions=true").await;
    page.says("590 older replies").says("and this?");
    assert!(page.html.len() < 100_000, "{}", page.html.len());
    let alone = page.links("thread=900000")[0].clone();
    assert_eq!(alone, "/hooks/comments/8100?questions=true&thread=900000");
    let alone = desk.page(&alone).await;
    alone
        .says("100 older replies are not shown here")
        .hides("and this?");
    let part = desk.page("/hooks/comments/8100?limit=1").await;
    let older = part.links("before=")[0].clone();
    assert!(older.starts_with("/hooks/comments/8100?"), "{older}");
    desk.page(&older).await.says("why?");
}

#[tokio::test]
async fn an_account_without_a_page_is_no_dead_link() {
    let desk = Desk::open().await;
    let test = json!({"field": "comments", "value": {"id": "9001", "text": "of the Test button"}});
    desk.deliver(notification("0", "changes", &test)).await;
    desk.deliver(message("mid.known", "of an account")).await;
    let page = desk.page("/events").await;
    let known = page.links("/accounts/1784")[0].clone();
    desk.page(&known).await.says("Everything of this account");
    assert!(page.links("/accounts/0").is_empty(), "{}", page.html);
    let events = page.links("account=0")[0].clone();
    desk.page(&events).await.says("of the Test button");
}
