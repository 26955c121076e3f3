//! Page of rejections: a card for each cause, and the way out of quarantine.

use super::*;
use crate::api::rejections::{desk_with_wrong_secrets, mend};

impl Desk {
    async fn send_form(&self, name: &str, form: &'static str) -> Page {
        let bearer = format!("Bearer {}", token(name));
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let call = ("POST", "/rejections/recheck");
        let answer = self.server.send_admin(call, &headers, form).await;
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        Page { answer, html }
    }
}

#[tokio::test]
async fn without_rejections_the_page_says_how_one_would_appear() {
    let desk = Desk::open().await;
    let page = desk.page("/rejections").await;
    page.says("No rejections in this time range")
        .says("would appear here as one card");
    page.hides("quarantine");
}

#[tokio::test]
async fn a_cause_has_one_card_with_evidence_and_steps() {
    let desk = desk_with_wrong_secrets().await;
    let page = desk.page("/rejections").await;
    page.says("6 requests in this time");
    assert_eq!(page.html.matches("<article class=\"cause\"").count(), 3);
    page.says("a wrong secret and a forgery look alike.")
        .says("Every request came from a private network")
        .says("75% of the rejections of this app")
        .says("Reason: signature_mismatch")
        .says("3 of them in quarantine")
        .says("Add the proxy to http.trusted_proxies")
        .says("127.0.0.0/24");
    let shop = desk.page("/rejections?app=shop").await;
    assert_eq!(shop.html.matches("<article class=\"cause\"").count(), 1);
    shop.says("100% of the rejections of this app");
    let bars = shop.links("/rejections?since=");
    let narrowed = bars.iter().find(|link| link.contains("until=")).unwrap();
    desk.page(narrowed).await.says("2 requests in this time");
    let none = desk.page("/rejections?until=2020-01-01").await;
    none.says("No rejections in this time range")
        .says("All time, all apps");
}

#[tokio::test]
async fn an_operator_stores_what_passes_after_one_question() {
    let desk = desk_with_wrong_secrets().await;
    let page = desk.page_as("operator", "/rejections").await;
    page.says("5 deliveries are quarantined.")
        .says("is not known yet: this page only counts their files")
        .hides("name=\"yes\"");
    let page = desk.send_form("operator", "").await;
    page.says("5 deliveries are quarantined. 0 verify with the current secrets.")
        .hides("name=\"yes\"");
    mend(&desk);
    let page = desk.send_form("operator", "").await;
    page.says("5 deliveries are quarantined. 5 verify with the current secrets.")
        .says("Storing them adds 5 events with their original arrival times.")
        .says("Store 5 deliveries");
    assert!(page.html.contains("name=\"yes\" value=\"true\" required"));

    let unconfirmed = desk.send_form("operator", "app=shop").await;
    unconfirmed.says("2 deliveries are quarantined. 2 verify with the current secrets.");
    assert!(unconfirmed.html.contains("name=\"app\" value=\"shop\""));
    let list = desk.read_as("operator", "/v1/events").await;
    assert_eq!(list["events"].as_array().unwrap().len(), 0);

    let stored = desk.send_form("operator", "app=shop&yes=true").await;
    assert_eq!(stored.answer.status, 200, "{}", stored.text());
    stored.says("2 deliveries were stored.");
    let events = desk
        .page_as("operator", &stored.links("/events?app=shop")[0])
        .await;
    assert_eq!(events.text().matches("A dozen rolls").count(), 2);
    let deliveries = &stored.links("/deliveries?app=shop")[0];
    let deliveries = desk.page_as("operator", deliveries).await;
    assert_eq!(deliveries.links("/deliveries/").len(), 2);

    let page = desk.send_form("operator", "").await;
    page.says("3 deliveries are quarantined. 3 verify with the current secrets.");
    desk.send_form("operator", "yes=true").await;
    let again = desk.send_form("operator", "yes=true").await;
    again.says("Nothing was left to store");
    let none = desk.send_form("operator", "").await;
    none.says("Nothing to store");
    let page = desk.page_as("operator", "/rejections").await;
    page.hides("quarantined.").says("6 requests in this time");
}

#[tokio::test]
async fn only_an_operator_of_the_apps_may_store() {
    let desk = desk_with_wrong_secrets().await;
    mend(&desk);
    let page = desk.page("/rejections").await;
    page.says("5 deliveries are quarantined.")
        .says("A token with the role operator")
        .hides("<form method=\"post\" action=\"/rejections/recheck\"");
    for name in ["viewer", "reader", "metrics"] {
        let refused = desk.send_form(name, "yes=true").await;
        assert_eq!(refused.answer.status, 403, "{name}");
    }
    let wrong = desk.send_form("operator", "yes=true&discard=true").await;
    assert_eq!(wrong.answer.status, 400);
    let page = desk.page_as("shop", "/rejections").await;
    page.says("2 deliveries are quarantined.")
        .hides("<code><bdi>default");
    let page = desk.send_form("shop", "").await;
    page.says("2 deliveries are quarantined. 2 verify")
        .hides("<code><bdi>default");
    let stored = desk.send_form("shop", "yes=true").await;
    stored.says("2 deliveries were stored.");
    let page = desk.page_as("bakery", "/rejections").await;
    page.says("No rejections in this time range");
    let none = desk.send_form("bakery", "yes=true").await;
    none.says("Nothing was left to store");
    let left = desk.read_as("operator", "/v1/rejections").await;
    assert_eq!(left["quarantined"], 3);
}

#[tokio::test]
async fn a_form_of_another_site_stores_nothing() {
    let desk = desk_with_wrong_secrets().await;
    mend(&desk);
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let call = ("POST", "/rejections/recheck");
    let answer = desk.server.send_admin(call, &headers, "yes=true").await;
    assert_eq!(answer.status, 403);
    let left = desk.read_as("operator", "/v1/rejections").await;
    assert_eq!(left["quarantined"], 5);
}
