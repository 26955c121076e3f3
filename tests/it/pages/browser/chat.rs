//! Journeys over a conversation: it goes on while it is read, and grows as the reader scrolls up.

use super::*;
use crate::support::message::messages;

const CHAT: &str = "/conversations/17840000000000001/7001";

/// Bubble of the last message.
const LAST: &str = ".chat:last-of-type > li:last-child .msg:last-child .bubble";

impl Browser {
    /// Says so many numbered messages to the account, from a number on.
    async fn say(&self, numbers: std::ops::RangeInclusive<u32>) {
        let texts: Vec<_> = numbers.map(|number| format!("message {number}")).collect();
        for texts in texts.chunks(50) {
            let said: Vec<_> = texts.iter().map(|text| (&**text, &**text)).collect();
            let body = messages("7001", "17840000000000001", &said);
            let answer = self.server.deliver("/webhook", body).await;
            assert_eq!(answer.status, 200);
        }
    }

    /// Waits until a conversation is listed.
    async fn be_listed(&self, path: &str) {
        eventually("the conversation is listed", async || {
            self.server.ask_admin(path).await.status == 200
        })
        .await;
    }

    /// Opens the conversation.
    async fn chat(&self) {
        self.be_listed(CHAT).await;
        self.visit(CHAT).await;
        self.be_ready().await;
    }

    /// Place in the chat, upwards from its end.
    async fn place(&self) -> Value {
        self.value("return document.querySelector('.talk-scroll').scrollTop")
            .await
    }

    /// Number of elements.
    pub(super) async fn number_of(&self, selector: &str) -> Value {
        let script = format!("return document.querySelectorAll('{selector}').length");
        self.value(&script).await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn new_messages_appear_while_a_chat_is_read() {
    let browser = Browser::open(Server::start().await).await;
    browser.say(1..=60).await;
    browser.chat().await;
    browser.read(LAST, "message 60").await;
    browser.say(61..=61).await;
    browser.read(LAST, "message 61").await;
    assert_eq!(browser.place().await, 0, "the chat follows at its end");

    let up = "document.querySelector('.talk-scroll').scrollTop = -500";
    browser.value(up).await;
    let line = "return document.querySelector('.msg').getBoundingClientRect().top";
    let before = browser.value(line).await;
    browser.say(62..=63).await;
    browser.read(".unread", "2 new messages").await;
    assert_eq!(browser.value(line).await, before, "no line moves");
    browser.read(LAST, "message 61").await;
    browser.click(".unread").await;
    browser.read(LAST, "message 63").await;
    browser.see(".unread[hidden]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn earlier_messages_appear_as_the_reader_scrolls_up() {
    let browser = Browser::open(Server::start().await).await;
    browser.say(1..=150).await;
    browser.chat().await;
    browser.read(LAST, "message 150").await;
    assert_eq!(browser.number_of(".msg").await, 100);
    let up = "document.querySelector('.talk-scroll').scrollTop = -1e6";
    browser.value(up).await;
    browser.see_no_more(".older").await;
    assert_eq!(browser.number_of(".msg").await, 150);
    let first = "return document.querySelector('.msg .bubble').textContent";
    assert_eq!(browser.value(first).await, "message 1");
    let view = "const place = document.querySelector('.talk-scroll').getBoundingClientRect();\
        return document.elementFromPoint(place.x + 60, place.y + 120).closest('.msg').textContent";
    let seen = browser.value(view).await;
    let seen = seen.as_str().unwrap().to_owned();
    assert!(seen.contains("message 5"), "the place stays, at {seen}");
    browser.say(151..=151).await;
    browser.click(".unread:not([hidden])").await;
    browser.read(LAST, "message 151").await;
    assert_eq!(browser.number_of(".msg").await, 151);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn each_conversation_begins_at_its_own_end() {
    let browser = Browser::open(Server::start().await).await;
    browser.say(1..=60).await;
    let other = messages("7002", "17840000000000001", &[("mid.other", "other")]);
    browser.server.deliver("/webhook", other).await;
    browser
        .be_listed("/conversations/17840000000000001/7002")
        .await;
    browser.chat().await;
    let up = "document.querySelector('.talk-scroll').scrollTop = -500";
    browser.value(up).await;
    browser.click(".entry[href*='7002']").await;
    browser.read(LAST, "other").await;
    browser.click(".entry[href*='7001']").await;
    browser.read(LAST, "message 60").await;
    assert_eq!(browser.place().await, 0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_finger_reaches_everything() {
    let browser = Browser::open(Server::start().await).await;
    browser.say(1..=2).await;
    browser.resize(PHONE).await;
    browser.chat().await;
    let menu = "const menu = document.querySelector('.msg > .menu');\
        return [getComputedStyle(menu).opacity, menu.checkVisibility()]";
    assert_eq!(browser.value(menu).await, json!(["1", true]));
    browser.click(".msg > .menu summary").await;
    browser.click(".msg > .menu [data-copy]").await;
    browser.read("#said", "Copied").await;
    for path in [CHAT, "/", "/live", "/events", "/events/1", "/health"] {
        browser.visit(path).await;
        browser.see("html[data-keys=on]").await;
        let small = browser.value(SMALL).await;
        assert_eq!(small, json!([]), "{path}");
    }
    browser.close().await;
}

/// Targets that are smaller than a finger. Links within a text and the bars of a chart may be: each
/// bar is a row of the table of numbers, too.
const SMALL: &str = "const inline = 'p a, dd a, li.line a, td a, th a, h2 a, small a, .msg-meta > a, .quote, .sentence a';\
    const all = 'main :is(a, button, summary, select, input:not([type=hidden], .tick *, .choice *)), .top :is(a, button, summary, input:not([type=hidden], .choice *)), .bar a';\
    const size = (it) => { const box = it.getBoundingClientRect();\
        const more = getComputedStyle(it, '::after');\
        const grown = it.matches('.copy') ? -2 * parseFloat(more.top) : 0;\
        return Math.round(box.height + grown); };\
    return [...document.querySelectorAll(all)]\
        .filter((it) => it.checkVisibility() && it.getClientRects().length && !it.closest('svg') && !it.matches('.row')\
            && (it.matches('.button, .icon-button') || !it.matches(inline)))\
        .filter((it) => size(it) < 44)\
        .map((it) => `${it.outerHTML.slice(0, 120)}: ${size(it)}`)";
