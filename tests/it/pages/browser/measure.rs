//! Times and memory of pages in a browser, printed; see `docs/performance.md`.
//!
//! They pass or fail with the page, not with the time: a machine under load is slow.

use super::*;
use crate::api::Desk;

/// Pages to paint.
const PAGES: &str = "/ /live /events /conversations /comments /deliveries /rejections /accounts \
                     /health";

/// Keeps the longest time from a key or a click to the next frame, in ms.
const OBSERVE: &str = "window.longest = 0; new PerformanceObserver((list) => {\
    for (const it of list.getEntries()) window.longest = Math.max(window.longest, it.duration);\
    }).observe({type: 'event', durationThreshold: 16, buffered: true})";

/// Keeps the length of each task over 50 ms, in ms.
const WATCH: &str = "window.tasks = []; new PerformanceObserver((list) => {\
    for (const it of list.getEntries()) window.tasks.push(it.duration) }).observe({type: 'longtask'})";

const PAINTED: &str = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime";

/// Lines that the tail keeps at most.
const MOST: u64 = 500;

impl Browser {
    /// Bytes of the heap of the tab after a collection, and the number of its nodes.
    async fn memory(&self) -> (f64, u64) {
        self.tell("HeapProfiler.collectGarbage", json!({})).await;
        let heap = self.tell("Runtime.getHeapUsage", json!({})).await;
        let dom = self.tell("Memory.getDOMCounters", json!({})).await;
        (
            heap["usedSize"].as_f64().unwrap(),
            dom["nodes"].as_u64().unwrap(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn pages_paint_and_answer_keys() {
    let desk = Desk {
        server: Server::start().await,
    };
    let sent = desk.server.run(&["simulate", "--count", "2000"]);
    assert!(sent.status.success(), "{sent:?}");
    desk.be_listed().await;
    let browser = Browser::open(desk.server).await;
    browser.visit("/health").await;
    browser.be_ready().await;
    println!("| page | first paint, ms | longest interaction, ms |\n|---|---|---|");
    for path in PAGES.split_whitespace() {
        browser.visit(path).await;
        browser.see("html[data-keys=on]").await;
        eventually("the page is painted", async || {
            browser.value(PAINTED).await.is_number()
        })
        .await;
        let painted = browser.value(PAINTED).await.as_f64().unwrap();
        browser.value(OBSERVE).await;
        for key in ["j", "j", "k", "?", ESCAPE, "/", ESCAPE] {
            browser.press(key).await;
        }
        let frame = "return new Promise((done) => requestAnimationFrame(() => setTimeout(done)))";
        browser.value(frame).await;
        let longest = browser.value("return window.longest").await;
        println!("| `{path}` | {painted:.0} | {longest} |");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_tail_of_200_events_a_second_stays_bounded() {
    let seconds = std::env::var_os("HOOKSHELF_TAIL_SECONDS");
    let seconds = seconds.map_or(5, |it| it.into_string().unwrap().parse().unwrap());
    let part = (seconds / 5).max(1);
    let duration = format!("--duration={part}s");
    let browser = Browser::open(Server::start().await).await;
    browser.watch("/live").await;
    browser.be_ready().await;
    browser.value(WATCH).await;
    println!(
        "| after, s | heap, MiB | nodes | tasks over 50 ms | longest, ms |\n|---|---|---|---|---|"
    );
    for number in 1..=5 {
        let sent = browser.server.run(&["simulate", "--rate=200", &duration]);
        assert!(sent.status.success(), "{sent:?}");
        let (heap, nodes) = browser.memory().await;
        let tasks = browser.value("return window.tasks").await;
        let tasks: Vec<_> = tasks
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_f64)
            .collect();
        let longest = tasks.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {:.1} | {nodes} | {} | {longest:.0} |",
            number * part,
            heap / f64::from(1 << 20),
            tasks.len()
        );
    }
    browser.deliver(&["the last one"]).await;
    browser.read(live::LAST, "the last one").await;
    let lines = browser
        .value("return document.querySelectorAll('.tail tbody tr').length")
        .await;
    assert_eq!(lines, MOST);
    browser.close().await;
}
