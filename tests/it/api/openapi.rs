//! The OpenAPI document: the server answers each of its examples as the document says.

use std::collections::BTreeSet;

use boon::{Compiler, Schemas};
use serde_json::json;

use super::*;
use crate::support::event_stream::EventStream;

/// An operation of the document.
struct Operation<'d> {
    method: &'d str,
    path: &'d str,
    described: &'d Value,
}

fn document() -> Value {
    serde_json::from_str(&hookshelf::http::openapi_document()).unwrap()
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, described)| Operation {
            method,
            path,
            described,
        })
    });
    all.collect()
}

/// Text of an example in a URL.
fn spelled(example: &Value) -> String {
    match example {
        Value::String(text) => text.clone(),
        Value::Array(names) => names.iter().map(spelled).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

impl Operation<'_> {
    fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        let all = self.described["parameters"].as_array().unwrap().iter();
        all.filter(move |it| it["in"] == *place)
    }

    /// URL of the example, with an id of a delivery that is stored.
    fn example(&self, delivery: &str) -> String {
        let mut path = self.path.to_owned();
        for parameter in self.parameters("path") {
            let name = parameter["name"].as_str().unwrap();
            let value = match parameter["schema"]["format"].as_str() {
                Some("uuid") => delivery.to_owned(),
                _ => spelled(&parameter["example"]),
            };
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let given = self
            .parameters("query")
            .filter_map(|it| Some((it["name"].as_str()?, spelled(it.get("example")?))));
        let query: Vec<_> = given
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!("{path}?{}", query.join("&"))
    }

    fn body(&self) -> String {
        let example = &self.described["requestBody"]["content"]["application/json"]["example"];
        if example.is_null() {
            String::new()
        } else {
            example.to_string()
        }
    }

    fn role(&self) -> &str {
        self.described["x-role"].as_str().unwrap()
    }
}

/// Makes the schemas of objects refuse keys that they do not list.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.insert("unevaluatedProperties".to_owned(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Asserts that an answer is one of the document's, with no key that the document lacks.
struct Judge(Value);

impl Judge {
    fn new() -> Self {
        let mut document = document();
        close(&mut document["components"]["schemas"]);
        Self(document)
    }

    fn hold(&self, operation: &Operation<'_>, answer: &Answer) {
        let shown = format!("{} {} {}", operation.method, operation.path, answer.status);
        let status = answer.status.to_string();
        let content = &operation.described["responses"][&status];
        assert!(content.is_object(), "{shown}: {:?}", answer.body);
        // A probe gets details only with a token.
        let is_bare = content["content"].is_null() || operation.path == "/readyz";
        if is_bare && answer.body.is_empty() {
            return;
        }
        let media = answer.headers["content-type"].to_str().unwrap();
        let media = media.split(';').next().unwrap();
        assert!(content["content"][media].is_object(), "{shown}: {media}");
        let is_json = ["application/json", "application/problem+json"].contains(&media);
        if is_json {
            let body = serde_json::from_slice(&answer.body).unwrap();
            let media = media.replace('/', "~1");
            let path = operation.path.replace('/', "~1");
            let method = operation.method;
            let place = format!("/paths/{path}/{method}/responses/{status}/content/{media}/schema");
            self.validate(&place, &body, &shown);
        }
    }

    fn validate(&self, place: &str, body: &Value, shown: &str) {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler
            .add_resource("openapi.json", self.0.clone())
            .unwrap();
        let place = place.replace('{', "%7B").replace('}', "%7D");
        let index = compiler.compile(&format!("openapi.json#{place}"), &mut schemas);
        let index = index.unwrap_or_else(|fault| panic!("{shown}: {fault}"));
        if let Err(fault) = schemas.validate(body, index) {
            panic!("{shown}: {body:#}\n{fault:#}");
        }
    }
}

/// A server with an event of each kind of answer: a conversation, a thread, a repeat, a rejection.
async fn filled() -> (Desk, String) {
    let desk = Desk::open_with(&format!("{}{}", tokens(), consumer())).await;
    desk.serve_consumer().await;
    let said = message("mid.openapi", "fresh rolls");
    desk.deliver(said.clone()).await;
    desk.deliver(said.replace("fresh rolls", "stale rolls"))
        .await;
    let mut asked: Value =
        serde_json::from_str(&comment("17840000000000001", "9001", "how much?")).unwrap();
    asked["entry"][0]["changes"][0]["value"]["media"] = json!({"id": "17900000000000001"});
    desk.deliver(asked.to_string()).await;
    let unsigned = desk.server.post("/webhook", &[], said).await;
    assert_eq!(unsigned.status, 401);
    desk.run("UPDATE accounts SET client = 'bakery'").await;
    desk.be_listed().await;
    desk.replay_to_bot().await;
    let list = desk.read_as("privacy", "/v1/deliveries").await;
    let delivery = list["deliveries"][0]["id"].as_str().unwrap().to_owned();
    (desk, delivery)
}

impl Desk {
    async fn send_as(&self, name: &str, operation: &Operation<'_>, url: &str) -> Answer {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        if operation.path == "/v1/events/stream" {
            let (_, query) = url.split_once('?').unwrap();
            let stream = EventStream::open(self.server.admin, &format!("?{query}"), &headers).await;
            let (status, headers) = (stream.status, stream.headers.clone());
            let is_stream = headers["content-type"] == "text/event-stream";
            let body = if is_stream {
                bytes::Bytes::new()
            } else {
                stream.body().await.into()
            };
            return Answer {
                status,
                headers,
                body,
            };
        }
        let method = operation.method.to_uppercase();
        let call = (method.as_str(), url);
        self.server
            .send_admin(call, &headers, operation.body())
            .await
    }
}

