//! Page of rejections: a card for each cause, and the way out of quarantine.

use std::fs;

use hookshelf::meta::signature::sign;
use jiff::SignedDuration;
use secrecy::SecretString;

use super::*;
use crate::{
    api::rejections::{desk_with_wrong_secrets, mend},
    rescue::{files, number, quarantine},
    support::{eventually, message::message},
};

impl Desk {
    async fn send_form(&self, name: &str, form: impl Into<String>) -> Page {
        let bearer = format!("Bearer {}", token(name));
        let headers = [
            ("Authorization", bearer.as_str()),
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let call = ("POST", "/rejections/recheck");
        let answer = self.server.send_admin(call, &headers, form.into()).await;
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
    page.says("5 deliveries are quarantined. 0 verify with the current secrets.")
        .says("Verify them")
        .hides("name=\"yes\"");
    let page = desk.send_form("operator", "").await;
    page.says("5 deliveries are quarantined. 0 verify with the current secrets.")
        .hides("name=\"yes\"");
    mend(&desk);
    let page = desk.page_as("operator", "/rejections?app=shop").await;
    page.says("2 deliveries are quarantined. 2 verify with the current secrets.")
        .says("Store them");
    let page = desk
        .page_as("operator", "/rejections?until=2020-01-01")
        .await;
    page.says("5 deliveries are quarantined. None of them came in this time.")
        .hides("action=\"/rejections/recheck\"");
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

/// Fields of the form on a page, as a browser sends them.
fn fields(page: &Page) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let (_, fields) = page
        .html
        .split_once("/rejections/recheck\" class=\"actions\"")
        .unwrap();
    let (fields, _) = fields.split_once("</form>").unwrap();
    for field in fields.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = field.split_once("\" value=\"").unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        form.append_pair(name, &decoded(value));
    }
    form.finish()
}

/// Cells of the row of an app.
fn cells(page: &Page, app: &str) -> Vec<String> {
    let (_, row) = page.html.split_once(&format!("<bdi>{app}</bdi>")).unwrap();
    let row = row.split_once("</tr>").unwrap().0;
    let cells = row.split("<td class=\"num end\">").skip(1);
    let cells = cells.map(|cell| cell.split_once('<').unwrap().0.to_owned());
    cells.collect()
}

#[tokio::test]
async fn many_deliveries_are_stored_in_parts_and_an_interruption_stores_nothing_twice() {
    let desk = Desk::open().await;
    quarantine(
        &desk.server.directory,
        SignedDuration::from_hours(1),
        0..1_100,
    );
    let page = desk.page_as("operator", "/rejections").await;
    page.says("1,100 deliveries are quarantined. 1,100 verify with the current secrets.");
    let first = desk.send_form("operator", "yes=true").await;
    first
        .says("1,000 deliveries were stored. 1,000 of 1,100 in quarantine are verified.")
        .says("Continue");
    let part = first
        .html
        .matches("/rejections/recheck\" hx-trigger=\"load");
    assert_eq!(part.count(), 1, "it goes on by itself");

    // Somebody else begins anew meanwhile.
    let left = files(desk.server.directory.path());
    let kept: Vec<_> = left.iter().map(|file| fs::read(file).unwrap()).collect();
    assert_eq!(left.len(), 100);
    let rest = desk.send_form("operator", "yes=true").await;
    rest.says("100 deliveries were stored.");
    // As after a crash before the files were deleted.
    for (file, bytes) in left.iter().zip(&kept).take(40) {
        fs::write(file, bytes).unwrap();
    }
    let last = desk.send_form("operator", fields(&first)).await;
    last.says("1,000 deliveries were stored.").hides("Continue");
    assert_eq!(cells(&last, "default"), ["1,000", "1,000", "0", "40", "0"]);
    assert_eq!(files(desk.server.directory.path()).len(), 0);
    let mut database = desk.server.database().await;
    for count in [
        "SELECT count(*) FROM deliveries",
        "SELECT count(*) FROM events",
    ] {
        assert_eq!(number(&mut database, count).await, 1_100);
    }
    let results = &last.links("/deliveries?app=default")[0];
    assert!(results.contains("since="), "{results}");
    let results = desk.page_as("operator", results).await;
    assert!(!results.links("/deliveries/").is_empty());
}

#[tokio::test]
async fn the_results_tell_repeats_stored_ones_and_those_that_stay() {
    let desk = desk_with_wrong_secrets().await;
    let forged = message("mid.6", "Another secret");
    let signature = sign(&SecretString::from("of a stranger"), forged.as_bytes());
    let headers = [("X-Hub-Signature-256", &*signature)];
    let refused = desk.server.post("/webhook", &headers, forged).await;
    assert_eq!(refused.status, 401);
    eventually("it is in quarantine", async || {
        files(desk.server.directory.path()).len() == 6
    })
    .await;
    mend(&desk);
    desk.deliver(message("mid.2", "A dozen rolls")).await;
    let shop = files(desk.server.directory.path());
    let shop = shop
        .iter()
        .find(|it| it.to_string_lossy().contains(".shop."));
    let (shop, bytes) = (shop.unwrap(), fs::read(shop.unwrap()).unwrap());
    desk.send_form("operator", "app=shop&yes=true").await;
    fs::write(shop, bytes).unwrap();
    let page = desk.send_form("operator", "yes=true").await;
    page.says("3 deliveries were stored.");
    assert_eq!(cells(&page, "default"), ["3", "2", "1", "0", "1"]);
    assert_eq!(cells(&page, "shop"), ["0", "0", "0", "1", "0"]);
}

#[tokio::test]
async fn no_page_of_the_quarantine_shows_a_body_or_a_signature() {
    let desk = desk_with_wrong_secrets().await;
    for is_right in [false, true] {
        if is_right {
            mend(&desk);
        }
        for page in [
            desk.page("/rejections").await,
            desk.page_as("operator", "/rejections").await,
            desk.send_form("operator", "").await,
        ] {
            page.says("5 deliveries are quarantined.");
            page.hides("dozen").hides("mid.1").hides("sha256=");
        }
    }
    let stored = desk.send_form("operator", "yes=true").await;
    stored.says("5 deliveries were stored.");
    stored.hides("dozen").hides("mid.1").hides("sha256=");
}

#[tokio::test]
async fn while_others_are_stored_the_question_waits_and_says_so() {
    let desk = desk_with_wrong_secrets().await;
    mend(&desk);
    let mut lock = desk.server.database().await;
    let lines = "BEGIN; LOCK TABLE commit_fence IN EXCLUSIVE MODE";
    sqlx::raw_sql(lines).execute(&mut lock).await.unwrap();
    let store = desk.send_form("operator", "yes=true");
    let ask = async {
        eventually("the question says that they are being stored", async || {
            let page = desk.send_form("operator", "app=shop").await;
            page.text()
                .contains("Quarantined deliveries are being stored or verified.")
        })
        .await;
        let page = desk.page_as("operator", "/rejections").await;
        page.says("deliveries are quarantined.");
        sqlx::raw_sql("COMMIT").execute(&mut lock).await.unwrap();
    };
    let (stored, ()) = tokio::join!(store, ask);
    stored.says("5 deliveries were stored.");
    let page = desk.send_form("operator", "").await;
    page.says("Nothing to store");
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_read_is_named_and_the_causes_stay() {
    let desk = desk_with_wrong_secrets().await;
    let place = desk.server.directory.join("data/rejections");
    fs::remove_dir_all(&place).unwrap();
    fs::write(&place, "a file where the directory should be").unwrap();
    for name in ["reader", "operator"] {
        let page = desk.page_as(name, "/rejections").await;
        assert_eq!(page.answer.status, 200, "{name}");
        page.says("The quarantine cannot be read")
            .says("75% of the rejections of this app")
            .hides("action=\"/rejections/recheck\"");
    }
    let refused = desk.send_form("operator", "yes=true").await;
    assert_eq!(refused.answer.status, 500);
    refused.says("may not read or delete the files in data_dir/rejections");
}
