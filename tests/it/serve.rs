//! Life cycle of the program: start, reload, stop, and its messages to the user.

use std::process::Stdio;

use hookshelf::meta::event::Kind;
use nix::sys::signal::Signal;

use crate::support::{
    eventually,
    message::message,
    server::{SECRET, Server, TOKEN, apps},
};

fn body() -> String {
    message("mid.serve.1", "Two loaves, please")
}

async fn events(server: &Server) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM events");
    count.fetch_one(&mut server.database().await).await.unwrap()
}

#[tokio::test]
async fn a_signed_delivery_is_stored_and_acked() {
    let server = Server::start().await;
    let answer = server.deliver("/webhook", body()).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let (stored, kind, text): (Vec<u8>, String, String) =
        sqlx::query_as("SELECT body, kind, text FROM deliveries JOIN events ON delivery_id = id")
            .fetch_one(&mut server.database().await)
            .await
            .unwrap();
    assert_eq!(stored, body().as_bytes());
    assert_eq!((&*kind, &*text), ("message", "Two loaves, please"));
}

#[tokio::test]
async fn a_wrong_signature_stores_nothing_but_the_rejection() {
    let server = Server::start().await;
    let wrong = format!("sha256={}", "0".repeat(64));
    let answer = server
        .post("/webhook", &[("X-Hub-Signature-256", &wrong)], body())
        .await;
    assert_eq!((answer.status, answer.body.len()), (401, 0));
    assert_eq!(server.post("/webhook", &[], body()).await.status, 401);
    let mut database = server.database().await;
    eventually("both rejections are written down", async || {
        let reasons: Vec<String> = sqlx::query_scalar("SELECT reason FROM rejections ORDER BY 1")
            .fetch_all(&mut database)
            .await
            .unwrap();
        reasons == ["signature_mismatch", "signature_missing"]
    })
    .await;
    let deliveries: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(deliveries, 0);
}

#[tokio::test]
async fn the_same_delivery_twice_adds_no_event_and_is_acked_twice() {
    let server = Server::start().await;
    for _ in 0..2 {
        assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    }
    assert_eq!(events(&server).await, 1);
    let repeats: i64 = sqlx::query_scalar("SELECT count(*) FROM repeats")
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(repeats, 1);
}

#[tokio::test]
async fn it_stops_in_order_and_goes_on_where_it_was() {
    let server = Server::start().await;
    server.deliver("/webhook", body()).await;
    let (status, directory, database) = server.stop();
    assert!(status.success());
    let server = Server::start_in(directory, database);
    server.deliver("/webhook", body()).await;
    assert_eq!(events(&server).await, 1);
}

#[tokio::test]
async fn what_was_acked_survives_a_kill() {
    let server = Server::start().await;
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    server.signal(Signal::SIGKILL);
    let (status, directory, database) = server.wait();
    assert!(!status.success());
    let server = Server::start_in(directory, database);
    assert_eq!(events(&server).await, 1);
}

