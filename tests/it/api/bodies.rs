//! Bodies and signatures of deliveries, and the audit of shown content.

use serde_json::json;

use super::*;
use crate::support::{directory::Directory, message::notification, postgres::TestDatabase};

const ACCOUNT: &str = "17840000000000001";

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
    let expected = json!({
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

/// A request that shows content: who asks, the path, and verb, rows and subject of its entry.
type Shown = (
    &'static str,
    String,
    &'static str,
    Option<i64>,
    Option<String>,
);

/// A desk with a message and a comment, and a request of each route that shows content.
async fn content() -> (Desk, Vec<Shown>) {
    let desk = Desk::open().await;
    desk.deliver(BODY).await;
    let value = json!({"id": "9100", "text": "Br\u{f6}tchen", "media": {"id": "8100"},
        "from": {"id": "7001"}});
    let comment = json!({"field": "comments", "value": value});
    desk.deliver(notification(ACCOUNT, "changes", &comment))
        .await;
    desk.be_listed().await;
    let list = desk.read_as("operator", "/v1/events?after=0").await;
    let id = |key: &str| list["events"][0][key].as_str().unwrap().to_owned();
    let (position, delivery) = (id("position"), id("delivery_id"));
    let shown = requests(&position, &delivery);
    (desk, shown)
}

/// A request of each route that shows content of an event and its delivery.
fn requests(position: &str, delivery: &str) -> Vec<Shown> {
    let event = |rest: &str| format!("/v1/events/{position}{rest}");
    let of = |rest: &str| format!("/v1/deliveries/{delivery}{rest}");
    let about = |subject: &str| Some(subject.to_owned());
    let searched = |what: &str| format!("/v1/events?{what}");
    let conversation = format!("/v1/conversations/{ACCOUNT}/7001");
    let comments = "/v1/media/8100/comments".to_owned();
    let one = |name, path, verb, rows, subject| (name, path, verb, Some(rows), subject);
    let whole = |path, verb, subject| ("operator", path, verb, None, subject);
    vec![
        one("reader", event(""), "event", 1, about(position)),
        one("reader", event("/around"), "event", 2, about(position)),
        one("reader", of(""), "delivery", 1, about(delivery)),
        whole(of("/body"), "body", about(delivery)),
        whole(of("/signature"), "signature", about(delivery)),
        one("reader", searched("text=br%C3%B6t"), "search", 2, None),
        one("reader", searched("payload=mid.body"), "search", 1, None),
        whole(searched("format=csv"), "export", None),
        whole(searched("format=ndjson"), "export", None),
        one("reader", conversation, "conversation", 1, about("7001")),
        one("reader", comments, "comments", 1, about("8100")),
    ]
}

#[tokio::test]
async fn each_route_that_shows_content_leaves_an_entry_and_no_other_does() {
    let (desk, shown) = content().await;
    let entries = async || {
        let audit = desk.read_as("privacy", "/v1/audit?limit=1000").await;
        audit["audit"].as_array().unwrap().clone()
    };
    assert_eq!(entries().await.len(), 0, "a list is no entry");
    let mut number = 0;
    for (name, path, verb, rows, subject) in &shown {
        assert_eq!(desk.ask_as(name, path).await.status, 200, "{path}");
        let entries = entries().await;
        // An export has an entry for its end, too.
        number += if *verb == "export" { 2 } else { 1 };
        assert_eq!(entries.len(), number, "{path}: {entries:?}");
        let entry = entries.iter().find(|entry| entry["verb"] == *verb).unwrap();
        assert_eq!(entry["token"], *name, "{path}");
        assert_eq!(entry["rows"], json!(rows), "{path}");
        assert_eq!(entry["address"], "127.0.0.1", "{path}");
        if let Some(subject) = subject {
            let is_of_a_person = *verb == "conversation";
            assert_eq!(
                entry["subject"] == **subject,
                !is_of_a_person,
                "{path}: {entry}"
            );
            let about = desk
                .read_as("privacy", &format!("/v1/audit?subject={subject}"))
                .await;
            let about = about["audit"].as_array().unwrap();
            assert!(about.contains(entry), "{path} is found by {subject}");
        } else {
            assert!(entry["subject"].is_null(), "{path}: {entry}");
        }
    }
    for path in [
        "/v1/events",
        "/v1/deliveries",
        "/v1/conversations",
        "/v1/media",
        "/v1/accounts",
        "/v1/stats",
        "/v1/find?id=7001",
        "/v1/events?format=csv&dry=true",
        "/v1/audit",
    ] {
        assert_eq!(desk.ask_as("privacy", path).await.status, 200, "{path}");
    }
    assert_eq!(entries().await.len(), number);
    let text: String = entries().await.iter().map(ToString::to_string).collect();
    assert!(!text.contains("7001") && !text.contains("tchen"), "{text}");
}

#[tokio::test]
async fn content_is_not_shown_by_any_route_if_the_audit_cannot_be_written() {
    let (desk, shown) = content().await;
    desk.run("ALTER TABLE audit RENAME TO elsewhere").await;
    for (name, path, ..) in &shown {
        let answer = desk.ask_as(name, path).await;
        let told = problem(path, &answer);
        assert_eq!(
            (answer.status, &told["type"]),
            (503, &"/problems/audit".into()),
            "{path}"
        );
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("mid.body"),
            "{path}"
        );
    }
    for path in ["/v1/events/1", "/v1/events/1/around", "/v1/deliveries"] {
        assert_eq!(
            desk.ask_as("viewer", path).await.status,
            200,
            "no content: {path}"
        );
    }
    desk.run("ALTER TABLE elsewhere RENAME TO audit").await;
    for (name, path, ..) in &shown {
        assert_eq!(desk.ask_as(name, path).await.status, 200, "{path}");
    }
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
