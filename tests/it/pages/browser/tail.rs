//! Journeys over an open line of the tail, its bell, and what it speaks.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_open_line_stays_in_view_on_a_phone() {
    let browser = Browser::open(Server::start().await).await;
    browser.resize(PHONE).await;
    browser.deliver(&["first", &"w".repeat(900)]).await;
    browser.watch("/live").await;
    browser.be_ready().await;
    browser.click(".tail tr:nth-child(1) a.row").await;
    browser.read(".pane .said", "first").await;
    browser.see(".pane:focus").await;
    let down = "scrollTo(0, 60); return scrollY";
    assert_eq!(
        browser.value(down).await,
        60,
        "the pane is longer than the window"
    );
    browser.deliver(&["second"]).await;
    browser.see(".tail tbody tr:nth-child(3)").await;
    assert_eq!(browser.value("return scrollY").await, 60);
    browser.see("[data-live=paused][hidden]").await;
    for hidden in [".live-bar", ".filters", ".tail"] {
        let shown = format!("return document.querySelector('{hidden}').checkVisibility()");
        assert_eq!(browser.value(&shown).await, false, "{hidden}");
    }
    browser.press(ESCAPE).await;
    browser.see_no_more(".pane").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_last_of_two_quick_clicks_opens_its_line() {
    let browser = Browser::open(Server::start().await).await;
    browser.watch("/live").await;
    browser.be_ready().await;
    browser.deliver(&["first", "second"]).await;
    browser.see(".tail tbody tr:nth-child(2)").await;
    for _ in 0..5 {
        let clicks = "for (const row of document.querySelectorAll('.tail a.row')) row.click()";
        browser.value(clicks).await;
        browser.read(".pane .said", "second").await;
        browser.see(".tail tr:nth-child(2) a[aria-current]").await;
        let settled = "return [document.querySelectorAll('.pane').length,\
            document.querySelectorAll('.htmx-request').length]";
        eventually("one pane", async || {
            browser.value(settled).await == json!([1, 0])
        })
        .await;
        browser.read(".pane .said", "second").await;
        browser.press(ESCAPE).await;
        browser.see_no_more(".pane").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_bell_has_one_voice_and_one_region_speaks() {
    let browser = Browser::open(Server::start().await).await;
    browser.watch("/live").await;
    browser.be_ready().await;
    let count = "const Voice = AudioContext; window.voices = 0;\
        window.AudioContext = class extends Voice { constructor() { super(); window.voices += 1; } }";
    browser.value(count).await;
    for pressed in ["true", "false", "true", "false", "true"] {
        browser.click("[data-live=bell]").await;
        let is_pressed = format!("[data-live=bell][aria-pressed={pressed}]");
        browser.see(&is_pressed).await;
    }
    assert_eq!(browser.value("return window.voices").await, 1);
    let regions = "return [...document.querySelectorAll('.live :is([aria-live], [role=status], [role=alert])')]\
        .map((it) => it.dataset.live)";
    assert_eq!(browser.value(regions).await, json!(["spoken"]));
    browser.deliver(&["first"]).await;
    eventually("the news are spoken", async || {
        let spoken = "return document.querySelector('[data-live=spoken]').textContent";
        browser
            .value(spoken)
            .await
            .as_str()
            .unwrap()
            .contains("1 new event")
    })
    .await;
    browser.close().await;
}