#[tokio::test]
async fn without_a_database_it_starts_its_own_and_finds_it_again() {
    let server = Server::start_private();
    assert!(
        server
            .said()
            .iter()
            .any(|line| line.contains("private Postgres"))
    );
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    let asked = server.run(&["psql", "--", "-Atc", "SELECT text FROM messages"]);
    assert_eq!(
        String::from_utf8(asked.stdout).unwrap(),
        "Two loaves, please\n"
    );

    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    let server = Server::start_in(directory, place);
    assert_eq!(events(&server).await, 1);

    let (status, directory, place) = server.stop();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert!(status.success(), "{status}: {log}");
    let server = Server::start_in(directory, place);
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
    assert_eq!(events(&server).await, 1);
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused_and_harms_nothing() {
    let server = Server::start().await;
    let second = server.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    // The occupied address is reported first; with a free address the error names the directory.
    assert!(said.contains("cannot listen on"), "{said}");
    let elsewhere = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .env("HOOKSHELF_CONFIG", server.directory.join("hookshelf.toml"))
        .env("HOOKSHELF__DATA_DIR", server.directory.join("data"))
        .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(elsewhere.status.code(), Some(1));
    let said = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(said.contains("another hookshelf serve (process "), "{said}");
    assert_eq!(server.deliver("/webhook", body()).await.status, 200);
}

#[tokio::test]
async fn reload_swaps_the_apps_and_a_bad_file_keeps_them() {
    let server = Server::start().await;
    let file = server.directory.join("hookshelf.toml");
    assert_eq!(server.deliver("/webhook/bakery", body()).await.status, 404);

    std::fs::write(&file, apps(["default", "bakery"])).unwrap();
    assert!(server.run(&["reload"]).status.success());
    eventually("the new app is there", async || {
        server.deliver("/webhook/bakery", body()).await.status == 200
    })
    .await;

    std::fs::write(&file, "[apps.bakery]\napp_secrt = \"x\"\n").unwrap();
    let refused = server.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("apps.bakery.app_secrt")
    );
    server.signal(Signal::SIGHUP);
    eventually("the log says why", async || {
        server.log().contains("apps.bakery.app_secrt")
    })
    .await;
    std::fs::write(&file, "").unwrap();
    server.signal(Signal::SIGHUP);
    eventually("a file without apps is not taken either", async || {
        server.log().contains("no app is configured any more")
    })
    .await;
    assert_eq!(server.deliver("/webhook/bakery", body()).await.status, 200);
}

#[tokio::test]
async fn it_answers_the_challenge_and_says_what_a_user_needs() {
    let server = Server::start().await;
    let query = format!("hub.mode=subscribe&hub.challenge=77&hub.verify_token={TOKEN}");
    let answer = server
        .get(&format!("/webhook?{}", query.replace(' ', "%20")))
        .await;
    assert_eq!((answer.status, &answer.body[..]), (200, &b"77"[..]));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");

    let said = server.said().join("\n");
    for needed in ["listens on", "callback URL", "data", "try next"] {
        assert!(said.contains(needed), "{needed} is missing:\n{said}");
    }
    assert!(server.said().len() <= 12, "{said}");
    let log = server.log();
    assert!(
        !log.contains(TOKEN) && !log.contains(SECRET) && !said.contains(SECRET),
        "{log}"
    );
}

#[tokio::test]
async fn operators_see_health_readiness_which_secret_matched_and_requests_for_no_app() {
    let server = Server::start().await;
    server.deliver("/webhook", body()).await;
    assert_eq!(server.deliver("/webhook/nobody", body()).await.status, 404);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.ask_admin("/readyz").await.status, 200);
    let metrics = server.ask_admin("/metrics").await.body;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    for counted in [
        r#"hookshelf_signatures_total{app="default",secret="app"} 1"#,
        "hookshelf_unknown_apps_total 1",
    ] {
        assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    }
    assert_eq!(server.get("/metrics").await.status, 404);
    assert!(server.run(&["healthcheck"]).status.success());
}

#[tokio::test]
async fn every_simulated_delivery_is_acked_and_marked() {
    let server = Server::start().await;
    let simulated = server.run(&["simulate", "--json"]);
    assert!(
        simulated.status.success(),
        "{}",
        String::from_utf8_lossy(&simulated.stderr)
    );
    let sent = String::from_utf8(simulated.stdout).unwrap().lines().count();
    let (deliveries, marked): (i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE source = 'simulated') FROM deliveries",
    )
    .fetch_one(&mut server.database().await)
    .await
    .unwrap();
    let sent = i64::try_from(sent).unwrap();
    assert_eq!((deliveries, marked), (sent, sent));
    let kinds: i64 = sqlx::query_scalar("SELECT count(DISTINCT kind) FROM events")
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(usize::try_from(kinds), Ok(Kind::ALL.len()));
}
