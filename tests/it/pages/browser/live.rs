//! Journeys over the live tail, the search box, the keys, and the menu of copies.

use super::*;
use crate::support::message::{comment, message};

const ACCOUNT: &str = "17840000000000001";

pub(super) const LAST: &str = ".tail tbody tr:last-child .c-text";

impl Browser {
    /// Delivers comments with these texts.
    pub(super) async fn deliver(&self, texts: &[&str]) {
        for text in texts {
            let body = comment(ACCOUNT, &format!("id of {text}"), text);
            let answer = self.server.deliver("/webhook", body).await;
            assert_eq!(answer.status, 200);
        }
    }

    /// Opens the tail, and waits for its connection.
    pub(super) async fn watch(&self, path: &str) {
        self.visit(path).await;
        self.read("[data-live=connection]", "Live").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn lines_appear_and_wait_during_a_pause() {
    let browser = Browser::open(Server::start().await).await;
    browser.watch("/live").await;
    browser.see("html[data-keys=on]").await;
    browser.deliver(&["first"]).await;
    browser.read(LAST, "first").await;
    browser.press(" ").await;
    browser
        .read("[data-live=missed]", "Paused. 0 new events")
        .await;
    browser.deliver(&["second", "third"]).await;
    browser
        .read("[data-live=missed]", "Paused. 2 new events")
        .await;
    browser
        .read("[data-live=families] :not([hidden]) > .num", "2")
        .await;
    browser.read(LAST, "first").await;
    browser.press(END).await;
    browser.read(LAST, "third").await;
    browser.see("[data-live=paused][hidden]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_line_is_text_and_looks_as_the_server_writes_it() {
    let browser = Browser::open(Server::start().await).await;
    // The page names the accounts that it knows when it is opened.
    browser.deliver(&["first"]).await;
    browser.watch("/live").await;
    let hostile = "<img src=x onerror=alert(1)> \u{202e}evil";
    browser.deliver(&[hostile]).await;
    let shown = "<img src=x onerror=alert(1)> 202Eevil";
    browser.read(LAST, shown).await;
    let markup = "return document.querySelector('.tail tbody tr:last-child').innerHTML.trim()\
                .replace(/\\s+/g, ' ').replace(/> </g, '><').replace(/title=\"[^\"]* ago\"/, '')\
                .replace(/ data-htmx-powered=\"true\"/g, '')";
    let live = browser.value(markup).await;
    assert!(!live.as_str().unwrap().contains("<img"), "{live}");
    browser.visit("/live").await;
    browser.read(LAST, shown).await;
    assert_eq!(live, browser.value(markup).await);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_line_opens_beside_the_tail_which_goes_on() {
    let browser = Browser::open(Server::start().await).await;
    browser.deliver(&["first"]).await;
    browser.watch("/live?newest=top").await;
    browser.click(".tail a.row").await;
    browser.read(".pane .said", "first").await;
    browser.deliver(&["second"]).await;
    browser
        .read(".tail tbody tr:first-child .c-text", "second")
        .await;
    browser.press(ESCAPE).await;
    browser.see_no_more(".pane").await;
    browser.deliver(&["third"]).await;
    browser
        .read(".tail tbody tr:first-child .c-text", "third")
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_pasted_id_opens_its_page_whose_copies_have_keys() {
    let browser = Browser::open(Server::start().await).await;
    let body = message("mid.pasted", "where is my order?");
    let answer = browser.server.deliver("/webhook", body).await;
    assert_eq!(answer.status, 200);
    browser.visit("/events").await;
    browser.see("html[data-keys=on]").await;
    browser.press("/").await;
    browser.see(".find input:focus").await;
    browser.press("1").await;
    browser.press(ENTER).await;
    browser.read("article .said", "where is my order?").await;
    browser.see("html[data-keys=on]").await;
    browser.press("y").await;
    browser.see(".copy-as[open]").await;
    browser.press("s").await;
    browser
        .see(".copy-as:not([open]) > summary[data-copied=yes]")
        .await;
    browser.press("?").await;
    browser.see("dialog.keys[open]").await;
    browser.press(ESCAPE).await;
    browser.see_no_more("dialog.keys[open]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_refresh_keeps_the_search_that_is_being_typed() {
    let browser = Browser::open(Server::start().await).await;
    browser.visit("/events").await;
    browser.see("html[data-keys=on]").await;
    browser.press("/").await;
    browser.press("1784").await;
    let refresh = "return htmx.ajax('GET', location.pathname + '?kind=comment', {target: '#main'})";
    browser.value(refresh).await;
    browser.see(".chip.set").await;
    browser.see("#find:focus").await;
    let typed = browser.value("return document.activeElement.value").await;
    assert_eq!(typed, "1784");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_tail_fits_a_phone() {
    let browser = Browser::open(Server::start().await).await;
    browser.resize(PHONE).await;
    browser.deliver(&["first", &"w".repeat(500)]).await;
    for path in ["/live", "/live?newest=top", "/find?id=nothing"] {
        browser.visit(path).await;
        browser.see(".bar").await;
        let overflow = "return document.documentElement.scrollWidth - innerWidth";
        let overflow = browser.value(overflow).await.as_i64().unwrap();
        assert!(overflow <= 0, "{path}: {overflow} px");
    }
    browser.close().await;
}
