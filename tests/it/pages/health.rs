//! Health page: from memory, for readers who see the whole server.

use hookshelf::meta::signature::sign;
use secrecy::SecretString;

use super::*;
use crate::{
    api::{outage::Outage, tokens},
    support::{
        eventually,
        message::{EMPTY, message},
        server::{Server, TOKEN, apps},
    },
};

#[tokio::test]
async fn each_figure_has_the_name_of_its_metric() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.a", "fresh rolls")).await;
    let page = desk.page("/health").await;
    page.says("All is well.");
    let metrics = desk.ask_as("metrics", "/metrics").await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    let names = page.html.split("class=\"metric\">").skip(1);
    let names = names.filter_map(|rest| rest.split('<').next());
    let names: Vec<_> = names.flat_map(|names| names.split(", ")).collect();
    assert!(names.len() > 15, "{names:?}");
    let reference = include_str!("../../../docs/reference/telemetry.md");
    for name in &names {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
    assert!(metrics.contains("hookshelf_signatures_total"));
    page.says("1 signatures");
}

#[tokio::test]
async fn health_works_while_postgres_is_away_and_drains_the_spool_on_request() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.before", "rolls")).await;
    let outage = Outage::begin(&desk).await;
    desk.deliver(message("mid.away", "more rolls")).await;
    eventually("the outage is noticed", async || {
        desk.page("/health")
            .await
            .text()
            .contains("Ready, degraded: database.")
    })
    .await;
    let page = desk.page_as("operator", "/health").await;
    page.says("Degraded. Nothing is lost.")
        .says("Postgres has been unavailable since")
        .says("not known while nothing drains")
        .says("Drain now");
    desk.page("/health").await.hides("Drain now");
    assert_eq!(drain_as(&desk, "reader").await, 403);
    outage.end().await;
    assert_eq!(drain_as(&desk, "operator").await, 303);
    eventually("the spool is empty", async || {
        let page = desk.page("/health").await;
        page.text().contains("All is well.") && page.html.contains("<dd>empty</dd>")
    })
    .await;
}

#[tokio::test]
async fn the_state_of_postgres_follows_the_last_commit() {
    let desk = Desk::open().await;
    let page = desk.page("/health").await;
    page.says("Answers; no commit since the start");
    desk.deliver(message("mid.first", "rolls")).await;
    let page = desk.page("/health").await;
    page.says("Accepts writes").hides("one failed");
    desk.run("ALTER FUNCTION commit_batch RENAME TO commit_of_another_version")
        .await;
    desk.deliver(message("mid.second", "more rolls")).await;
    eventually("the failed commit is noticed", async || {
        let page = desk.page("/health").await;
        page.text().contains("Answers, but the last commit failed")
    })
    .await;
    let page = desk.page("/health").await;
    page.says("one failed").hides("Accepts writes");
    page.hides("All is well.");
    desk.run("ALTER FUNCTION commit_of_another_version RENAME TO commit_batch")
        .await;
    eventually("the spool is drained", async || {
        desk.page("/health").await.text().contains("Accepts writes")
    })
    .await;
}

async fn drain_as(desk: &Desk, name: &str) -> u16 {
    let bearer = format!("Bearer {}", token(name));
    let headers = [("Authorization", bearer.as_str())];
    let form = ("POST", "/health/drain");
    desk.server.send_admin(form, &headers, "").await.status
}

#[tokio::test]
async fn a_token_of_a_client_does_not_see_the_health_of_the_server() {
    let desk = Desk::open().await;
    for name in ["bakery", "shop"] {
        assert_eq!(desk.page_as(name, "/health").await.answer.status, 404);
        assert_eq!(drain_as(&desk, name).await, 404);
    }
}

#[tokio::test]
async fn every_step_and_part_is_shown_with_its_failures() {
    let old = "a secret before the last rotation";
    let more = format!("previous_secrets = [{old:?}]\n{}", tokens());
    let desk = Desk {
        server: Server::start_with(&(apps(["default"]) + &more)).await,
    };
    let server = &desk.server;
    desk.deliver(message("mid.now", "rolls")).await;
    let signature = sign(&SecretString::from(old), EMPTY.as_bytes());
    let signed = [("X-Hub-Signature-256", &*signature)];
    assert_eq!(server.post("/webhook", &signed, EMPTY).await.status, 200);
    assert_eq!(server.post("/webhook", &[], EMPTY).await.status, 401);
    let wrong = "/webhook?hub.mode=subscribe&hub.challenge=5&hub.verify_token=another";
    assert_eq!(server.get(wrong).await.status, 403);
    let right = wrong.replace("another", &TOKEN.replace(' ', "%20"));
    assert_eq!(server.get(&right).await.status, 200);
    eventually("the followers have looked", async || {
        desk.page("/health").await.text().contains("conversations")
    })
    .await;
    let page = desk.page("/health").await;
    for step in ["Accept", "Verify", "Parse", "Commit", "Ack"] {
        assert!(page.html.contains(&format!("</span>{step}</h3>")), "{step}");
    }
    page.says("With failures:Verify")
        .says("signature missing1")
        .says("Meta still signs with this old secret")
        .says("wrong verify token")
        .says("challenge answered")
        .says("last delivery")
        .says("Followers")
        .says("Woken by")
        .says("public")
        .says("Ended:")
        .says("fsyncoff")
        .says("Failed commitsnone since the start")
        .says(env!("CARGO_PKG_VERSION"))
        .says("Running since");
}
