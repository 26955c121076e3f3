//! Every signed body is kept: strange bodies are accepted, read back byte for byte, and leave every
//! view readable.

use hookshelf::{clock::Clock, simulate::variants};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    fixtures::fixtures,
    support::server::{Server, apps},
};

const ACCOUNT: &str =
    r#"{"object":"instagram","entry":[{"id":"17840000000000002","time":1763596800,"messaging":["#;

/// Description, body and expected problem.
type Strange = (&'static str, Vec<u8>, Option<&'static str>);

/// Bodies that are not notifications.
fn unreadable() -> Vec<Strange> {
    vec![
        ("no bytes", vec![], Some("empty")),
        ("white space", b" \n ".to_vec(), Some("empty")),
        (
            "not UTF-8",
            b"{\"object\":\"\xff\"}".to_vec(),
            Some("not_utf8"),
        ),
        (
            "half a document",
            br#"{"object":"instagram","entry":["#.to_vec(),
            Some("not_json"),
        ),
        ("two documents", b"{} {}".to_vec(), Some("not_json")),
        ("a number", b"7".to_vec(), Some("unknown_shape")),
        ("60,000 brackets", deep("[", "]").into(), Some("too_deep")),
    ]
}

/// Notifications that are too large or too strange for a fixture file.
fn strange_items() -> Vec<Strange> {
    let long = "9".repeat(8 << 10);
    let long_mid = format!(r#"{{"message":{{"mid":"{long}","text":"a"}}}}"#);
    let long_number = format!(r#"{{"sender":{{"id":{long}}}}}"#);
    let braces = deep("{\"a\":", "}").replace(":}", ":1}");
    let unsafe_key = r#"{"message":{"mid":"m.1","\u0000":"\ud800"}}"#;
    let large = format!(
        r#"{{"message":{{"mid":"m.4","text":"{}"}}}}"#,
        "rye ".repeat(300_000)
    );
    let unsafe_object = br#"{"object":"a\u0000b","entry":[{"id":"\udfff","messaging":[{}]}]}"#;
    let repeated = r#"{"message":{"mid":"m.2","mid":"m.3","text":"a","text":"b"}}"#;
    let huge = r#"{"timestamp":12345678901234567890123,"read":{"watermark":1e999,"seq":-0.0}}"#;
    vec![
        (
            "60,000 brackets in an item",
            item(&deep("[", "]")),
            Some("too_deep"),
        ),
        ("60,000 braces in an item", item(&braces), Some("too_deep")),
        ("an id of 8 kB", item(&long_mid), Some("id_too_long")),
        (
            "a number of 8 kB as an id",
            item(&long_number),
            Some("id_too_long"),
        ),
        ("U+0000 in a key", item(unsafe_key), Some("unsafe_text")),
        ("U+0000 in the object", unsafe_object.to_vec(), None),
        ("repeated keys", item(repeated), None),
        ("a text of 1.2 MB", item(&large), None),
        ("huge numbers", item(huge), None),
    ]
}

fn item(content: &str) -> Vec<u8> {
    format!("{ACCOUNT}{content}]}}]}}").into_bytes()
}

fn deep(open: &str, close: &str) -> String {
    format!("{}{}", open.repeat(60_000), close.repeat(60_000))
}

async fn kept(database: &mut PgConnection) -> (Vec<u8>, Option<String>) {
    sqlx::query_as("SELECT body, problem FROM deliveries ORDER BY id DESC LIMIT 1")
        .fetch_one(database)
        .await
        .unwrap()
}

/// Reads every column of every table and view.
async fn everything_can_be_read(database: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('p', 'r', 'v')",
    )
    .fetch_all(&mut *database)
    .await
    .unwrap();
    assert!(
        names.iter().any(|name| name == "unknown_events"),
        "the views are there: {names:?}"
    );
    for name in names {
        let sql = format!("SELECT count(row_to_json(it)::text) FROM {name} AS it");
        let read = sqlx::query(AssertSqlSafe(sql))
            .execute(&mut *database)
            .await;
        read.unwrap_or_else(|error| panic!("{name} cannot be read: {error}"));
    }
}

#[tokio::test]
async fn strange_bodies_are_kept_byte_for_byte_and_leave_every_view_readable() {
    let server = Server::start().await;
    let mut database = server.database().await;
    for (what, body, problem) in unreadable().into_iter().chain(strange_items()) {
        let answer = server.deliver("/webhook", body.clone()).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{what}");
        let (stored, said) = kept(&mut database).await;
        assert!(stored == body, "{what} came back changed");
        if let Some(problem) = problem {
            assert_eq!(said.as_deref(), Some(problem), "{what}");
        }
    }
    everything_can_be_read(&mut database).await;
}

#[tokio::test]
async fn every_sample_is_kept_byte_for_byte_as_events_of_the_kind_of_its_directory() {
    let server = Server::start().await;
    let mut database = server.database().await;
    for sample in variants(1, Clock::system().now()) {
        let name = sample.name;
        let answer = server.deliver("/webhook", sample.body.clone()).await;
        assert_eq!(answer.status, 200, "{name}");
        assert!(
            kept(&mut database).await.0 == sample.body,
            "{name} came back changed"
        );
        let (directory, _) = name.split_once('/').unwrap();
        let kinds: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT kind FROM events
             WHERE delivery_id = (SELECT id FROM deliveries ORDER BY id DESC LIMIT 1)",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        assert!(
            kinds == [directory] || directory == "containers",
            "{name}: {kinds:?}"
        );
    }
    everything_can_be_read(&mut database).await;
}

#[tokio::test]
async fn every_fixture_is_kept_byte_for_byte_and_leaves_every_view_readable() {
    let server = Server::start().await;
    let mut database = server.database().await;
    for (file, body) in fixtures() {
        let answer = server.deliver("/webhook", body.clone()).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(
            kept(&mut database).await.0 == body,
            "{file} came back changed"
        );
    }
    everything_can_be_read(&mut database).await;
}

#[tokio::test]
async fn nothing_that_arrives_is_logged() {
    let server = Server::start_with(&format!("log.level = \"trace\"\n{}", apps(["default"]))).await;
    let body = r#"{"object":"instagram","entry":[{"id":"17840000000000003","time":1763596800,
        "changes":[{"field":"comments","value":{"id":"178000111222","text":"quite secret words",
        "from":{"id":"70099887766","username":"a_private_name"}}}]}]}"#;
    assert_eq!(server.deliver("/webhook", body).await.status, 200);
    server
        .deliver("/webhook", "secret words that are no document")
        .await;
    server
        .post("/webhook", &[("X-Hub-Signature-256", "sha256=00")], body)
        .await;
    let (_, directory, _place) = server.stop();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert_eq!(log.matches("delivery settled").count(), 3, "{log}");
    for personal in [
        "secret words",
        "70099887766",
        "a_private_name",
        "17840000000000003",
    ] {
        assert!(!log.contains(personal), "{personal} is in the log:\n{log}");
    }
}
