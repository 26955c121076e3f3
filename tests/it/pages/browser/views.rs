//! Journey over a saved view.

use super::*;
use crate::support::message::{comment, message};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_narrowed_list_is_saved_and_opened_in_another_session() {
    let browser = Browser::open(Server::start().await).await;
    for body in [
        comment("17840000000000001", "9001", "how much?"),
        message("mid.view", "fresh rolls"),
    ] {
        assert_eq!(browser.server.deliver("/webhook", body).await.status, 200);
    }
    browser.visit("/events").await;
    browser.be_ready().await;
    browser.see(".list tbody tr:nth-child(2)").await;
    browser.click(".filters .chip:first-child summary").await;
    browser.click("input[name=kind][value=comment]").await;
    browser.click(".filters details[open] button.primary").await;
    browser.see(".list tbody tr:only-child").await;
    browser.click(".save-view summary").await;
    browser.click(".save-view input[name=name]").await;
    browser.press("Questions").await;
    browser.click(".save-view button.primary").await;
    browser
        .read(".side a[aria-current=true] span", "Questions")
        .await;
    browser.read(".save-view summary .label", "Saved").await;

    let elsewhere = Browser::open(browser.leave().await).await;
    elsewhere.visit("/views/questions").await;
    elsewhere.see(".list tbody tr:only-child").await;
    elsewhere.read(".list .c-text", "how much?").await;
    let address = elsewhere.address().await;
    assert!(address.ends_with("/events?kind=comment"), "{address}");
    elsewhere.resize(PHONE).await;
    elsewhere.visit("/views?edit=questions").await;
    elsewhere.see(".views .change").await;
    let overflow = "return document.documentElement.scrollWidth - innerWidth";
    let overflow = elsewhere.value(overflow).await.as_i64().unwrap();
    assert!(overflow <= 0, "{overflow} px");
    elsewhere.resize(DESK).await;
    elsewhere.click(".views .change details summary").await;
    elsewhere.click(".views .change details button").await;
    elsewhere.see_no_more("#questions").await;
    elsewhere.close().await;
}
