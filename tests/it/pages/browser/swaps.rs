//! Journeys over parts that change: places in lists, failures, charts, and copies.

use jiff::SignedDuration;

use super::*;
use crate::rescue::{files, quarantine};

impl Browser {
    /// Opens a list that is longer than the window, and goes down in it.
    async fn long_list(&self, path: &str) {
        let texts: Vec<_> = (1..=60).map(|number| format!("comment {number}")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        self.deliver(&texts).await;
        self.visit(path).await;
        self.be_ready().await;
        self.value("scrollTo(0, 500)").await;
        eventually("the list is down", async || self.top().await == 500).await;
    }

    async fn top(&self) -> Value {
        self.value("return scrollY").await
    }

    /// Clicks by a script, which scrolls nothing into view.
    async fn touch(&self, selector: &str) {
        let click = format!("document.querySelector(\"{selector}\").click()");
        self.value(&click).await;
    }

    /// Moves and presses the mouse.
    async fn point(&self, steps: Value) {
        let pointer = json!({"type": "pointer", "id": "mouse", "actions": steps});
        self.post("/actions", json!({"actions": [pointer]})).await;
    }

    /// Network of the tab.
    async fn be_offline(&self, is_offline: bool) {
        self.tell("Network.enable", json!({})).await;
        let network = json!({
            "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.tell("Network.emulateNetworkConditions", network).await;
    }

    /// Forgets what the console said of failures that a journey makes.
    async fn forgive(&self, what: &str) {
        let said = self.tab.console().await;
        let is_expected = |it: &Value| it["message"].as_str().unwrap().contains(what);
        assert!(said.iter().all(is_expected), "the console says {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_event_opens_in_place_and_another_page_begins_at_its_top() {
    let browser = Browser::open(Server::start().await).await;
    browser.long_list("/events").await;
    browser.touch(".list tr:nth-child(30) a.row").await;
    browser.read(".pane .said", "comment 31").await;
    assert_eq!(browser.top().await, 500);
    browser.touch(".pane [aria-label=Close]").await;
    browser.see_no_more(".pane").await;
    assert_eq!(browser.top().await, 500);
    browser.touch(".side a[href*='/deliveries']").await;
    browser.see(".list:not(.events)").await;
    eventually("the top is shown", async || browser.top().await == 0).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn each_event_begins_at_its_top() {
    let browser = Browser::open(Server::start().await).await;
    browser.resize((1440, 500)).await;
    browser.long_list("/events").await;
    browser.touch(".list tr:nth-child(20) a.row").await;
    browser.read(".pane .said", "comment 41").await;
    let down =
        "const pane = document.querySelector('.pane'); pane.scrollTop = 50; return pane.scrollTop";
    assert_eq!(browser.value(down).await, 50);
    browser.touch(".list tr:nth-child(21) a.row").await;
    browser.read(".pane .said", "comment 40").await;
    let place = "return document.querySelector('.pane').scrollTop";
    assert_eq!(browser.value(place).await, 0);
    browser.resize(PHONE).await;
    browser.touch(".pane [aria-label=Close]").await;
    browser.see(".list tr:nth-child(21) a.row:focus").await;
    browser.touch(".list tr:nth-child(40) a.row").await;
    browser.see(".pane:focus").await;
    assert_eq!(browser.top().await, 0, "on a phone, a pane is a page");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_failure_is_told_where_it_happened_and_the_rest_stays() {
    let browser = Browser::open(Server::start().await).await;
    browser.long_list("/events").await;
    let to_nothing = "document.querySelector('.list a.row').setAttribute('href', location.pathname + '?open=999999')";
    browser.value(to_nothing).await;
    browser.touch(".list a.row").await;
    browser
        .see(".beside .empty .button[href*='open=999999']")
        .await;
    browser.see(".list tr:nth-child(60)").await;
    assert!(browser.address().await.ends_with("/events"));
    browser.forgive("404").await;

    browser.be_offline(true).await;
    browser.touch(".list tr:nth-child(30) a.row").await;
    browser.see("#failed:not([hidden])").await;
    browser.see(".list tr:nth-child(60)").await;
    browser.be_offline(false).await;
    browser.touch("#failed a").await;
    browser.read(".pane .said", "comment 31").await;
    browser.see("#failed[hidden]").await;
    browser.forgive("").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn old_content_is_dimmed_after_a_moment_without_motion_if_asked() {
    let browser = Browser::open(Server::start().await).await;
    browser.visit("/events").await;
    let dimmed = "document.querySelector('.side a').classList.add('htmx-request');\
        const style = getComputedStyle(document.querySelector('main'));\
        return [style.transitionProperty, style.transitionDelay, style.transitionDuration]";
    let shown = browser.value(dimmed).await;
    assert_eq!(shown, json!(["opacity", "0.15s", "0.12s"]));
    let reduced = json!({"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]});
    browser.tell("Emulation.setEmulatedMedia", reduced).await;
    let shown = browser.value(dimmed).await;
    assert_eq!(shown, json!(["opacity", "0.15s", "0s"]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn dragging_over_bars_narrows_the_time_to_them() {
    let browser = Browser::open(Server::start().await).await;
    browser.deliver(&["first"]).await;
    eventually("the chart counts", async || {
        let page = browser
            .server
            .ask_admin_with(("GET", "/events"), &[("Accept", "text/html")]);
        String::from_utf8_lossy(&page.await.body).contains("class=\"chart")
    })
    .await;
    browser.visit("/events").await;
    browser.be_ready().await;
    let bars = "return [3, 6].map((number) => { const bar = document.querySelectorAll('.chart a')[number];\
        const box = bar.querySelector('.hit').getBoundingClientRect();\
        const times = new URL(bar.href.baseVal, location.href).searchParams;\
        return [Math.round(box.x + box.width / 2), Math.round(box.y + 5), times.get('since'), times.get('until')]; })";
    let bars = browser.value(bars).await;
    let move_to = |bar: &Value| json!({"type": "pointerMove", "x": bar[0], "y": bar[1]});
    let press = json!({"type": "pointerDown", "button": 0});
    browser.point(json!([move_to(&bars[1]), press])).await;
    // The script of the chart comes with the first press.
    eventually("the bars between are marked", async || {
        browser
            .point(json!([move_to(&bars[1]), move_to(&bars[0])]))
            .await;
        browser.number_of(".chart a.lit").await == 4
    })
    .await;
    browser
        .point(json!([{"type": "pointerUp", "button": 0}]))
        .await;
    eventually("the time is that of the bars", async || {
        let query = "const times = new URL(location.href).searchParams;\
            return [times.get('since'), times.get('until')]";
        browser.value(query).await == json!([bars[0][2], bars[1][3]])
    })
    .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_copy_that_is_not_allowed_is_said() {
    let browser = Browser::open(Server::start().await).await;
    browser.deliver(&["first"]).await;
    browser.visit("/events/1").await;
    browser.be_ready().await;
    browser.click(".copy.id").await;
    browser.read("#said[role=status]", "Copied").await;
    let forbid = "navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false";
    browser.value(forbid).await;
    browser.click(".copy.id").await;
    let why = "Not copied: the browser does not allow it";
    browser.read("#said", why).await;
    browser.see(".copy[data-copied=no]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_item_and_its_bytes_are_marked_together() {
    let browser = Browser::open(Server::start().await).await;
    browser.deliver(&["first"]).await;
    let list = browser.server.ask_admin("/v1/deliveries").await;
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let id = list["deliveries"][0]["id"].as_str().unwrap();
    for form in ["formatted", "received", "hex"] {
        browser
            .visit(&format!("/deliveries/{id}?bytes={form}#bytes"))
            .await;
        browser.be_ready().await;
        for (over, marked) in [(".items a", ".slice.lit"), (".slice", ".items a.lit")] {
            let over = browser.see(over).await;
            let over = over.rsplit('/').next().unwrap();
            let over = json!({"element-6066-11e4-a52e-4f735466cecf": over});
            browser
                .point(json!([{"type": "pointerMove", "origin": over, "x": 0, "y": 0}]))
                .await;
            browser.see(marked).await;
            browser
                .point(json!([{"type": "pointerMove", "x": 1, "y": 1}]))
                .await;
            browser.see_no_more(marked).await;
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn many_deliveries_are_stored_part_by_part() {
    let server = Server::start().await;
    quarantine(&server.directory, SignedDuration::from_hours(1), 0..1_100);
    let browser = Browser::open(server).await;
    browser.visit("/rejections").await;
    browser.be_ready().await;
    browser.click("#quarantine .button").await;
    browser.tick("#main [name=yes]").await;
    browser.click("#main .button.primary").await;
    browser.says("#main", "1,100 deliveries were stored.").await;
    browser.see("#main td a[href*='/events?']").await;
    assert_eq!(files(browser.server.directory.path()).len(), 0);
    browser.close().await;
}
