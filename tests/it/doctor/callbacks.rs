//! Recording of challenges and deliveries that arrive over HTTP.

use hookshelf::meta::signature::{fingerprint, sign, sign_checked, sign_simulated};
use secrecy::SecretString;
use sqlx::PgConnection;

use crate::support::{
    eventually,
    message::EMPTY,
    server::{SECRET, Server, TOKEN, apps},
};

/// Recorded requests with the name of the secret.
async fn seen(database: &mut PgConnection) -> Vec<String> {
    let seen = sqlx::query_scalar("SELECT what || ' ' || secret FROM callbacks ORDER BY 1");
    seen.fetch_all(database).await.unwrap()
}

async fn challenge(server: &Server, token: &str) -> u16 {
    let token = token.replace(' ', "%20");
    let query = format!("hub.mode=subscribe&hub.challenge=5&hub.verify_token={token}");
    server.get(&format!("/webhook?{query}")).await.status
}

fn secret() -> SecretString {
    SecretString::from(SECRET)
}

#[tokio::test]
async fn challenges_and_deliveries_are_remembered_over_a_stop() {
    let server = Server::start().await;
    let said = server.said().join("\n");
    assert!(
        said.contains("challenge     never answered: register"),
        "{said}"
    );
    assert!(
        said.contains("delivery      no delivery verified yet"),
        "{said}"
    );
    assert!(
        said.contains("verify token  verify_token of [apps.default] in "),
        "{said}"
    );
    assert_eq!(challenge(&server, TOKEN).await, 200);
    assert_eq!(challenge(&server, "another").await, 403);
    assert_eq!(server.deliver("/webhook", EMPTY).await.status, 200);
    // A stop writes the records that the loop has not written yet.
    let (status, directory, place) = server.stop();
    assert!(status.success());
    let server = Server::start_in(directory, place);
    let said = server.said().join("\n");
    assert!(said.contains("challenge     last answered 20"), "{said}");
    assert!(said.contains("signed with the secret app"), "{said}");
    assert!(!said.contains(TOKEN) && !said.contains(SECRET), "{said}");
    assert_eq!(
        seen(&mut server.database().await).await,
        ["challenge_answered ", "challenge_refused ", "delivery app"]
    );
}

#[tokio::test]
async fn simulated_deliveries_are_no_evidence_of_meta() {
    let server = Server::start().await;
    let (mark, signature) = (
        sign_simulated(&secret(), EMPTY.as_bytes()),
        sign(&secret(), EMPTY.as_bytes()),
    );
    let headers = [
        ("X-Hub-Signature-256", &*signature),
        ("X-Hookshelf-Simulated", &*mark),
    ];
    assert_eq!(server.post("/webhook", &headers, EMPTY).await.status, 200);
    let mut database = server.database().await;
    eventually("it is written down as what it is", async || {
        seen(&mut database).await == ["simulated app"]
    })
    .await;
}

#[tokio::test]
async fn a_challenge_of_our_own_is_answered_and_not_remembered() {
    let server = Server::start().await;
    let asked = async |query: &str, mark: &str| {
        let request = format!("/webhook?{query}");
        let headers = [("X-Hookshelf-Doctor", mark)];
        server.get_with(&request, &headers).await.status
    };
    let token = TOKEN.replace(' ', "%20");
    let query = format!("hub.mode=subscribe&hub.challenge=5&hub.verify_token={token}");
    let wrong = "hub.mode=subscribe&hub.challenge=5&hub.verify_token=another";
    assert_eq!(asked(&query, &sign_checked(&secret(), &query)).await, 200);
    assert_eq!(asked(wrong, &sign_checked(&secret(), wrong)).await, 403);
    server.deliver("/webhook", EMPTY).await;
    let mut database = server.database().await;
    eventually("only the delivery is written down", async || {
        seen(&mut database).await == ["delivery app"]
    })
    .await;
    // A mark of `doctor` that is not signed with the secret is ignored: the challenge counts as
    // Meta's.
    assert_eq!(asked(&query, &sign_checked(&secret(), wrong)).await, 200);
    eventually("a forged mark hides nothing", async || {
        seen(&mut database).await == ["challenge_answered ", "delivery app"]
    })
    .await;
}

#[tokio::test]
async fn a_reload_forgets_nothing_and_tells_secrets_apart() {
    let server = Server::start().await;
    server.deliver("/webhook", EMPTY).await;
    let file = server.directory.join("hookshelf.toml");
    let rotated = apps(["default"]).replace(
        "app_secret = ",
        "app_secret = \"new\"\nprevious_secrets_file = ",
    );
    let old = server.directory.join("old");
    std::fs::write(&old, SECRET).unwrap();
    let rotated = rotated.replace(
        &format!("{SECRET:?}"),
        &format!("{:?}", old.display().to_string()),
    );
    std::fs::write(&file, rotated).unwrap();
    assert!(server.run(&["reload"]).status.success());
    let mut database = server.database().await;
    eventually("the old secret goes by its new name", async || {
        server.deliver("/webhook", EMPTY).await;
        seen(&mut database).await == ["delivery app", "delivery previous-1"]
    })
    .await;
    let known: Vec<String> = sqlx::query_scalar("SELECT DISTINCT fingerprint FROM callbacks")
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(known, [fingerprint(&secret())]);
}
