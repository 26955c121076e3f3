//! Findings on each app: requests from Meta, and the secrets of its deliveries.

use hookshelf::meta::signature::fingerprint;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Executor};

use super::{APP_SECRET, DoctorReport, VERIFY_TOKEN, good};
use crate::support::{eventually, server::Server};

const INSTAGRAM: &str = "c0ffee11c0ffee22c0ffee33c0ffee44";
const OLD: &str = "0b5e55ed0b5e55ed0b5e55ed0b5e55ed";
const OLDER: &str = "0ddba11a0ddba11a0ddba11a0ddba11a";

/// Inserts a row for a request some hours ago.
async fn remember(server: &Server, what: &str, secret: [&str; 2], hours: i32) {
    let [name, secret] = secret;
    let print = match secret {
        "" => String::new(),
        secret => fingerprint(&SecretString::from(secret)),
    };
    let sql = format!(
        "INSERT INTO callbacks
         VALUES ('default', '{what}', '{name}', '{print}', now() - interval '{hours} hours')
         ON CONFLICT (app, what, secret) DO UPDATE
         SET last_at = excluded.last_at, fingerprint = excluded.fingerprint"
    );
    server
        .database()
        .await
        .execute(AssertSqlSafe(sql))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_meta_never_reached_is_told_what_to_do() {
    let server = Server::start_with(&good()).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("callback", "warning", "no challenge was ever answered");
    report.says("callback", "warning", "no delivery verified yet");
    // A simulated delivery does not prove that Meta reaches the server.
    remember(&server, "simulated", ["app", APP_SECRET], 1).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("callback", "warning", "verified yet; a simulated one 20");
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_and_silence_are_judged() {
    let server = Server::start_with(&good()).await;
    remember(&server, "challenge_answered", ["", ""], 50).await;
    remember(&server, "delivery", ["app", APP_SECRET], 3).await;
    remember(&server, "challenge_refused", ["", ""], 60).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("callback", "ok", "a challenge was last answered 20");
    report.says("callback", "ok", "signed with the secret app");
    assert!(!report.with("warning").contains(&"callback"));
    remember(&server, "challenge_refused", ["", ""], 1).await;
    remember(&server, "delivery", ["app", APP_SECRET], 24 * 9).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("callback", "warning", "another verify token was refused");
    report.says("callback", "warning", "was last verified 20");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_judged_by_what_they_signed() {
    let more = format!("previous_secrets = [{OLD:?}, {OLDER:?}]\n");
    let instagram = format!("instagram_app_secret = {INSTAGRAM:?}\n");
    let server = Server::start_with(&(good() + instagram.as_str() + more.as_str())).await;
    remember(&server, "delivery", ["app", APP_SECRET], 1).await;
    remember(&server, "delivery", ["previous-1", OLD], 72).await;
    // The name belonged to another secret before.
    remember(&server, "delivery", ["previous-2", "another"], 2000).await;
    let report = DoctorReport::of(&server, &[]);
    report.says(
        "callback",
        "warning",
        "with the secret app only, never with instagram",
    );
    report.says("callback", "ok", "previous-1 signed its last delivery 20");
    report.says(
        "callback",
        "ok",
        "previous-2 has signed no recorded delivery",
    );
    // Meta may still retry deliveries signed before the rotation.
    remember(&server, "delivery", ["previous-1", OLD], 20).await;
    remember(&server, "delivery", ["instagram", INSTAGRAM], 2).await;
    let said = DoctorReport::of(&server, &[]).said("callback").join("\n");
    assert!(
        !said.contains("previous-1") && !said.contains("instagram"),
        "{said}"
    );
    for secret in [INSTAGRAM, OLD, OLDER, VERIFY_TOKEN] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_signatures_name_the_secret_to_look_at() {
    let server = Server::start_with(&good()).await;
    let wrong = format!("sha256={}", "0".repeat(64));
    let headers = [("X-Hub-Signature-256", &*wrong)];
    assert_eq!(server.post("/webhook", &headers, "{}").await.status, 401);
    let mut database = server.database().await;
    eventually("it is written down", async || {
        let count = sqlx::query_scalar("SELECT count(*) FROM rejections");
        let count: i64 = count.fetch_one(&mut database).await.unwrap();
        count == 1
    })
    .await;
    let report = DoctorReport::of(&server, &[]);
    report.says(
        "callback",
        "warning",
        "with an invalid signature in the last hour: 1",
    );
    let line = report
        .lines
        .iter()
        .find(|line| line.found.contains("invalid signature"));
    let remedy = line.unwrap().remedy.as_deref().unwrap();
    assert!(remedy.starts_with("set instagram_app_secret"), "{remedy}");
}
