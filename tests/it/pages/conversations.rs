//! Pages of conversations: the list, a chat, and files.

use serde_json::{Value, json};

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::message::{comment, messages, notification},
};

const ACCOUNT: &str = "17840000000000005";
const START: i64 = 1_795_000_000_000;

/// An item of person 7001, some minutes after the start.
fn item(minutes: i64, name: &str, value: &Value) -> String {
    item_between(("7001", ACCOUNT), minutes, name, value)
}

/// An item of the account.
fn own(minutes: i64, value: &Value) -> String {
    let mut message = value.clone();
    message["is_echo"] = json!(true);
    item_between((ACCOUNT, "7001"), minutes, "message", &message)
}

fn item_between((from, to): (&str, &str), minutes: i64, name: &str, value: &Value) -> String {
    let item = json!({
        "sender": {"id": from}, "recipient": {"id": to},
        "timestamp": START + minutes * 60_000, name: value,
    });
    notification(ACCOUNT, "messaging", &item)
}

fn path(person: &str) -> String {
    format!("/conversations/{ACCOUNT}/{person}")
}

/// Links to messages.
fn anchors(page: &Page) -> Vec<String> {
    let is_number = |link: &String| link.split("#p").nth(1)?.parse::<i64>().ok();
    let mut links = page.links("#p");
    links.retain(|link| is_number(link).is_some());
    links
}

impl Desk {
    async fn hear(&self, bodies: impl IntoIterator<Item = String>) {
        for body in bodies {
            self.deliver(body).await;
        }
        self.be_listed().await;
    }
}

#[tokio::test]
async fn a_list_says_who_waits_and_what_was_said_last() {
    let desk = Desk::open().await;
    desk.page("/conversations").await.says("Nothing here yet");
    let photo = json!({"type": "image", "payload": {"url": "https://cdn.example/a.jpg"}});
    desk.hear([
        messages("7002", ACCOUNT, &[("m1", "older question")]),
        item(9_000, "message", &json!({"mid": "m2", "text": "hello"})),
        own(9_001, &json!({"mid": "m3", "text": "good morning"})),
        item_between(
            ("7003", ACCOUNT),
            9_002,
            "message",
            &json!({"mid": "m4", "attachments": [photo]}),
        ),
    ])
    .await;
    let page = desk.page("/conversations").await;
    page.says("older question")
        .says("You: good morning")
        .says("Photo")
        .says("hookshelf conversations list")
        .hides("https://cdn.example");
    let open = page.links(&path(""));
    assert_eq!(open, ["7003", "7001", "7002"].map(path));
    let waiting = desk
        .page("/conversations?waiting=true&order=longest_waiting")
        .await;
    waiting.says("older question").hides("good morning");
    let open = waiting.links(&path(""));
    let first = format!("{}?waiting=true&order=longest_waiting", path("7002"));
    assert_eq!(open[0], first);
    desk.page(&open[0]).await.hides("good morning");
    let none = desk.page("/conversations?account=17840000000000099").await;
    none.says("Nothing matches");
    let part = desk.page("/conversations?limit=1").await;
    part.says("Photo").hides("older question");
    let rest = desk.page(&part.links("after=")[0]).await;
    rest.says("You: good morning").says("First page");
}

