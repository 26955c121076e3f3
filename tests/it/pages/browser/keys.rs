//! Journeys by keyboard: menus, panes, preferences, and where the focus returns.

use super::*;

/// The key Control, which stays down.
const CONTROL: char = '\u{e009}';

/// The row at a place of the list, with the focus.
const SECOND: &str = ".list tbody tr:nth-child(2) a.row:focus";

impl Browser {
    /// Opens a list of three comments, and waits for its keys.
    async fn list(&self) {
        self.deliver(&["first", "second", "third"]).await;
        self.visit("/events").await;
        self.be_ready().await;
    }

    /// Waits until the page of a first visit is shown in the zone of the tab.
    pub(super) async fn be_ready(&self) {
        self.see("html[data-keys=on]").await;
        self.see(".top input[value=local][checked]").await;
    }

    /// Presses a key together with Control.
    pub(super) async fn press_with_control(&self, key: char) {
        let step = |kind: &str, key: char| json!({"type": kind, "value": key});
        let keys = [
            step("keyDown", CONTROL),
            step("keyDown", key),
            step("keyUp", key),
            step("keyUp", CONTROL),
        ];
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]});
        self.post("/actions", actions).await;
    }

    /// An attribute of the document that a preference sets.
    async fn preference(&self, name: &str) -> Value {
        let script = format!("return document.documentElement.dataset.{name}");
        self.value(&script).await
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_focus_returns_after_a_menu_a_dialog_and_a_pane() {
    let browser = Browser::open(Server::start().await).await;
    browser.list().await;
    browser.press("jj").await;
    browser.see(SECOND).await;
    let tab = "window.open = (...tab) => { window.tab = tab; return null; }";
    browser.value(tab).await;
    browser.press("o").await;
    let tab = browser.value("return window.tab").await;
    assert!(tab[0].as_str().unwrap().ends_with("open=2"), "{tab}");
    assert_eq!((&tab[1], &tab[2]), (&json!("_blank"), &json!("noreferrer")));
    for (key, field, closed) in [
        ("f", ".filters [open] input:focus", ".filters [open]"),
        ("y", ".copy-as[open] button:focus", ".copy-as[open]"),
        ("?", "dialog[open] button:focus", "dialog[open]"),
    ] {
        browser.press(key).await;
        browser.see(field).await;
        browser.press(ESCAPE).await;
        browser.see_no_more(closed).await;
        browser.see(SECOND).await;
    }
    browser.press(ENTER).await;
    browser.read(".pane .said", "second").await;
    browser.see(".list tr:nth-child(2) a[aria-current]").await;
    let into = "document.querySelector('.pane .links a, .pane a').focus()";
    browser.value(into).await;
    browser.press(ESCAPE).await;
    browser.see_no_more(".pane").await;
    browser.see_no_more(".list a[aria-current]").await;
    browser.see(SECOND).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn escape_closes_what_is_open_and_then_goes_back() {
    let browser = Browser::open(Server::start().await).await;
    browser.list().await;
    browser.click(".side a[href*='/comments']").await;
    browser.see(".talk-list").await;
    browser.press("f").await;
    browser.see(".filters [open]").await;
    browser.press(ESCAPE).await;
    browser.see_no_more(".filters [open]").await;
    browser.press(ESCAPE).await;
    browser.see(".list.events").await;
    assert!(browser.address().await.ends_with("/events"));
    browser.click(".filters summary").await;
    browser.see(".filters [open]").await;
    browser.click("h1").await;
    browser.see_no_more(".filters [open]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn scheme_and_time_change_by_a_key_and_are_kept() {
    let browser = Browser::open(Server::start().await).await;
    browser.list().await;
    browser.press("t").await;
    browser.see("html[data-scheme=light]").await;
    browser.press("u").await;
    browser.see("html[data-time=utc]").await;
    browser.read("th small", "UTC").await;
    browser.without_scripts().await;
    browser.visit("/events").await;
    browser
        .see("html[data-scheme=light][data-time=utc]:not([data-keys])")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn letters_can_be_switched_off() {
    let browser = Browser::open(Server::start().await).await;
    browser.list().await;
    browser.press_with_control('/').await;
    browser.press("j").await;
    browser.see(".list tr:nth-child(1) a.row:focus").await;
    browser.click(".top details:last-of-type summary").await;
    browser.click("input[name=keys][value=off]").await;
    browser.press("t").await;
    browser.click(".top .pop.end button").await;
    browser.see("html[data-keys=off]").await;
    browser.value("window.isLoaded = true").await;
    browser.press("t/j[").await;
    browser.press("?").await;
    browser.see("dialog[open]").await;
    browser.press(ESCAPE).await;
    browser.see_no_more("dialog[open]").await;
    assert_eq!(browser.preference("scheme").await, "system");
    let focus = "return document.activeElement === document.body";
    assert_eq!(browser.value(focus).await, true);
    browser.close().await;
}