#[tokio::test]
async fn each_example_is_answered_as_the_document_says() {
    let (desk, delivery) = filled().await;
    let (document, judge) = (document(), Judge::new());
    for operation in operations(&document) {
        let url = operation.example(&delivery);
        if operation.path.starts_with("/v1/replays/") {
            desk.run("UPDATE replays SET state = 'paused', ended_at = NULL")
                .await;
        }
        for role in [
            "privacy", "operator", "reader", "viewer", "metrics", "bakery", "shop",
        ] {
            let answer = desk.send_as(role, &operation, &url).await;
            judge.hold(&operation, &answer);
            let shown = format!("{} {url} as {role}: {}", operation.method, answer.status);
            if role == "privacy" {
                assert!((200..300).contains(&answer.status), "{shown}");
            }
            let may = match operation.role() {
                "privacy" => role == "privacy",
                "operator" | "consumer" => !["reader", "viewer", "metrics"].contains(&role),
                "viewer" => role != "metrics",
                _ => true,
            };
            assert_eq!(may, answer.status != 403, "{shown}");
        }
    }
}

#[tokio::test]
async fn each_operation_takes_the_parameters_of_the_document_and_no_other() {
    let (desk, delivery) = filled().await;
    let (document, judge) = (document(), Judge::new());
    let all = operations(&document);
    let probes = ["/healthz", "/readyz"];
    for operation in all.iter().filter(|it| !probes.contains(&it.path)) {
        let url = format!("{}&colour=red", operation.example(&delivery));
        let refused = desk.send_as("privacy", operation, &url).await;
        judge.hold(operation, &refused);
        let problem: Value = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!(
            (refused.status, &problem["given"]),
            (400, &json!("red")),
            "{url}"
        );
        let names = operation
            .parameters("query")
            .map(|it| it["name"].as_str().unwrap());
        let allowed = problem["allowed"].as_str().unwrap();
        let allowed: BTreeSet<_> = allowed
            .split(", ")
            .filter(|it| *it != "no parameter")
            .collect();
        assert_eq!(names.collect::<BTreeSet<_>>(), allowed, "{url}");
        let method = operation.method.to_uppercase();
        let unknown = desk.server.send_admin((&method, &url), &[], "").await;
        let status = if operation.role() == "none" { 400 } else { 401 };
        assert_eq!(unknown.status, status, "{url} without a token");
    }
}

