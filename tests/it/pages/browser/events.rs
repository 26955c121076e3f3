//! Journeys over the list of events.

use super::*;
use crate::support::message::comment;

const ACCOUNT: &str = "17840000000000001";

/// A server without tokens that has three comments.
async fn server() -> Server {
    let server = Server::start().await;
    for (id, text) in [
        ("9001", "how much?"),
        ("9002", "so nice"),
        ("9003", "when?"),
    ] {
        let answer = server.deliver("/webhook", comment(ACCOUNT, id, text)).await;
        assert_eq!(answer.status, 200);
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_event_opens_beside_the_list_and_goes_back() {
    let browser = Browser::open(server().await).await;
    browser.visit("/events").await;
    browser.value("window.isSamePage = true").await;
    browser.click(".list tbody tr:nth-child(2) a.row").await;
    browser.read(".pane .said", "so nice").await;
    let address = browser.address().await;
    assert!(address.contains("open="), "{address}");
    assert_eq!(browser.value("return window.isSamePage").await, true);

    browser.go_back().await;
    browser.see_no_more(".pane").await;
    browser.see(".list tbody tr:nth-child(3)").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_list_is_read_by_keyboard_alone() {
    let browser = Browser::open(server().await).await;
    browser.visit("/events").await;
    browser.see("html[data-keys=on]").await;
    browser.press("jj").await;
    browser.press(ENTER).await;
    browser.read(".pane .said", "so nice").await;
    browser.press(ESCAPE).await;
    browser.see_no_more(".pane").await;
    browser.press("/").await;
    browser.see(".find input:focus").await;
    browser.press("jk").await;
    let typed = "return document.querySelector('.find input').value";
    let typed = browser.value(typed).await;
    assert_eq!(typed, "jk", "letters in a field are letters");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn everything_is_there_without_scripts() {
    let browser = Browser::open(server().await).await;
    browser.without_scripts().await;
    browser.visit("/events?limit=2").await;
    browser.click(".list tbody tr:nth-child(1) a.row").await;
    browser.read(".pane .said", "when?").await;
    browser.click(".pane a[aria-label=Close]").await;
    browser.see_no_more(".pane").await;
    browser.click("a[rel=next]").await;
    browser.read(".list tbody tr .c-text", "how much?").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_term_is_found_in_the_payload_in_place() {
    let browser = Browser::open(server().await).await;
    browser.visit("/events?open=1").await;
    browser.be_ready().await;
    browser.value("window.isSamePage = true").await;
    browser.click("#term").await;
    browser.press("MUCH").await;
    browser.press(ENTER).await;
    browser.read("#payload mark", "much").await;
    browser.read("#payload [role=status]", "1 match").await;
    browser.see("#term:focus").await;
    browser.see(".list tbody tr:nth-child(3)").await;
    let address = browser.address().await;
    assert!(
        address.contains("open=1&find=MUCH") || address.contains("find=MUCH&open=1"),
        "{address}"
    );
    browser.click("#payload .button.quiet").await;
    browser.see_no_more("#payload mark").await;
    let term = browser
        .value("return document.querySelector('#term').value")
        .await;
    assert_eq!(term, "");
    assert_eq!(browser.value("return window.isSamePage").await, true);

    browser.without_scripts().await;
    browser.visit("/events/1").await;
    browser.click("#term").await;
    browser.press("much").await;
    browser.press(ENTER).await;
    browser.read("#payload mark", "much").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn nothing_scrolls_sideways_on_a_phone() {
    let browser = Browser::open(server().await).await;
    browser.resize(PHONE).await;
    for path in ["/events", "/events?open=1&find=much", "/events/1"] {
        browser.visit(path).await;
        browser.see(".bar").await;
        let overflow = "return document.documentElement.scrollWidth - innerWidth";
        let overflow = browser.value(overflow).await.as_i64().unwrap();
        assert!(overflow <= 0, "{path}: {overflow} px");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn times_are_of_the_zone_of_the_browser() {
    let browser = Browser::open(server().await).await;
    let zone = json!({"timezoneId": "Asia/Tokyo"});
    browser.tell("Emulation.setTimezoneOverride", zone).await;
    browser.visit("/events").await;
    browser.see("th small").await;
    browser.read("th small", "Asia/Tokyo").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn colors_follow_the_system_until_a_scheme_is_chosen() {
    let browser = Browser::open(server().await).await;
    let paper = "return getComputedStyle(document.documentElement).backgroundColor";
    let mut papers = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.visit("/events").await;
        papers.push(browser.value(paper).await);
    }
    assert_ne!(papers[0], papers[1]);
    browser.click(".top details:last-of-type summary").await;
    browser.click("input[name=scheme][value=light]").await;
    browser.click(".pop.end button").await;
    browser.see("html[data-scheme=light]").await;
    assert_eq!(browser.value(paper).await, papers[0]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_search_continues_by_itself_to_its_end() {
    let browser = Browser::open(Server::start().await).await;
    browser.visit("/events?text=bagel&since=3d").await;
    browser.read(".empty h2", "Nothing matches").await;
    assert!(browser.address().await.contains("until="));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn new_events_are_named_above_the_list_and_do_not_move_it() {
    let browser = Browser::open(server().await).await;
    browser.visit("/events").await;
    browser.be_ready().await;
    let top = "return document.querySelector('.list tbody tr').getBoundingClientRect().top";
    let before = browser.value(top).await;
    let new = comment(ACCOUNT, "9004", "is it fresh?");
    let answer = browser.server.deliver("/webhook", new).await;
    assert_eq!(answer.status, 200);
    browser.read("#newer a", "1 newer event").await;
    assert_eq!(browser.value(top).await, before, "nothing moves");
    browser.read(".list tbody tr .c-text", "when?").await;
    browser.click("#newer a").await;
    browser.read(".list tbody tr .c-text", "is it fresh?").await;
    browser.read("#newer", "").await;
    browser.close().await;
}
