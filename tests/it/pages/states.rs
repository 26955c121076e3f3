//! States of the pages as words: empty, nothing matches, filled, masked, erased, out of scope, and
//! without Postgres.

use serde_json::{Value, json};

use super::{comments::said, *};
use crate::{
    api::{
        outage::Outage,
        scopes::{FLORIST, desk_with},
        tokens,
    },
    support::{
        eventually,
        message::{messages, notification},
    },
};

const ACCOUNT: &str = "17840000000000001";

/// Lists, each with a filter that nothing here passes.
const LISTS: [(&str, &str); 9] = [
    ("/", "account=17840000000000099"),
    ("/live", "kind=handover"),
    ("/events", "kind=handover"),
    ("/conversations", "account=17840000000000099"),
    ("/comments", "account=17840000000000099"),
    ("/deliveries", "app=none"),
    ("/rejections", "app=none"),
    ("/accounts", "app=none"),
    ("/find", "id=nothing"),
];

/// Parts of the texts, names and links of [`Desk::with_events`], as in the words of a page.
const CONTENT: [&str; 5] = ["hello", "How much", "@u0", "cdn.example", "❤"];

/// Elements that no state changes, and those whose text depends on the time or on the machine.
const LEFT_OUT: [(&str, &str); 10] = [
    ("<svg", "</svg>"),
    ("<time", "</time>"),
    ("<template", "</template>"),
    ("<form class=\"filters\"", "</form>"),
    ("<details class=\"menu copy-as\"", "</details>"),
    ("<details class=\"numbers\"", "</details>"),
    ("<footer class=\"same\"", "</footer>"),
    ("<div class=\"ticks\"", "</div>"),
    ("<div class=\"days\"", "</div>"),
    ("<dl class=\"figures\"", "</dl>"),
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
                Some(rest) => format!("/deliveries/…{}", &rest[36..]),
                None => without_numbers(path),
            };
            lines.push(format!("{path} {status}\n    {}", words(page)));
        }
        lines.join("\n")
    }

    /// A comment with its answer, and messages with a reply, an attachment, a reaction and an edit.
    async fn with_events() -> Self {
        let desk = Self::open().await;
        let image = json!({"type": "image", "payload": {"url": "https://cdn.example/rolls.jpg"}});
        for body in [
            said("7001", "9001", "How much is it?", None),
            said(ACCOUNT, "9002", "Three euros", Some("9001")),
            sent(
                1,
                "message",
                &json!({"mid": "mid.2", "text": "hello again",
                                       "reply_to": {"mid": "mid.1"}}),
            ),
            sent(
                2,
                "message",
                &json!({"mid": "mid.3", "attachments": [image]}),
            ),
            sent(
                3,
                "reaction",
                &json!({"mid": "mid.2", "action": "react", "emoji": "❤"}),
            ),
            sent(
                4,
                "message_edit",
                &json!({"mid": "mid.2", "text": "hello?", "num_edit": 1}),
            ),
            messages("7001", ACCOUNT, &[("mid.1", "hello")]),
        ] {
            desk.deliver(body).await;
        }
        desk.be_listed().await;
        desk.be_all_counted().await;
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
            format!("/events/{position}/around"),
            format!("/events?open={position}"),
            format!("/live?open={position}"),
            format!("/deliveries/{delivery}"),
            format!("/deliveries/{delivery}?bytes=hex"),
            format!("/conversations/{ACCOUNT}/7001"),
            "/comments/8100".to_owned(),
            format!("/accounts/{ACCOUNT}"),
            format!("/find?id=mid.1+{ACCOUNT}"),
            "/export".to_owned(),
        ];
        [lists(), objects.to_vec()].concat()
    }
}

/// A notification of an item about a message of person 7001.
fn sent(seconds: u64, key: &str, item: &Value) -> String {
    let item = json!({"sender": {"id": "7001"}, "recipient": {"id": ACCOUNT},
                      "timestamp": 1_795_000_000_123 + 1_000 * seconds, key: item});
    notification(ACCOUNT, "messaging", &item)
}

/// Expects that a reader sees nothing of the content.
#[track_caller]
fn without_content(words: &str) {
    let shown: Vec<_> = CONTENT.iter().filter(|it| words.contains(**it)).collect();
    assert!(shown.is_empty(), "{shown:?} in {words}");
}

fn lists() -> Vec<String> {
    LISTS.map(|(path, _)| path.to_owned()).to_vec()
}

#[tokio::test]
async fn empty() {
    let desk = Desk::open().await;
    let is_ready = async || {
        desk.page("/")
            .await
            .text()
            .contains("Waiting for the first")
    };
    eventually("the setup guide is there", is_ready).await;
    let words = desk.words_of("reader", &lists()).await;
    insta::assert_snapshot!("empty", words);
}

#[tokio::test]
async fn filled() {
    let desk = Desk::with_events().await;
    let words = desk.words_of("reader", &desk.places().await).await;
    insta::assert_snapshot!("filled", words);
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
    let by_name = "/find?id=u7001".to_owned();
    let paths = [desk.places().await, vec![by_name]].concat();
    let words = desk.words_of("viewer", &paths).await;
    without_content(&words);
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
    without_content(&words);
    assert!(words.contains("Erased on"), "{words}");
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
        format!("/?account={FLORIST}"),
        format!("/live?account={FLORIST}"),
        format!("/events?account={FLORIST}"),
        format!("/events/{position}"),
        format!("/events/{position}/around"),
        format!("/events?open={position}"),
        format!("/deliveries/{delivery}"),
        format!("/deliveries/{delivery}?bytes=hex"),
        format!("/conversations?account={FLORIST}"),
        format!("/conversations/{FLORIST}/72027202"),
        format!("/comments?account={FLORIST}"),
        "/comments/media-92029202".to_owned(),
        format!("/accounts/{FLORIST}"),
        format!("/find?id={position}"),
        format!("/export?account={FLORIST}"),
        "/health".to_owned(),
    ];
    let words = desk.words_of("bakery", &paths).await;
    insta::assert_snapshot!("out_of_scope", words);
}

#[tokio::test]
async fn without_postgres() {
    let desk = Desk::with_events().await;
    let paths = desk.places().await;
    let outage = Outage::begin(&desk).await;
    desk.deliver(messages("7001", ACCOUNT, &[("mid.away", "hello")]))
        .await;
    let told = "Postgres is unavailable. 1 delivery is safe in the spool.";
    let is_told = async || desk.page("/").await.text().contains(told);
    eventually("the outage is noticed", is_told).await;
    let words = desk.words_of("reader", &paths).await;
    insta::assert_snapshot!("without_postgres", words);
    outage.end().await;
}
