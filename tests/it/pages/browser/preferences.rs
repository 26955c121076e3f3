//! Journey of a browser that tells its time zone.

use super::*;
use crate::support::server::apps;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_time_zone_is_told_below_the_base_path_only() {
    let lines = format!("{}[admin]\nbase_path = '/hookshelf'\n", apps(["default"]));
    let browser = Browser::open(Server::start_with(&lines).await).await;
    let health = format!("http://{}/hookshelf/health", browser.server.admin);
    browser.post("/url", json!({"url": health})).await;
    browser.see("html[data-time=local]").await;
    browser.post("/refresh", json!({})).await;
    browser.see("html[data-time=local]").await;
    let cookies = browser.tab.get("/cookie").await.unwrap();
    let cookies = cookies.as_array().unwrap().iter();
    let own: Vec<_> = cookies
        .filter(|cookie| cookie["name"] == "hookshelf_view")
        .map(|cookie| cookie["path"].as_str().unwrap())
        .collect();
    assert_eq!(own, ["/hookshelf"]);
    browser.close().await;
}
