//! States of the pages as words: empty, nothing matches, masked, erased, out of scope, and without
//! Postgres.

use super::{comments::said, *};
use crate::{
    api::{
        outage::Outage,
        scopes::{FLORIST, desk_with},
        tokens,
    },
    support::message::messages,
};

const ACCOUNT: &str = "17840000000000001";

/// Lists, each with a filter that nothing here passes.
const LISTS: [(&str, &str); 7] = [
    ("/live", "kind=handover"),
    ("/events", "kind=handover"),
    ("/conversations", "account=17840000000000099"),
    ("/comments", "account=17840000000000099"),
    ("/deliveries", "app=none"),
    ("/rejections", "app=none"),
    ("/accounts", "app=none"),
];

/// Elements that no state changes, and those whose text depends on the time or on the machine.
const LEFT_OUT: [(&str, &str); 9] = [
    ("<svg", "</svg>"),
    ("<time", "</time>"),
    ("<template", "</template>"),
    ("<form class=\"filters\"", "</form>"),
    ("<details class=\"menu copy-as\"", "</details>"),
    ("<details class=\"numbers\"", "</details>"),
    ("<footer class=\"same\"", "</footer>"),
    ("<div class=\"ticks\"", "</div>"),
    ("<div class=\"days\"", "</div>"),
];

/// Words of the main part of a page. Each number is a zero.
fn words(page: Page) -> String {
    let (_, main) = page.html.split_once("<main").unwrap();
    let main = format!("<main{}", main.split_once("</main>").unwrap().0);
    let html = LEFT_OUT.iter().fold(main, |html, (start, end)| {
        let mut parts = html.split(start);
        let first = parts.next().unwrap().to_owned();
        let rest = parts.filter_map(|part| Some(part.split_once(end)?.1));
        rest.fold(first, |html, part| html + " " + part)
    });
    let html = html.replace('<', " <");
    let text = Page { html, ..page }.text();
    let words = text.split(' ').map(|word| match word {
        id if id.contains('…') || id.matches('-').count() == 4 => "ID".to_owned(),
        word => without_numbers(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn without_numbers(word: &str) -> String {
    let mut text = String::new();
    for character in word.chars() {
        match character {
            '0'..='9' if text.ends_with('0') => {}
            '0'..='9' => text.push('0'),
            other => text.push(other),
        }
    }
    text
}

impl Desk {
    /// Status and words of pages, one a line.
    async fn words_of(&self, name: &str, paths: &[String]) -> String {
        let mut lines = Vec::new();
        for path in paths {
            let page = self.page_as(name, path).await;
            let status = page.answer.status;
            let path = match path.strip_prefix("/deliveries/") {
                Some(_) => "/deliveries/…".to_owned(),
                None => without_numbers(path),
            };
            lines.push(format!("{path} {status}\n    {}", words(page)));
        }
        lines.join("\n")
    }

    /// A comment with its answer, and a message.
    async fn with_events() -> Self {
        let desk = Self::open().await;
        for body in [
            said("7001", "9001", "How much is it?", None),
            said(ACCOUNT, "9002", "Three euros", Some("9001")),
            messages("7001", ACCOUNT, &[("mid.1", "hello")]),
        ] {
            desk.deliver(body).await;
        }
        desk.be_listed().await;
        desk
    }

    /// Lists with events, and objects.
    async fn places(&self) -> Vec<String> {
        let newest = self.read_as("reader", "/v1/events?limit=1").await;
        let newest = &newest["events"][0];
        let [position, delivery] =
            ["position", "delivery_id"].map(|name| newest[name].as_str().unwrap());
        let objects = [
            format!("/events/{position}"),
            format!("/deliveries/{delivery}"),
            format!("/conversations/{ACCOUNT}/7001"),
            "/comments/8100".to_owned(),
        ];
        [lists()[..4].to_vec(), objects.to_vec()].concat()
    }
}

fn lists() -> Vec<String> {
    LISTS.map(|(path, _)| path.to_owned()).to_vec()
}

#[tokio::test]
async fn empty() {
    let desk = Desk::open().await;
    let words = desk.words_of("reader", &lists()).await;
    insta::assert_snapshot!("empty", words);
}

#[tokio::test]
async fn nothing_matches() {
    let desk = Desk::with_events().await;
    let narrowed = LISTS.map(|(path, filter)| format!("{path}?{filter}"));
    let words = desk.words_of("reader", &narrowed).await;
    insta::assert_snapshot!("nothing_matches", words);
}

#[tokio::test]
async fn masked() {
    let desk = Desk::with_events().await;
    let words = desk.words_of("viewer", &desk.places().await).await;
    assert!(
        !words.contains("hello") && !words.contains("How much"),
        "{words}"
    );
    insta::assert_snapshot!("masked", words);
}

#[tokio::test]
async fn erased() {
    let desk = Desk::with_events().await;
    desk.run(
        "UPDATE stored_events SET text = NULL, username = NULL, data = NULL, erased_at = now();
         UPDATE stored_deliveries
         SET body = NULL, header_set = NULL, signature = NULL, erased_at = now()",
    )
    .await;
    let words = desk.words_of("reader", &desk.places().await).await;
    assert!(
        words.contains("Erased on") && !words.contains("hello"),
        "{words}"
    );
    insta::assert_snapshot!("erased", words);
}

#[tokio::test]
async fn out_of_scope() {
    let desk = desk_with(&tokens()).await;
    let path = format!("/v1/events?account={FLORIST}");
    let list = desk.read_as("reader", &path).await;
    let [position, delivery] =
        ["position", "delivery_id"].map(|name| list["events"][1][name].as_str().unwrap());
    let paths = [
        format!("/events?account={FLORIST}"),
        format!("/events/{position}"),
        format!("/deliveries/{delivery}"),
        format!("/conversations/{FLORIST}/72027202"),
        "/comments/media-92029202".to_owned(),
        format!("/accounts/{FLORIST}"),
        "/health".to_owned(),
    ];
    let words = desk.words_of("bakery", &paths).await;
    insta::assert_snapshot!("out_of_scope", words);
}

#[tokio::test]
async fn without_postgres() {
    let desk = Desk::with_events().await;
    let paths = [desk.places().await, lists()[4..].to_vec()].concat();
    let outage = Outage::begin(&desk).await;
    let words = desk.words_of("reader", &paths).await;
    insta::assert_snapshot!("without_postgres", words);
    outage.end().await;
}
