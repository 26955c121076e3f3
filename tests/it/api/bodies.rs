//! Bodies and signatures of deliveries, and the audit of shown content.

use super::*;
use crate::support::{directory::Directory, postgres::TestDatabase};

/// A body whose bytes a serializer would change.
const BODY: &str = "{\"object\":\"instagram\", \"entry\":[{\"id\":\"17840000000000001\",\"time\":1795000000,\n\
    \"messaging\":[{\"sender\":{\"id\":\"7001\"},\"recipient\":{\"id\":\"17840000000000001\"},\
    \"timestamp\":1795000000000,\"message\":{\"mid\":\"mid.body\",\"text\":\"Br\\u00f6tchen\"}}]}]}";

async fn desk_with_body() -> (Desk, String) {
    let desk = Desk::open().await;
    desk.deliver(BODY).await;
    let list = desk.read_as("operator", "/v1/deliveries").await;
    let id = list["deliveries"][0]["id"].as_str().unwrap().to_owned();
    (desk, id)
}

#[tokio::test]
async fn a_body_comes_byte_for_byte_and_in_parts() {
    let (desk, id) = desk_with_body().await;
    let path = format!("/v1/deliveries/{id}/body");
    let answer = desk.ask_as("operator", &path).await;
    assert_eq!(answer.body, BODY);
    let attachment = format!("attachment; filename=\"{id}.json\"");
    assert_eq!(answer.headers["content-disposition"], attachment.as_str());
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    // A delivery may have any bytes.
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    let bearer = format!("Bearer {}", token("operator"));
    for (range, status, part) in [
        ("bytes=0-9", 206, &BODY[..10]),
        ("bytes=10-", 206, &BODY[10..]),
        ("bytes=-5", 206, &BODY[BODY.len() - 5..]),
        ("bytes=0-99999", 206, BODY),
        ("bytes=5-4", 200, BODY),
        ("lines=0-1", 200, BODY),
    ] {
        let headers = [("Range", range), ("Authorization", bearer.as_str())];
        let answer = desk.server.ask_admin_with(("GET", &path), &headers).await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (status, part.as_bytes()),
            "{range}"
        );
    }
    let headers = [
        ("Range", "bytes=99999-"),
        ("Authorization", bearer.as_str()),
    ];
    let answer = desk.server.ask_admin_with(("GET", &path), &headers).await;
    assert_eq!(answer.status, 416);
}

#[tokio::test]
async fn a_signature_is_explained_and_never_made() {
    let (desk, id) = desk_with_body().await;
    let path = format!("/v1/deliveries/{id}/signature");
    let answer = desk.read_as("operator", &path).await;
    let expected = serde_json::json!({
        "signed_bytes": BODY.len(),
        "secret_then": "app",
        "secret_now": "app",
        "reserialized_matches": false,
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn the_audit_tells_who_saw_content_and_names_nobody() {
    let (desk, id) = desk_with_body().await;
    desk.ask_as("operator", &format!("/v1/deliveries/{id}/body"))
        .await;
    desk.ask_as("reader", "/v1/events?text=br%C3%B6tchen").await;
    let audit = desk.read_as("privacy", "/v1/audit").await;
    let entries = audit["audit"].as_array().unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|it| (it["token"].as_str().unwrap(), it["verb"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("reader", "search"), ("operator", "body")]);
    assert_eq!(entries[1]["subject"], id.as_str());
    let about = format!("/v1/audit?subject={id}");
    let audit = desk.read_as("privacy", &about).await;
    assert_eq!(audit["audit"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn content_is_not_shown_if_the_audit_cannot_be_written() {
    let (desk, id) = desk_with_body().await;
    desk.run("ALTER TABLE audit RENAME TO elsewhere").await;
    let path = format!("/v1/deliveries/{id}/body");
    let (status, problem) = desk.problem_as("operator", &path).await;
    assert_eq!((status, &problem["type"]), (503, &"/problems/audit".into()));
    let (status, _) = desk.problem_as("reader", "/v1/events?text=br").await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_server_without_a_key_of_the_audit_receives_and_shows_no_content() {
    let directory = Directory::create();
    let configuration = format!("{}{}", apps(["default"]), tokens());
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    // The key cannot be written, as on a full disk.
    let key = directory.join("data/audit.key");
    std::fs::create_dir_all(&key).unwrap();
    let place = TestDatabase::create().await;
    let desk = Desk {
        server: Server::start_in(directory, Some(place)),
    };
    desk.deliver(BODY).await;
    let list = desk.read_as("operator", "/v1/deliveries").await;
    let id = list["deliveries"][0]["id"].as_str().unwrap();
    let path = format!("/v1/deliveries/{id}/body");
    for path in [
        &path,
        "/v1/events?text=br",
        "/v1/events/1",
        "/v1/events?format=csv",
    ] {
        let (status, problem) = desk.problem_as("operator", path).await;
        assert_eq!((status, &problem["type"]), (503, &"/problems/audit".into()));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("audit.key"), "{detail}");
    }
    let by_subject = "/v1/audit?subject=7001";
    assert_eq!(desk.problem_as("privacy", by_subject).await.0, 503);
    assert!(
        desk.server.log().contains("audit.key"),
        "{}",
        desk.server.log()
    );
    std::fs::remove_dir(&key).unwrap();
    assert_eq!(desk.ask_as("operator", &path).await.body, BODY);
    assert_eq!(desk.ask_as("privacy", by_subject).await.status, 200);
}