#[tokio::test]
async fn the_audit_records_the_texts_of_a_list() {
    let desk = Desk::open().await;
    desk.hear([item(0, "message", &json!({"mid": "m1", "text": "hello"}))])
        .await;
    let verbs = async || {
        let audit = desk.read_as("privacy", "/v1/audit").await;
        let entries = audit["audit"].as_array().unwrap().clone();
        entries
            .iter()
            .map(|it| format!("{} {} {}", it["token"], it["verb"], it["subject"]))
            .collect::<Vec<_>>()
    };
    desk.page_as("viewer", "/conversations").await;
    desk.read_as("reader", "/v1/conversations").await;
    assert!(verbs().await.is_empty(), "neither shows content");
    desk.page("/conversations").await.says("hello");
    let recorded = verbs().await;
    assert_eq!(recorded, [r#""reader" "conversation" null"#]);
}

#[tokio::test]
async fn a_chat_shows_edits_reactions_answers_and_receipts() {
    let desk = Desk::open().await;
    desk.hear([
        item(
            0,
            "message",
            &json!({"mid": "m1", "text": "open on saterday?"}),
        ),
        item(
            1,
            "message_edit",
            &json!({"mid": "m1", "text": "open on saturday?", "num_edit": 1}),
        ),
        own(
            2,
            &json!({"mid": "m2", "text": "yes", "app_id": 263, "reply_to": {"mid": "m1"}}),
        ),
        item(
            3,
            "reaction",
            &json!({"mid": "m2", "action": "react", "reaction": "love", "emoji": "❤"}),
        ),
        item(4, "read", &json!({"mid": "m2"})),
        item(
            5,
            "postback",
            &json!({"mid": "m3", "title": "Reserve", "payload": "P"}),
        ),
    ])
    .await;
    let page = desk.page(&path("7001")).await;
    page.says("open on saturday?")
        .says("Edited open on saterday?")
        .says("Sent by app 263")
        .says("❤ by Person,")
        .says("Seen")
        .says("Reserve")
        .says("Button");
    let links = anchors(&page).into_iter();
    let quotes: Vec<_> = links.filter(|link| link.starts_with('#')).collect();
    let [quote] = &quotes[..] else {
        panic!("one message answers another: {quotes:?}");
    };
    let target = format!("id=\"{}\"", quote.trim_start_matches('#'));
    assert!(page.html.contains(&target), "{quote}");
}

#[tokio::test]
async fn an_unsent_message_shows_its_time_and_nothing_else() {
    let desk = Desk::open().await;
    desk.hear([
        item(0, "message", &json!({"mid": "m1", "text": "a secret"})),
        item(1, "message", &json!({"mid": "m1", "is_deleted": true})),
    ])
    .await;
    for path in [path("7001"), "/conversations".to_owned()] {
        desk.page(&path).await.says("Unsent").hides("a secret");
    }
    let page = desk.page(&path("7001")).await;
    page.says("Unsent at").hides("Message menu");
}

#[tokio::test]
async fn referrals_events_and_gaps_stand_between_the_messages() {
    let desk = Desk::open().await;
    let referral = json!({"source": "ADS", "type": "OPEN_THREAD", "ad_id": "12",
                          "ads_context_data": {"ad_title": "Winter"}});
    let passed = json!({"previous_owner_app_id": "1", "new_owner_app_id": "2"});
    desk.hear([
        item(
            0,
            "message",
            &json!({"mid": "m1", "text": "first", "referral": referral}),
        ),
        item(1, "pass_thread_control", &passed),
        item(9, "message", &json!({"mid": "m2", "text": "second"})),
    ])
    .await;
    desk.run(&format!(
        "INSERT INTO gaps (app, cause, opened_at, closed_at)
         VALUES ('default', 'down', to_timestamp({}), to_timestamp({}))",
        START / 1_000 + 120,
        START / 1_000 + 180
    ))
    .await;
    let text = desk.page(&path("7001")).await.text();
    let (_, text) = text.split_once("Came through the ad “Winter”").unwrap();
    let order = [
        "first",
        "Control passed from app 1 to app 2",
        "Hookshelf was down",
        "Messages of this time may be missing.",
        "second",
    ];
    let places = order.map(|it| text.find(it).unwrap_or_else(|| panic!("{it} in {text}")));
    assert!(places.is_sorted(), "{places:?} in {text}");
}

#[tokio::test]
async fn an_attachment_is_a_card_that_loads_nothing() {
    let desk = Desk::open().await;
    let attachment = |kind: &str, url: &str| json!({"type": kind, "payload": {"url": url}});
    let attachments = json!([
        attachment("image", "https://cdn.example.org/a.jpg?x=1&y=2"),
        attachment("audio", "javascript:alert(1)"),
        attachment("hologram", "http://cdn.example.org/b"),
    ]);
    desk.hear([item(
        0,
        "message",
        &json!({"mid": "m1", "attachments": attachments}),
    )])
    .await;
    let page = desk.page(&path("7001")).await;
    page.says("Photo")
        .says("cdn.example.org. These links expire.")
        .says("Voice message")
        .says("hologram");
    page.hides("javascript:").hides("http://cdn").hides("<img");
    let link = &page.links("cdn.example.org")[0];
    assert_eq!(link, "https://cdn.example.org/a.jpg?x=1&y=2");
    assert!(page.html.contains("rel=\"noreferrer noopener nofollow\""));
}

#[tokio::test]
async fn parts_lead_on_and_a_link_or_a_date_begins_a_part() {
    let desk = Desk::open().await;
    let day = 24 * 60;
    let said = |number: i64| {
        let text = format!("number {number}");
        item(number * day, "message", &json!({"mid": text, "text": text}))
    };
    desk.hear((0..5).map(said)).await;
    let page = desk.page(&format!("{}?limit=2", path("7001"))).await;
    page.says("number 4").says("number 3").hides("number 2");
    let older = desk.page(&page.links("before=")[0]).await;
    older.says("number 2").says("number 1").hides("number 3");
    older.says("Later messages").says("Newest messages");
    let link = anchors(&older)[0].clone();
    assert!(link.contains("after="), "{link}");
    let from = desk.page(link.split('#').next().unwrap()).await;
    from.says("number 1").says("number 2").hides("number 3");
    assert!(
        from.html
            .contains(&format!("id=\"{}\"", link.split('#').nth(1).unwrap()))
    );

    let date = "2026-11-20";
    let page = desk.page(&format!("{}?date={date}", path("7001"))).await;
    let shown: Vec<_> = (0..5)
        .filter(|number| page.text().contains(&format!("number {number}")))
        .collect();
    let first = START / 1_000;
    let start_of_day = 1_795_132_800;
    let expected: Vec<_> = (0..5)
        .filter(|number| first + number * 86_400 >= start_of_day)
        .collect();
    assert_eq!(shown, expected);
    let beyond = desk
        .page(&format!("{}?date=2030-01-01", path("7001")))
        .await;
    beyond.says("No messages in this part.");
    let wrong = format!("{}?date=someday", path("7001"));
    assert_eq!(desk.page_as("reader", &wrong).await.answer.status, 400);
}

#[tokio::test]
async fn the_person_stands_beside_the_chat() {
    let desk = Desk::open().await;
    desk.hear([
        comment(ACCOUNT, "9001", "how much?"),
        item(0, "message", &json!({"mid": "m1", "text": "hello"})),
    ])
    .await;
    let page = desk.page(&path("7001")).await;
    page.says("1 from the person, 0 from the account")
        .says("First seen")
        .says("An IGSID belongs to one account.")
        .says("On this account Comment");
    let comments = page.links("kind=comment")[0].clone();
    desk.page(&comments).await.says("how much?").hides("hello");
    let window = page.text();
    let is_open = window.contains("left to answer");
    assert_ne!(is_open, window.contains("window of 24 hours closed"));
}

#[tokio::test]
async fn a_conversation_is_a_file_and_the_audit_knows() {
    let desk = Desk::open().await;
    desk.hear([
        item(
            0,
            "message",
            &json!({"mid": "m1", "text": "*hello*\n12:00 Account: forged"}),
        ),
        own(1, &json!({"mid": "m2", "text": "yes"})),
    ])
    .await;
    let links = desk
        .page_as("operator", &path("7001"))
        .await
        .links("format=");
    let formats = ["text", "markdown", "ndjson"].map(|it| format!("format={it}"));
    assert!(
        links
            .iter()
            .zip(&formats)
            .all(|(link, format)| link.ends_with(format))
    );
    assert_eq!(links.len(), formats.len());
    let text = desk.page_as("operator", &links[0]).await;
    let said = "Person: *hello*\n      12:00 Account: forged\n";
    assert!(text.html.contains(said), "{}", text.html);
    let markdown = desk.page_as("operator", &links[1]).await.html;
    assert!(markdown.contains(r"**Person:** \*hello\*"), "{markdown}");
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(text.header("content-disposition").starts_with("attachment"));
    desk.page(&path("7001"))
        .await
        .says("A file with content needs a token with the role operator.");
    let refused = desk.page(&path("7001")).await.links("format=");
    assert!(refused.is_empty(), "{refused:?}");
    let refused = format!("{}?format=text", path("7001"));
    assert_eq!(desk.page_as("reader", &refused).await.answer.status, 403);
    let other = format!("{}?format=pdf", path("7001"));
    assert_eq!(desk.page_as("operator", &other).await.answer.status, 400);
    let audit = desk.read_as("privacy", "/v1/audit?subject=7001").await;
    let entries = audit["audit"].as_array().unwrap().iter();
    let verbs: Vec<_> = entries
        .map(|entry| entry["verb"].as_str().unwrap())
        .collect();
    for verb in ["conversation", "export", "exported"] {
        assert!(verbs.contains(&verb), "{verb} in {verbs:?}");
    }
}

#[tokio::test]
async fn a_viewer_sees_that_content_is_there_and_not_the_content() {
    let desk = Desk::open().await;
    let photo = json!({"type": "image", "payload": {"url": "https://cdn.example.org/a.jpg"}});
    desk.hear([
        item(
            0,
            "message",
            &json!({"mid": "m1", "text": "a secret", "attachments": [photo]}),
        ),
        item(
            9,
            "message",
            &json!({"mid": "m2", "text": "another secret"}),
        ),
    ])
    .await;
    for path in [path("7001"), "/conversations".to_owned()] {
        let page = desk.page_as("viewer", &path).await;
        page.says("Not visible with this token")
            .hides("secret")
            .hides("cdn.example.org");
    }
    let text = format!("{}?format=text", path("7001"));
    let text = desk.page_as("viewer", &text).await;
    text.hides("secret").hides("cdn.example.org");
    assert!(text.html.contains("(not visible with this token)"));
}

#[tokio::test]
async fn a_client_opens_its_own_conversations_only() {
    let desk = desk_with(&tokens()).await;
    desk.be_listed().await;
    let list = desk.page_as("bakery", "/conversations").await;
    list.says("hello").hides(FLORIST).hides("72027202");
    for (account, person, status) in [(BAKERY, "71017101", 200), (FLORIST, "72027202", 404)] {
        for query in ["", "?format=text", "?date=2026-11-01"] {
            let path = format!("/conversations/{account}/{person}{query}");
            let page = desk.page_as("bakery", &path).await;
            assert_eq!(page.answer.status, status, "{path}");
        }
    }
}

#[tokio::test]
async fn hostile_text_is_text() {
    let desk = Desk::open().await;
    let hostile = "<img src=x onerror=alert(1)> {{7*7}} \u{202e}evil hx-get=/x";
    let person = "7001'\"><script>";
    desk.hear([
        item(
            0,
            "message",
            &json!({"mid": "m1", "text": hostile, "quick_reply": {"payload": "x"}}),
        ),
        item(
            1,
            "reaction",
            &json!({"mid": "m1", "action": "react", "emoji": hostile}),
        ),
        item_between(
            (person, ACCOUNT),
            2,
            "message",
            &json!({"mid": "m2", "text": hostile}),
        ),
    ])
    .await;
    let list = desk.page("/conversations").await;
    let links = list.links(&path(""));
    assert_eq!(links.len(), 2, "{links:?}");
    for path in links.iter().map(String::as_str).chain(["/conversations"]) {
        let page = desk.page(path).await;
        page.says("<img src=x onerror=alert(1)> {{7*7}} 202Eevil");
        page.hides("<img").hides("<script>");
    }
}
