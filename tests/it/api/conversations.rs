//! Conversations and comments over the API.

use serde_json::json;

use super::*;
use crate::support::{message::notification, postgres::TestDatabase};

const ACCOUNT: &str = "17840000000000005";

impl Desk {
    /// Waits until the lists have everything that was delivered.
    pub(crate) async fn be_listed(&self) {
        let database = self.server.place.as_ref().unwrap();
        self.be_listed_in(database).await;
    }

    /// Same as [`be_listed`](Self::be_listed), in the database of the server.
    pub(super) async fn be_listed_in(&self, database: &TestDatabase) {
        let mut database = database.connect().await;
        let behind = "SELECT (SELECT max(position) FROM events) > (
                          SELECT position FROM followers WHERE name = 'conversations')";
        eventually("the lists have everything", async || {
            let behind = sqlx::query_scalar(behind).fetch_one(&mut database).await;
            !behind.unwrap_or(true)
        })
        .await;
    }
}

fn comment_on(media: &str, id: &str, from: &str) -> String {
    let value = json!({"id": id, "text": format!("text of {id}"), "media": {"id": media},
                       "from": {"id": from, "username": "somebody"}});
    let change = json!({"field": "comments", "value": value});
    notification(ACCOUNT, "changes", &change)
}

fn each<'a>(rows: &'a Value, field: &str) -> Vec<&'a str> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[field].as_str().unwrap()).collect()
}

#[tokio::test]
async fn conversations_are_listed_and_shown_by_urls_that_lead_on() {
    let desk = Desk::open().await;
    for person in ["7001", "7002", "7003"] {
        let said: Vec<_> = (1..=3).map(|n| format!("{person} says {n}")).collect();
        let said: Vec<_> = said.iter().map(|text| (&**text, &**text)).collect();
        desk.deliver(messages(person, ACCOUNT, &said)).await;
    }
    desk.be_listed().await;
    let list = desk.read_as("reader", "/v1/conversations?limit=2").await;
    assert!(list["as_of_position"].is_string());
    let mut people = each(&list["conversations"], "person_id")
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let rest = desk.read_as("reader", list["next"].as_str().unwrap()).await;
    people.extend(
        each(&rest["conversations"], "person_id")
            .into_iter()
            .map(str::to_owned),
    );
    assert_eq!(people, ["7003", "7002", "7001"]);
    assert!(rest["next"].is_null());

    let path = format!("/v1/conversations/{ACCOUNT}/7002?limit=2");
    let newest = desk.read_as("reader", &path).await;
    assert_eq!(
        each(&newest["lines"], "text"),
        ["7002 says 2", "7002 says 3"]
    );
    let older = desk
        .read_as("reader", newest["previous"].as_str().unwrap())
        .await;
    assert_eq!(each(&older["lines"], "text"), ["7002 says 1"]);
    let newer = desk
        .read_as("reader", older["next"].as_str().unwrap())
        .await;
    assert_eq!(newer["lines"], newest["lines"]);
    assert!(newer["next"].is_null());

    desk.run(&format!(
        "UPDATE accounts SET label = 'the shop' WHERE account_id = '{ACCOUNT}'"
    ))
    .await;
    let by_label = "/v1/conversations/the%20shop/7002?limit=2";
    assert_eq!(
        desk.read_as("reader", by_label).await["lines"],
        newest["lines"]
    );
    let waiting = "/v1/conversations?waiting=true&order=longest_waiting&account=the%20shop";
    let waiting = desk.read_as("reader", waiting).await;
    assert_eq!(waiting["conversations"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn comments_are_listed_and_shown_in_threads() {
    let desk = Desk::open().await;
    for (media, id, from) in [
        ("1", "c1", "7001"),
        ("2", "c2", "7001"),
        ("1", "c3", "7002"),
    ] {
        desk.deliver(comment_on(media, id, from)).await;
    }
    desk.be_listed().await;
    let list = desk
        .read_as("reader", "/v1/media?unanswered=true&limit=1")
        .await;
    assert_eq!(list["media"].as_array().unwrap().len(), 1);
    let rest = desk.read_as("reader", list["next"].as_str().unwrap()).await;
    let mut media = each(&list["media"], "media_id");
    media.extend(each(&rest["media"], "media_id"));
    media.sort_unstable();
    assert_eq!(media, ["1", "2"]);
    let newest = desk.read_as("reader", "/v1/media/1/comments?limit=1").await;
    assert_eq!(newest["threads"][0]["comment"]["text"], "text of c3");
    let older = desk
        .read_as("reader", newest["next"].as_str().unwrap())
        .await;
    assert_eq!(each(&older["threads"], "comment_id"), ["c1"]);
    assert!(older["next"].is_null());
}

#[tokio::test]
async fn an_opened_conversation_or_thread_is_audited_and_a_viewer_sees_no_content() {
    let desk = Desk::open().await;
    desk.deliver(messages("7001", ACCOUNT, &[("m1", "secret")]))
        .await;
    desk.deliver(comment_on("1", "c1", "7001")).await;
    desk.be_listed().await;
    let conversation = format!("/v1/conversations/{ACCOUNT}/7001");
    for path in [conversation.as_str(), "/v1/media/1/comments"] {
        let shown = desk.read_as("viewer", path).await.to_string();
        let hidden = ["secret", "text of", "somebody"];
        assert!(!hidden.iter().any(|text| shown.contains(text)), "{shown}");
        let shown = desk.read_as("reader", path).await.to_string();
        assert!(hidden.iter().any(|text| shown.contains(text)), "{shown}");
    }
    let audit = desk.read_as("privacy", "/v1/audit?subject=7001").await;
    assert_eq!(each(&audit["audit"], "verb"), ["conversation"; 2]);
    let audit = desk.read_as("privacy", "/v1/audit?token=viewer").await;
    let mut verbs = each(&audit["audit"], "verb");
    verbs.sort_unstable();
    assert_eq!(verbs, ["comments", "conversation"]);
    desk.run("DROP TABLE audit").await;
    for path in [conversation.as_str(), "/v1/media/1/comments"] {
        assert_eq!(desk.problem_as("reader", path).await.0, 503, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_a_wrong_parameter_is_400() {
    let desk = Desk::open().await;
    for path in [
        "/v1/conversations/1/2",
        "/v1/conversations/%00/2",
        "/v1/media/1/comments",
        "/v1/media/%00/comments",
    ] {
        assert_eq!(desk.problem_as("reader", path).await.0, 404, "{path}");
    }
    for path in [
        "/v1/conversations?order=oldest",
        "/v1/conversations?after=42",
        "/v1/conversations?waitng=true",
        "/v1/conversations/1/2?before=1.1&after=2.2",
        "/v1/media?unanswered=yes",
        "/v1/media/1/comments?before=-1",
        "/v1/media?limit=0",
    ] {
        let (status, problem) = desk.problem_as("reader", path).await;
        assert_eq!(status, 400, "{path}: {problem}");
        assert!(problem["parameter"].is_string(), "{path}: {problem}");
    }
}