#[tokio::test]
async fn a_search_an_export_and_a_repeat_have_forms_of_their_own() {
    let (desk, _) = filled().await;
    let (document, judge) = (document(), Judge::new());
    let all = operations(&document);
    for (path, url) in [
        ("/v1/events", "/v1/events?text=rolls"),
        ("/v1/events", "/v1/events?format=csv&dry=true"),
        ("/v1/events", "/v1/events?format=csv"),
        ("/v1/events", "/v1/events?format=ndjson"),
        ("/v1/events", "/v1/events?after=9999999&wait=1"),
        ("/v1/events/{position}", "/v1/events/2"),
        ("/v1/deliveries/{id}", "/v1/deliveries/1"),
        ("/v1/find", "/v1/find"),
        ("/v1/find", "/v1/find?id=17840000000000001"),
        ("/v1/accounts/{account}", "/v1/accounts/nobody"),
    ] {
        let operation = all.iter().find(|it| it.path == path).unwrap();
        for role in ["privacy", "viewer"] {
            let answer = desk.send_as(role, operation, url).await;
            judge.hold(operation, &answer);
        }
    }
    let repeat = desk.read_as("privacy", "/v1/events/2").await;
    assert!(repeat["repeat"].is_object(), "{repeat}");
}

#[tokio::test]
async fn each_wrong_value_of_each_parameter_is_a_problem_with_what_is_allowed() {
    let (desk, delivery) = filled().await;
    let (document, judge) = (document(), Judge::new());
    for operation in operations(&document) {
        for parameter in operation.parameters("query") {
            let name = parameter["name"].as_str().unwrap();
            let form = &parameter["schema"];
            let mut wrong = vec!["", "%00"];
            if form["type"] != "string"
                || form["enum"].is_array()
                || form["pattern"].is_string()
                || form["format"].is_string()
            {
                wrong.extend([
                    "x",
                    "-1",
                    "1e3",
                    "%F0%9F%A5%A8",
                    "99999999999999999999",
                    "1,2",
                ]);
            }
            for value in wrong {
                let url = operation.example(&delivery);
                let (path, _) = url.split_once('?').unwrap();
                let url = format!("{path}?{name}={value}");
                let answer = desk.send_as("privacy", &operation, &url).await;
                assert_eq!(answer.status, 400, "{url}");
                judge.hold(&operation, &answer);
                let problem: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(problem["parameter"], name, "{url}");
                assert!(problem["allowed"].as_str().is_some_and(|it| !it.is_empty()));
            }
        }
    }
}

#[tokio::test]
async fn parts_of_the_path_that_are_no_ids_are_not_found() {
    let (desk, delivery) = filled().await;
    let (document, judge) = (document(), Judge::new());
    for operation in operations(&document) {
        let Some((path, _)) = operation.path.split_once('{') else {
            continue;
        };
        let rest = operation.example(&delivery);
        let (_, rest) = rest[path.len()..].split_once('/').unwrap_or_default();
        let rest = rest.split('?').next().unwrap();
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!("/{rest}")
        };
        for part in [
            "%FF",
            "%00",
            "-1",
            "%20",
            "99999999999999999999",
            &"x".repeat(600),
        ] {
            let answer = desk
                .send_as("privacy", &operation, &format!("{path}{part}{rest}"))
                .await;
            assert_eq!(
                answer.status, 404,
                "{} {path}{part}{rest}",
                operation.method
            );
            judge.hold(&operation, &answer);
        }
    }
}

#[tokio::test]
async fn the_page_has_each_operation_and_no_script() {
    let desk = Desk::open().await;
    let answer = desk.ask_as("metrics", "/docs").await;
    assert_eq!(answer.status, 200);
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"));
    let page = std::str::from_utf8(&answer.body).unwrap();
    for operation in operations(&document()) {
        let title = format!(
            "<h2>{} {}</h2>",
            operation.method.to_uppercase(),
            operation.path
        );
        assert!(page.contains(&title), "{title}");
    }
    for foreign in [
        "<script", "<link", "<img", " style=", " on", "http://", "https://",
    ] {
        let found = page.match_indices(foreign).filter(|(at, _)| {
            // Examples name the address of the listener.
            !page[*at..].starts_with("http://127.0.0.1:9090/") && foreign != " on"
        });
        assert_eq!(found.count(), 0, "{foreign}");
    }
}

#[tokio::test]
async fn the_command_prints_what_the_server_answers() {
    let desk = Desk::open().await;
    let answer = desk.ask_as("metrics", "/openapi.json").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let printed = desk.server.run(&["openapi"]);
    assert!(printed.status.success());
    assert_eq!(printed.stdout, answer.body);
    assert_eq!(
        printed.stdout,
        hookshelf::http::openapi_document().into_bytes()
    );
}
