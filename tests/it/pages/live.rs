//! Live tail: the page from which its script starts.

use serde_json::Value;

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        event_stream::EventStream,
        message::{comment, message},
    },
};

const ACCOUNT: &str = "17840000000000001";

/// Value of an attribute of the tail.
fn attribute(page: &Page, name: &str) -> String {
    let value = page.html.split_once(&format!("{name}=\"")).unwrap().1;
    let value = value.split('"').next().unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&")
}

#[tokio::test]
async fn the_stream_goes_on_behind_the_shown_lines() {
    let desk = Desk::open().await;
    desk.page("/live").await.says("Nothing here yet");
    desk.deliver(message("mid.1", "first")).await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = desk.page("/live?kind=comment").await;
    page.says("how much?").hides("first");
    let (stream, after) = (
        attribute(&page, "data-stream"),
        attribute(&page, "data-after"),
    );
    assert_eq!(stream, "/v1/events/stream?kind=comment");
    desk.deliver(comment(ACCOUNT, "9002", "and two?")).await;
    let query = stream.split_once('?').unwrap().1;
    let rest = desk.stream_behind(&after, query).await;
    assert_eq!(rest, ["and two?"]);
    let newest = desk.page("/live").await;
    let at = |text: &str| newest.html.find(text).unwrap();
    assert!(at("first") < at("how much?") && at("how much?") < at("and two?"));
    let newest = desk.page("/live?newest=top").await;
    let at = |text: &str| newest.html.find(text).unwrap();
    assert!(at("and two?") < at("how much?") && at("how much?") < at("first"));
}

impl Desk {
    /// Texts of the events of a stream behind a position, up to `caught_up`.
    async fn stream_behind(&self, after: &str, query: &str) -> Vec<String> {
        let bearer = format!("Bearer {}", token("reader"));
        let headers = [("Authorization", bearer.as_str())];
        let query = format!("?after={after}&{query}");
        let mut stream = EventStream::open(self.server.admin, &query, &headers).await;
        let blocks = stream.backlog().await;
        let events = blocks.iter().filter(|block| block.event.is_none());
        let text = |data: &String| {
            let event: Value = serde_json::from_str(data).unwrap();
            event["text"].as_str().map(str::to_owned)
        };
        events
            .filter_map(|block| block.data.as_ref().and_then(text))
            .collect()
    }
}

#[tokio::test]
async fn without_scripts_the_page_leads_to_the_events() {
    let desk = Desk::open().await;
    let page = desk.page("/live").await;
    let hint = page.html.split_once("<noscript>").unwrap().1;
    let hint = hint.split_once("</noscript>").unwrap().0;
    assert!(hint.contains("Live needs JavaScript"), "{hint}");
    assert!(hint.contains("href=\"/events\""), "{hint}");
}

#[tokio::test]
async fn a_line_opens_beside_the_tail() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = desk.page("/live?kind=comment").await;
    let line = page.links("open=")[0].clone();
    assert!(line.starts_with("/live?kind=comment&open="), "{line}");
    let beside = desk.page(&line).await;
    beside.says("Exact text");
    assert_eq!(beside.html.matches("class=\"pane\"").count(), 1);
}

#[tokio::test]
async fn the_filters_of_the_tail_have_no_search() {
    let desk = Desk::open().await;
    let page = desk.page("/live?account=17840000000000001").await;
    page.says("Nothing matches yet")
        .says("Person")
        .hides("name=\"text\"");
    assert!(page.html.contains("action=\"/live\""), "{}", page.html);
    let searched = desk.page_as("reader", "/live?text=much").await;
    assert_eq!(searched.answer.status, 400);
}

#[tokio::test]
async fn a_client_sees_its_own_lines_and_accounts_only() {
    let desk = desk_with(&tokens()).await;
    let page = desk.page_as("bakery", "/live").await;
    page.says("hello").hides(FLORIST).hides("72027202");
    assert!(
        page.html
            .contains(&format!("data-part=\"account-{BAKERY}\""))
    );
    let masked = desk.page_as("viewer", "/live").await;
    masked.says("Not visible with this token").hides("hello");
}
