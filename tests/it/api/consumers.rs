//! Consumers and tokens: who may lease, and the audit of content that is handed out.

use serde_json::json;

use super::*;

/// A desk with the consumers `bot` and `other`, a token of `bot`, and tokens without content.
async fn desk() -> Desk {
    let blind = table(
        "blind",
        "role = 'consumer'\nconsumers = ['bot']\ncontent = false",
    );
    let lines = format!("{}{blind}{}[consumers.other]\n", tokens(), consumer());
    let desk = Desk::open_with(&lines).await;
    desk.serve_consumer().await;
    desk
}

impl Desk {
    /// Status and body of a POST.
    async fn tell_as(&self, name: &str, path: &str, body: &str) -> (u16, Value) {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        let call = ("POST", path);
        let answer = self
            .server
            .send_admin(call, &headers, body.to_owned())
            .await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Entries of the audit: token, verb and subject, the newest first.
    async fn audited(&self) -> Vec<(String, String, String)> {
        let audit = self.read_as("privacy", "/v1/audit").await;
        let entries = audit["audit"].as_array().unwrap().iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
        let told = |entry| {
            let [token, verb, subject] = ["token", "verb", "subject"].map(|it| text(entry, it));
            (token, verb, subject)
        };
        entries.map(told).collect()
    }
}

#[tokio::test]
async fn a_token_of_a_consumer_uses_its_own_and_does_not_learn_of_others() {
    let desk = desk().await;
    for (verb, body) in [
        ("lease", ""),
        ("settle", "{}"),
        ("release", r#"{"worker":"w"}"#),
    ] {
        for (name, consumer, status) in [
            ("consumer", "bot", 200),
            ("consumer", "other", 403),
            ("consumer", "bots", 404),
            ("operator", "other", 200),
            ("blind", "bot", 200),
            ("blind", "other", 403),
            ("viewer", "bot", 403),
        ] {
            let path = format!("/v1/consumers/{consumer}/{verb}");
            let (found, answer) = desk.tell_as(name, &path, body).await;
            assert_eq!(found, status, "{name} {path}: {answer}");
        }
    }
    let names = async |name: &str| {
        let list = desk.read_as(name, "/v1/consumers").await;
        let list = list["consumers"].as_array().unwrap().iter();
        list.map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("consumer").await, ["bot"]);
    assert_eq!(names("viewer").await, ["bot", "other"]);
    let (status, _) = desk.problem_as("consumer", "/v1/consumers/other").await;
    assert_eq!(status, 403);
    for (name, said) in [("consumer", false), ("viewer", true)] {
        let (status, problem) = desk.problem_as(name, "/v1/consumers/othr").await;
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(
            (status, detail.contains("did you mean other?")),
            (404, said),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn leases_of_an_hour_are_one_entry_of_the_audit_for_each_token() {
    let desk = desk().await;
    desk.deliver(message("mid.audit", "hello")).await;
    let path = "/v1/consumers/bot/lease";
    let (status, answer) = desk.tell_as("consumer", path, r#"{"wait_s": 30}"#).await;
    assert_eq!(
        (status, &answer["events"][0]["event"]["text"]),
        (200, &json!("hello"))
    );
    for name in ["consumer", "operator", "consumer", "operator"] {
        assert_eq!(desk.tell_as(name, path, "").await.0, 200);
    }
    let lease = answer["events"][0]["lease"].as_str().unwrap();
    let settle = json!({"acks": [lease]}).to_string();
    let (_, settled) = desk
        .tell_as("consumer", "/v1/consumers/bot/settle", &settle)
        .await;
    assert_eq!(settled["results"][0]["result"], "acked");
    desk.read_as("viewer", "/v1/consumers/bot").await;
    let entry = |name: &str| (name.to_owned(), "lease".to_owned(), "bot".to_owned());
    assert_eq!(desk.audited().await, [entry("operator"), entry("consumer")]);
}

#[tokio::test]
async fn a_token_without_content_gets_masked_events_and_no_entry_of_the_audit() {
    let desk = desk().await;
    desk.deliver(message("mid.blind", "hello")).await;
    let path = "/v1/consumers/bot/lease";
    let (status, answer) = desk.tell_as("blind", path, r#"{"wait_s": 30}"#).await;
    let event = &answer["events"][0]["event"];
    assert_eq!((status, &event["message_id"]), (200, &json!("mid.blind")));
    assert!(
        event["text"].is_null() && event["payload"].is_null(),
        "{event}"
    );
    assert!(event["masked"].as_array().unwrap().contains(&json!("text")));
    assert!(desk.audited().await.is_empty());
}

#[tokio::test]
async fn nothing_is_leased_while_the_audit_cannot_be_written() {
    let desk = desk().await;
    desk.deliver(message("mid.audit", "hello")).await;
    desk.run("ALTER TABLE audit RENAME TO elsewhere").await;
    let path = "/v1/consumers/bot/lease";
    let (status, problem) = desk.tell_as("consumer", path, r#"{"wait_s": 30}"#).await;
    assert_eq!((status, &problem["type"]), (503, &json!("/problems/audit")));
    desk.run("ALTER TABLE elsewhere RENAME TO audit").await;
    let (_, answer) = desk.tell_as("consumer", path, r#"{"wait_s": 30}"#).await;
    assert_eq!(answer["events"][0]["attempt"], 1);
    assert_eq!(answer["events"][0]["redelivered"], false);
}
