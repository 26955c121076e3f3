//! Journeys over the search box with its offers, and over the menus beside it.

use super::*;
use crate::support::message::comment;

const ACCOUNT: &str = "17840000000000001";
const OTHER: &str = "17840000000000002";

const DOWN: &str = "\u{e015}";
const UP: &str = "\u{e013}";

/// Address of the chosen offer.
const PLACE: &str = "#offers [aria-selected=true] small";

/// Name of the chosen offer.
const CHOSEN: &str = "#offers [aria-selected=true] span";

async fn server() -> Server {
    let server = Server::start().await;
    for account in [ACCOUNT, OTHER] {
        let body = comment(account, &format!("of {account}"), "how much?");
        let answer = server.deliver("/webhook", body).await;
        assert_eq!(answer.status, 200);
    }
    server
}

impl Browser {
    /// Opens a page again: the first page of a browser is rendered twice, to use its time zone.
    async fn visit_again(&self, path: &str) {
        for _ in 0..2 {
            self.visit(path).await;
            self.see("html[data-keys=on]").await;
        }
    }

    async fn type_words(&self, words: &str) {
        self.press_with_control('k').await;
        self.see("#find:focus").await;
        self.press(words).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn words_lead_to_a_page_by_keys_alone() {
    let browser = Browser::open(server().await).await;
    browser.visit("/events?account=17840000000000001").await;
    browser.see("html[data-keys=on]").await;
    browser.type_words("conv").await;
    browser.see("#find[aria-expanded=true]").await;
    browser.press(DOWN).await;
    browser.read(CHOSEN, "Search text for conv").await;
    browser.press(DOWN).await;
    browser.read(CHOSEN, "Conversations").await;
    let active = "return document.querySelector('#find').ariaActiveDescendantElement.textContent";
    let active = browser.value(active).await;
    assert!(
        active.as_str().unwrap().starts_with("Conversations"),
        "{active}"
    );
    browser.press(UP).await;
    browser.read(CHOSEN, "Search text for conv").await;
    browser.press(DOWN).await;
    browser
        .press_with_control(ENTER.chars().next().unwrap())
        .await;
    let tabs = async || browser.tab.get("/window/handles").await.unwrap();
    eventually("a second tab", async || {
        tabs().await.as_array().unwrap().len() == 2
    })
    .await;
    browser.press(ENTER).await;
    browser.see(".talk-list").await;
    let address = browser.address().await;
    assert!(
        address.ends_with("/conversations?account=17840000000000001"),
        "{address}"
    );
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_empty_box_lists_the_last_places_without_words_of_people() {
    let browser = Browser::open(server().await).await;
    for path in [
        "/accounts",
        "/events?text=secret&kind=comment",
        "/deliveries",
    ] {
        browser.visit(path).await;
        browser.see("html[data-keys=on]").await;
    }
    browser.press("/").await;
    browser.see("#offers:not([hidden])").await;
    browser.press(DOWN).await;
    let base = crate::support::server::base_path();
    browser
        .read(PLACE, &format!("{base}/events?kind=comment"))
        .await;
    browser.press(DOWN).await;
    browser.read(PLACE, &format!("{base}/accounts")).await;
    browser.press(ENTER).await;
    browser.see("table.accounts").await;
    let kept = browser.value("return localStorage.places").await;
    assert!(!kept.as_str().unwrap().contains("secret"), "{kept}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn commands_pause_the_tail_and_change_the_colors() {
    let browser = Browser::open(server().await).await;
    browser.visit("/live").await;
    browser.read("[data-live=connection]", "Live").await;
    browser.type_words("paus").await;
    browser.see("#offers [data-click*=pause]").await;
    browser.press(DOWN).await;
    browser.press(DOWN).await;
    browser.press(ENTER).await;
    browser
        .read("[data-live=missed]", "Paused. 0 new events")
        .await;
    browser.type_words("").await;
    let clear = "document.querySelector('#find').value = ''";
    browser.value(clear).await;
    browser.press("dark col").await;
    browser.see("#offers [value=dark]").await;
    browser.press(DOWN).await;
    browser.press(DOWN).await;
    browser.press(ENTER).await;
    browser.see("html[data-scheme=dark]").await;
    assert!(browser.address().await.ends_with("/live"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_scope_is_chosen_in_the_menu_and_stays() {
    let browser = Browser::open(server().await).await;
    browser.visit_again("/events").await;
    browser.value("window.isSamePage = true").await;
    browser.click("#scope-menu summary").await;
    browser
        .click("#scope-menu a[href$='account=17840000000000002']")
        .await;
    browser.see_no_more(".list tbody tr:nth-child(2)").await;
    browser.see("#scope-menu:not([open])").await;
    browser.click(".side a[href*='/accounts']").await;
    browser.see("table.accounts").await;
    browser
        .see_no_more("table.accounts tbody tr:nth-child(2)")
        .await;
    assert_eq!(browser.value("return window.isSamePage").await, true);

    browser.resize(PHONE).await;
    browser.visit("/events").await;
    browser.see("#scope-menu").await;
    browser.press("/").await;
    browser.press("e").await;
    browser.see("#offers [role=option]:nth-child(12)").await;
    let overflow = "return document.documentElement.scrollWidth - innerWidth";
    let overflow = browser.value(overflow).await.as_i64().unwrap();
    assert!(overflow <= 0, "{overflow} px");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_poll_leaves_an_open_menu_and_the_typed_words_alone() {
    let browser = Browser::open(Server::start().await).await;
    browser.visit_again("/").await;
    browser.press("/").await;
    browser.press("17").await;
    browser.click("#view-menu summary").await;
    let marked = "document.querySelector('.guide').dataset.old = 'yes'";
    browser.value(marked).await;
    browser.see_no_more(".guide[data-old]").await;
    browser.see("#view-menu[open]").await;
    let typed = browser
        .value("return document.querySelector('#find').value")
        .await;
    assert_eq!(typed, "17");
    browser.close().await;
}
