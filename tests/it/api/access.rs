//! Tokens, roles, hosts and failed logins.

use super::*;
use crate::support::{directory::Directory, postgres::TestDatabase};

#[tokio::test]
async fn each_role_gets_what_it_may_and_no_more() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.role", "fresh rolls")).await;
    let list = desk.read_as("operator", "/v1/deliveries").await;
    let id = list["deliveries"][0]["id"].as_str().unwrap();
    let body = format!("/v1/deliveries/{id}/body");
    let roles = ["metrics", "viewer", "operator", "privacy"];
    for (path, statuses) in [
        ("/metrics", [200, 200, 200, 200]),
        ("/v1/events", [403, 200, 200, 200]),
        ("/v1/spool", [403, 200, 200, 200]),
        ("/v1/stats", [403, 200, 200, 200]),
        (&body, [403, 403, 200, 200]),
        ("/v1/audit", [403, 403, 403, 200]),
    ] {
        for (role, status) in roles.into_iter().zip(statuses) {
            let answer = desk.ask_as(role, path).await;
            assert_eq!(answer.status, status, "{path} as {role}");
        }
    }
    let (_, problem) = desk.problem_as("viewer", "/v1/audit").await;
    assert_eq!(
        problem["detail"],
        "this needs a token with the role privacy"
    );
}

#[tokio::test]
async fn without_a_token_only_the_status_is_told() {
    let desk = Desk::open().await;
    let server = &desk.server;
    assert_eq!(server.ask_admin("/healthz").await.status, 200);
    let ready = server.ask_admin("/readyz").await;
    assert_eq!((ready.status, ready.body.len()), (200, 0));
    let refused = server.ask_admin("/v1/events").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    assert_eq!(server.ask_admin("/metrics").await.status, 401);
}

#[tokio::test]
async fn ten_wrong_tokens_a_minute_are_enough() {
    let desk = Desk::open().await;
    let wrong = [("Authorization", "Bearer not-one-of-them")];
    let ask = || desk.server.ask_admin_with(("GET", "/v1/events"), &wrong);
    for _ in 0..10 {
        assert_eq!(ask().await.status, 401);
    }
    let refused = ask().await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(desk.ask_as("operator", "/v1/events").await.status, 429);
    for probe in ["/healthz", "/readyz"] {
        let answer = desk.server.ask_admin_with(("GET", probe), &wrong).await;
        assert_eq!(answer.status, 200, "a probe is answered");
        assert_eq!(answer.body.len(), 0);
    }
}

#[tokio::test]
async fn another_host_is_another_server() {
    let desk = Desk::open().await;
    let bearer = format!("Bearer {}", token("operator"));
    for (host, status) in [
        ("localhost:9090", 200),
        ("127.0.0.1", 200),
        ("[::1]:1", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
    ] {
        let headers = [("Host", host), ("Authorization", bearer.as_str())];
        let answer = desk
            .server
            .ask_admin_with(("GET", "/v1/events"), &headers)
            .await;
        assert_eq!(answer.status, status, "{host}");
        assert!(answer.headers.get("access-control-allow-origin").is_none());
    }
}

#[tokio::test]
async fn local_commands_need_no_configured_token() {
    let desk = Desk::open().await;
    let status = desk.server.run(&["spool", "status"]);
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    let health = desk.server.run(&["healthcheck"]);
    assert!(health.status.success());
}

#[tokio::test]
async fn a_reload_replaces_the_tokens() {
    let desk = Desk::open().await;
    let file = desk.server.directory.join("hookshelf.toml");
    let tokens = table("new", "role = 'viewer'");
    std::fs::write(file, format!("{}{tokens}", apps(["default", "shop"]))).unwrap();
    assert!(desk.server.run(&["reload"]).status.success());
    assert_eq!(desk.ask_as("operator", "/v1/events").await.status, 401);
    assert_eq!(desk.ask_as("new", "/v1/events").await.status, 200);
}

#[tokio::test]
async fn a_listener_that_others_reach_needs_a_token() {
    let (directory, place) = (Directory::create(), TestDatabase::create().await);
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    serve.arg("serve");
    crate::support::server::settle(&mut serve, directory.path(), Some(&place));
    serve.env("HOOKSHELF__ADMIN__LISTEN", "0.0.0.0:0");
    let output = serve.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("run `hookshelf token new` and add its lines"),
        "{said}"
    );
}

#[tokio::test]
async fn every_type_of_problem_has_a_page_and_a_row_in_the_documents() {
    let desk = Desk::open().await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/http-api.md"));
    let page = page.unwrap();
    let table = page.split("| type | status |").nth(1).unwrap();
    let names: Vec<_> = table.split('`').skip(1).step_by(2).collect();
    assert_eq!(names.len(), 22);
    for name in names {
        let answer = desk.ask_as("viewer", &format!("/problems/{name}")).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    let (status, _) = desk.problem_as("viewer", "/problems/nothing").await;
    assert_eq!(status, 404);
}
