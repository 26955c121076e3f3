//! The API over the admin listener: tokens, roles and scopes, lists, searches and bodies.

mod access;
mod base_path;
mod bodies;
mod clocks;
mod consumers;
mod conversations;
mod exports;
mod facts;
mod hostile;
mod list_exports;
mod lists;
mod mixture;
mod openapi;
pub(crate) mod outage;
mod outages;
mod parameters;
pub(crate) mod rejections;
mod replays;
mod roles;
pub(crate) mod scopes;
mod servers;
mod sessions;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{
    event_stream::{Block, EventStream},
    eventually,
    message::{comment, message, messages},
    server::{Answer, Server, apps},
};

/// A server with tokens and deliveries, and the token of each role.
pub(crate) struct Desk {
    pub(crate) server: Server,
}

/// Token in plain text of a name.
pub(crate) fn token(name: &str) -> String {
    format!("token-of-{name}-0123456789abcdef0123456789abcdef")
}

/// Lines of a token.
pub(crate) fn table(name: &str, rest: &str) -> String {
    let token = token(name);
    format!("[[admin.tokens]]\nname = \"{name}\"\ntoken = \"{token}\"\n{rest}\n")
}

/// Tokens of all roles, and of two clients.
pub(crate) fn tokens() -> String {
    [
        table("metrics", "role = 'metrics'"),
        table("viewer", "role = 'viewer'"),
        table("reader", "role = 'viewer'\ncontent = true"),
        table("operator", "role = 'operator'"),
        table("privacy", "role = 'privacy'"),
        table("bakery", "role = 'operator'\nclients = ['bakery']"),
        table("florist", "role = 'operator'\nclients = ['florist']"),
        table("shop", "role = 'operator'\napps = ['shop']"),
    ]
    .concat()
}

/// A consumer, and a token of its workers.
fn consumer() -> String {
    let token = table("consumer", "role = 'consumer'\nconsumers = ['bot']");
    format!("{token}[consumers.bot]\nstart = 'beginning'\n")
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::open_with(&tokens()).await
    }

    /// A desk with these lines behind those of the apps.
    pub(crate) async fn open_with(lines: &str) -> Self {
        let configuration = format!("{}{lines}", apps(["default", "shop"]));
        Self {
            server: Server::start_with(&configuration).await,
        }
    }

    /// Delivers a body to the app `default`.
    pub(crate) async fn deliver(&self, body: impl Into<bytes::Bytes>) {
        let answer = self.server.deliver("/webhook", body).await;
        assert_eq!(answer.status, 200);
    }

    /// Waits until the consumer serves.
    async fn serve_consumer(&self) {
        let bearer = format!("Bearer {}", token("consumer"));
        let headers = [("Authorization", bearer.as_str())];
        let lease = ("POST", "/v1/consumers/bot/settle");
        eventually("the consumer serves", async || {
            self.server.send_admin(lease, &headers, "{}").await.status == 200
        })
        .await;
    }

    pub(crate) async fn ask_as(&self, name: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        self.server.ask_admin_with(("GET", path), &headers).await
    }

    /// JSON of a successful answer.
    pub(crate) async fn read_as(&self, name: &str, path: &str) -> Value {
        let answer = self.ask_as(name, path).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {body}");
        body
    }

    /// Status and JSON of a problem.
    async fn problem_as(&self, name: &str, path: &str) -> (u16, Value) {
        let answer = self.ask_as(name, path).await;
        (answer.status, problem(path, &answer))
    }

    /// Blocks of a stream that begins at the first event, up to `caught_up`.
    async fn stream_as(&self, name: &str, query: &str) -> Vec<Block> {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        let query = format!("?after=0{query}");
        let mut stream = EventStream::open(self.server.admin, &query, &headers).await;
        assert_eq!(stream.status, 200, "{query}");
        stream.backlog().await
    }

    pub(crate) async fn run(&self, sql: &str) {
        let mut conn = self.server.database().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .unwrap();
    }
}

/// JSON of a problem.
fn problem(what: &str, answer: &Answer) -> Value {
    let media = answer.headers.get("content-type");
    let media = media.map(|media| media.to_str().unwrap());
    let (status, body) = (answer.status, &answer.body);
    assert_eq!(
        media,
        Some("application/problem+json"),
        "{what}: {status} {body:?}"
    );
    let problem: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["status"], status, "{what}");
    problem
}

/// Texts of the events of a list, in order.
fn texts(list: &Value) -> Vec<&str> {
    let events = list["events"].as_array().unwrap().iter();
    events
        .map(|event| event["text"].as_str().unwrap_or("-"))
        .collect()
}
