//! Journeys of an operator through several pages, in each look.

use super::{live::LAST, *};
use crate::{
    api::{
        outage::Outage,
        rejections::{correct, desk_with_wrong_secrets},
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    pages::comments::said,
    support::message::{comment, messages},
};

const ACCOUNT: &str = "17840000000000001";

/// Id of a message as Meta makes them.
const MID: &str = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOjE3ODQxNDAwMDAwMDAwMDAxOjM0MDI4MjM2Njg0MTcx\
                   MDMwMTI0NDI1OTk1OTk2NTU0MTkxMjM0NTozMTY1NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQZD";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_operator_signs_in_with_a_token_and_signs_out() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let mut browser = Browser::open(desk.server).await;
    for look in Look::ALL {
        browser.wear(look).await;
        browser.visit("/events?kind=comment").await;
        browser.sign_in("reader").await;
        browser.read(".list tbody .c-text", "how much?").await;
        let address = browser.address().await;
        assert!(address.ends_with("/events?kind=comment"), "{address}");
        if browser.is_on_phone() {
            browser.choose(".bar a[href='#pages']").await;
        }
        browser.read(".side .who span", "reader").await;
        browser.choose(".side form button").await;
        browser.see(".login").await;
        browser.visit("/events").await;
        browser.see(".login").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_mid_of_a_complaint_leads_to_its_message() {
    let desk = Desk {
        server: Server::start().await,
    };
    desk.deliver(messages("7002", ACCOUNT, &[("mid.other", "good morning")]))
        .await;
    let talk = [("mid.1", "hello"), (MID, "where is my order?")];
    desk.deliver(messages("7001", ACCOUNT, &talk)).await;
    desk.be_listed().await;
    let mut browser = Browser::open(desk.server).await;
    for look in Look::ALL {
        browser.wear(look).await;
        browser.visit("/").await;
        browser.write(".top .find input", MID).await;
        browser.press(ENTER).await;
        browser
            .read(".msg:target .bubble", "where is my order?")
            .await;
        browser.says(".chat", "hello").await;
        let address = browser.address().await;
        let path = format!("/conversations/{ACCOUNT}/7001");
        assert!(address.contains(&path), "{address}");
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_unanswered_comment_is_found() {
    let desk = Desk {
        server: Server::start().await,
    };
    for body in [
        said("7001", "9001", "How much is it?", None),
        said(ACCOUNT, "9002", "Three euros", Some("9001")),
        said("7002", "9003", "Lovely rolls", None),
    ] {
        desk.deliver(body).await;
    }
    desk.be_listed().await;
    let mut browser = Browser::open(desk.server).await;
    let filter = ".talk-list .filters details:has([name=unanswered])";
    for look in Look::ALL {
        browser.wear(look).await;
        browser.visit("/comments").await;
        browser.choose(&format!("{filter} summary")).await;
        browser.tick(&format!("{filter} input")).await;
        browser.choose(&format!("{filter} button")).await;
        browser.see(".chip.set").await;
        browser.says("a.media .state", "1 unanswered").await;
        browser.choose("a.media").await;
        let unanswered = ".remark:has(> .by .note.warn) > p[dir]";
        browser.read(unanswered, "Lovely rolls").await;
        browser.says(".remarks", "Three euros").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_tail_has_no_gap_after_its_server_was_killed() {
    for look in [Look::USUAL, Look::PHONE] {
        let mut browser = Browser::open(Server::start().await).await;
        browser.wear(look).await;
        browser.watch("/live").await;
        browser.deliver(&["first"]).await;
        browser.read(LAST, "first").await;
        browser.choose("[data-live=pause]").await;
        browser.deliver(&["second"]).await;
        browser
            .read("[data-live=missed]", "Paused. 1 new event")
            .await;
        let browser = browser.kill_server();
        browser.deliver(&["third"]).await;
        browser
            .says("[data-live=connection]", "Resumed without a gap")
            .await;
        browser
            .read("[data-live=missed]", "Paused. 2 new events")
            .await;
        browser.choose("[data-live=resume]").await;
        browser.read(LAST, "third").await;
        let lines = "return [...document.querySelectorAll('.tail .c-text')]\
                     .map((line) => line.textContent)";
        let lines = browser.value(lines).await;
        assert_eq!(lines, json!(["first", "second", "third"]));
        browser
            .expect_on_console(&["net::ERR", "status of 502", "status of 503"])
            .await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn a_wrong_secret_is_explained_and_its_deliveries_are_stored_once_it_is_corrected() {
    for look in Look::ALL {
        let desk = desk_with_wrong_secrets().await;
        let mut browser = Browser::open(desk.server).await;
        browser.wear(look).await;
        browser.visit("/rejections?app=shop").await;
        browser.sign_in("operator").await;
        browser
            .says("#main", "a wrong secret and a forgery look alike")
            .await;
        browser.choose("#quarantine .button").await;
        browser
            .says("#main", "2 deliveries are quarantined. 0 verify")
            .await;
        correct(&browser.server);
        browser.visit("/rejections?app=shop").await;
        browser.choose("#quarantine .button").await;
        browser
            .says("#main", "2 deliveries are quarantined. 2 verify")
            .await;
        browser.tick("#main [name=yes]").await;
        browser.choose("#main .button.primary").await;
        browser.says("#main", "2 deliveries were stored.").await;
        browser.choose("#main td a[href*='/events?']").await;
        browser.read(".list tbody .c-text", "A dozen rolls").await;
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_token_of_a_client_shows_the_data_of_this_client_by_url_too() {
    let desk = desk_with(&tokens()).await;
    let path = format!("/v1/events?account={FLORIST}");
    let list = desk.read_as("reader", &path).await;
    let events = list["events"].as_array().unwrap().iter();
    let foreign = events.map(|event| format!("/events/{}", event["position"].as_str().unwrap()));
    let mut foreign: Vec<_> = foreign.collect();
    foreign.extend([
        format!("/accounts/{FLORIST}"),
        format!("/conversations/{FLORIST}/72027202"),
        "/comments/media-92029202".to_owned(),
    ]);
    let mut browser = Browser::open(desk.server).await;
    for look in [Look::USUAL, Look::PLAIN] {
        browser.wear(look).await;
        browser.visit("/accounts").await;
        browser.sign_in("bakery").await;
        browser.see(&format!("a[href$='/accounts/{BAKERY}']")).await;
        for path in [
            "/",
            "/live",
            "/events",
            "/conversations",
            "/comments",
            "/deliveries",
        ] {
            browser.visit(path).await;
            browser.see("#main h1").await;
            for id in [FLORIST, "72027202", "mid.florist", "92029202"] {
                browser.hides(id).await;
            }
        }
        for path in &foreign {
            browser.visit(path).await;
            browser.read("#main h1", "Nothing is here").await;
        }
        browser.visit(&format!("/events?account={FLORIST}")).await;
        browser.says("#main", "Nothing matches").await;
        browser.forget().await;
    }
    browser.expect_on_console(&["status of 404"]).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn pages_say_that_postgres_is_away_and_that_it_is_back() {
    const FAULT: &str = "Postgres has been unavailable since";
    let mut browser = Browser::open(Server::start().await).await;
    browser.wear(Look::USUAL).await;
    browser.deliver(&["before"]).await;
    browser.watch("/live").await;
    browser.read(LAST, "before").await;
    let outage = Outage::of(&browser.server).await;
    browser.deliver(&["during"]).await;
    browser
        .says("[data-live=connection]", "Nothing is committed")
        .await;
    browser.visit("/").await;
    browser.says("#alert", FAULT).await;
    browser
        .says("#alert", "1 delivery is safe in the spool.")
        .await;
    browser.choose("#alert a").await;
    browser.says("#main h1", "Degraded. Nothing is lost.").await;
    browser.visit("/events").await;
    browser.says("#main", "Postgres is unavailable since").await;
    outage.end().await;
    eventually("the fault is over", async || {
        browser.visit("/").await;
        browser.tab.find("#alert[hidden]").await.is_some()
    })
    .await;
    browser.watch("/live").await;
    browser.read(LAST, "during").await;
    browser
        .expect_on_console(&["status of 503", "net::ERR"])
        .await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn an_open_page_stays_readable_and_tells_that_an_outage_began_later() {
    let browser = Browser::open(Server::start().await).await;
    browser.deliver(&["before"]).await;
    browser.visit("/events").await;
    browser.be_ready().await;
    let outage = Outage::of(&browser.server).await;
    browser.deliver(&["during"]).await;
    browser
        .says("#alert", "This page was loaded before, at")
        .await;
    browser.says(".list tbody", "before").await;
    outage.end().await;
    browser.see("#alert[hidden]").await;
    browser.expect_on_console(&["status of 503"]).await;
    browser.close().await;
}
