//! Overview: the answer, things to act on, the chart, accounts, and the setup guide.

use hookshelf::meta::signature::sign;
use secrecy::SecretString;

use super::*;
use crate::{
    api::{
        outage::Outage,
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        eventually,
        message::{EMPTY, comment, message},
    },
};

const ACCOUNT: &str = "17840000000000001";

/// Waits until a page says a text: counts follow the events.
async fn says_soon(desk: &Desk, name: &str, path: &str, text: &str) -> Page {
    eventually(text, async || {
        desk.page_as(name, path).await.text().contains(text)
    })
    .await;
    desk.page_as(name, path).await
}

#[tokio::test]
async fn without_data_the_overview_is_a_setup_guide_with_the_values_to_enter() {
    let desk = Desk::open().await;
    let waiting = "Waiting for the first delivery";
    let guide = says_soon(&desk, "operator", "/", waiting).await;
    guide.says("/webhook/shop").says("hookshelf simulate");
    let token = guide.html.split("data-copy=\"").nth(2).unwrap();
    let token = token.split('"').next().unwrap();
    assert!(!token.is_empty() && !token.contains('/'), "{token}");
    let viewer = desk.page("/").await;
    viewer.says("Only operators see it here").hides(token);
}

#[tokio::test]
async fn the_guide_shows_the_challenges_and_turns_into_the_overview() {
    let desk = Desk::open().await;
    let wrong = "/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong";
    assert_eq!(desk.server.get(wrong).await.status, 403);
    let guide = says_soon(&desk, "reader", "/", "Waiting").await;
    assert!(guide.html.contains("state bad"), "{}", guide.text());
    desk.deliver(message("mid.first", "fresh rolls")).await;
    let overview = says_soon(&desk, "reader", "/", "1 event today").await;
    overview
        .says("All good.")
        .hides("Waiting for the first delivery");
}

#[tokio::test]
async fn a_bar_of_the_chart_leads_to_its_hour_and_its_numbers_are_a_table() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.a", "fresh rolls")).await;
    desk.deliver(message("mid.a", "fresh rolls")).await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = says_soon(&desk, "reader", "/", ": 2 events, 1 repeat").await;
    assert!(page.html.contains("bar-fill messages"), "{}", page.html);
    assert!(page.html.contains("bar-fill comments"), "{}", page.html);
    let links = page.links("/?since=20");
    let last = links.iter().max().unwrap();
    let narrowed = desk.page(last).await;
    narrowed.says("2 events today");
    let kept = narrowed.links("/events?since=");
    assert!(!kept.is_empty(), "the time stays on other pages");
    let comments = desk.page("/events?kind=comment").await;
    comments.says(": 1 event").says("1 hour each");
    let searched = desk.page("/events?text=rolls").await;
    searched.says("The chart does not apply: text.");
}

#[tokio::test]
async fn rejections_of_the_last_hour_are_something_to_act_on() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.b", "fresh rolls")).await;
    let refused = desk
        .server
        .post("/webhook", &[], message("mid.c", "x"))
        .await;
    assert_eq!(refused.status, 401);
    let page = says_soon(&desk, "reader", "/", "1 delivery was rejected").await;
    page.says("Something needs you.").says("signature missing");
}

#[tokio::test]
async fn figures_gaps_and_at_most_three_things_to_do_are_shown() {
    let old = "the secret of last year";
    let more = format!("previous_secrets = [{old:?}]\n{}", tokens());
    let desk = Desk::open_with(&more).await;
    desk.deliver(message("mid.f", "fresh rolls")).await;
    let signature = sign(&SecretString::from(old), EMPTY.as_bytes());
    for (path, signature, status) in [("/webhook/shop", &*signature, 200), ("/webhook", "", 401)] {
        let signed = [("X-Hub-Signature-256", signature)];
        assert_eq!(desk.server.post(path, &signed, EMPTY).await.status, status);
    }
    desk.run(
        "INSERT INTO gaps (app, cause, opened_at, closed_at)
         VALUES ('default', 'down', now() - interval '3 hours', now() - interval '2 hours');
         INSERT INTO accounts (app, account_id, label, first_seen, last_seen)
         VALUES ('default', '1784', 'The corner shop', now(), now());
         INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'default', '1784',
                'comment', 'live', 60, 0
         FROM generate_series(2, 1008) AS n",
    )
    .await;
    let still = "Meta still signs with the secret previous-1 of shop.";
    says_soon(&desk, "reader", "/", still).await;
    let page = says_soon(&desk, "reader", "/", "1 delivery was rejected").await;
    for figure in [
        "Ack p50",
        "p99 ",
        "Spool0empty",
        "Follower lag",
        "Disk free",
        "Secret app of default",
        "by Meta",
    ] {
        page.says(figure);
    }
    page.says("Hookshelf was down")
        .says("The corner shop is silent.")
        .says("An event usually comes every")
        .says(still);
    assert!(page.html.contains("bar-bad"), "{}", page.html);
    assert_eq!(page.html.matches("<li class=\"bad\">").count(), 1);
    assert!(page.html.contains("aria-label=\"1 gaps\""), "{}", page.html);
}

#[tokio::test]
async fn a_client_sees_its_own_accounts_and_nothing_of_the_server() {
    let desk = desk_with(&tokens()).await;
    let page = says_soon(&desk, "bakery", "/", "Accounts").await;
    page.hides(FLORIST).hides("Ack p50").hides("Follower lag");
    assert!(page.html.contains(BAKERY), "{}", page.text());
    assert!(page.links("/health").is_empty());
    let other = desk.page_as("florist", "/").await;
    other.hides(BAKERY);
}

#[tokio::test]
async fn while_postgres_is_away_every_page_says_so_and_the_overview_stays() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.before", "rolls")).await;
    let outage = Outage::begin(&desk).await;
    desk.deliver(message("mid.away", "more rolls")).await;
    let alert = "Postgres has been unavailable since";
    let page = says_soon(&desk, "reader", "/", alert).await;
    page.says("Degraded. Nothing is lost.")
        .says("1 delivery is safe in the spool.")
        .says("The counts return with Postgres.");
    assert!(page.links("/health#postgres").len() >= 2);
    let selected = [("HX-Request", "true"), ("HX-Request-Type", "full")];
    for (loaded, is_older) in [
        ("2026-01-02T03:04:05Z", true),
        ("2099-01-02T03:04:05Z", false),
    ] {
        let line = format!("/alert?loaded={loaded}");
        let line = desk.page_with("reader", &line, &selected).await;
        line.says(alert).says("1 delivery is safe in the spool.");
        let age = line.text().contains("This page was loaded before, at");
        assert_eq!(age, is_older, "{loaded}");
    }
    outage.end().await;
    let page = says_soon(&desk, "reader", "/", "2 events today").await;
    page.hides(alert);
}

#[tokio::test]
async fn the_label_of_an_account_is_text() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.label", "rolls")).await;
    let label = r#"{"label":"<img src=x onerror=alert(1)>\u202e","client":"<b>us</b>"}"#;
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", bearer.as_str())];
    let path = format!("/v1/accounts/{ACCOUNT}");
    let set = desk
        .server
        .send_admin(("PATCH", &path), &headers, label)
        .await;
    assert_eq!(set.status, 200, "{:?}", set.body);
    let page = says_soon(&desk, "reader", "/", "1 event today").await;
    page.says("<img src=x onerror=alert(1)>")
        .says("<b>us</b>")
        .hides("<img")
        .hides("<b>us")
        .hides("\u{202e}");
}
