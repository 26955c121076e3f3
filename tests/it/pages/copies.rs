//! *Copy as*: each entry, executed as it is, gives the data of its page.

mod objects;

use std::{collections::BTreeMap, path::Path, process::Command};

use hookshelf::store::make_reader;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::*;
use crate::{api::tokens, support::message::message};

/// Text that ends a string of a shell, of SQL or of HTML that does not quote it.
const HOSTILE: &str = "it's \"50%\" \\ $HOME `id` <b>&amp; --\r\nsecond line; DROP TABLE accounts";

impl Desk {
    /// Opens a page at the address that a browser would use, and reads its menu.
    async fn menu(&self, path: &str) -> BTreeMap<String, String> {
        self.menu_as("reader", path).await
    }

    /// The menu that the token of a name gets.
    async fn menu_as(&self, name: &str, path: &str) -> BTreeMap<String, String> {
        let host = self.server.admin.to_string();
        let page = self.page_with(name, path, &[("Host", &host)]).await;
        assert_eq!(page.answer.status, 200, "{path}: {}", page.text());
        let menu = page.html.split_once("class=\"menu copy-as\"").unwrap().1;
        let menu = menu.split_once("</details>").unwrap().0;
        menu.split("<button").skip(1).map(entry).collect()
    }

    /// JSON of an entry that is a path.
    async fn follow(&self, path: &str) -> Value {
        self.read_as("reader", path).await
    }

    /// Session of the reader role.
    async fn reader(&self) -> PgConnection {
        let mut session = self.server.database().await;
        let name: String = sqlx::query_scalar("SELECT 'copies_of_' || current_database()")
            .fetch_one(&mut session)
            .await
            .unwrap();
        make_reader(&mut session, &name).await.unwrap();
        let become_reader = format!("SET SESSION AUTHORIZATION \"{name}\"");
        sqlx::raw_sql(AssertSqlSafe(become_reader))
            .execute(&mut session)
            .await
            .unwrap();
        session
    }
}

/// Name and text of an entry.
fn entry(button: &str) -> (String, String) {
    let (head, rest) = button.split_once('>').unwrap();
    let value = head.split("data-copy").nth(1).unwrap();
    let text = value.split('"').nth(1).unwrap();
    let text = decoded(text);
    (rest.split('<').next().unwrap().to_owned(), text)
}

/// Output of a command in a shell, with `hookshelf` and a token in its environment.
fn execute(command: &str) -> String {
    execute_as("reader", command, &[])
}

/// Output of a command with the token of a name and further variables.
fn execute_as(name: &str, command: &str, variables: &[(&str, &str)]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_hookshelf"));
    let programs = program.parent().unwrap().display();
    let output = Command::new("sh")
        .args(["-c", command])
        .env_clear()
        .env("PATH", format!("{programs}:/usr/bin:/bin"))
        .env("HOOKSHELF_TOKEN", token(name))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{problem}");
    String::from_utf8(output.stdout).unwrap()
}

async fn select(session: &mut PgConnection, statement: &str) -> Vec<i64> {
    let rows = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .fetch_all(session)
        .await;
    let rows = rows.unwrap_or_else(|error| panic!("{statement}\n{error}"));
    sorted(rows.iter().map(|row| row.get("position")))
}

/// Positions of events in JSON.
fn positions<'v>(events: impl IntoIterator<Item = &'v Value>) -> Vec<i64> {
    let positions = events.into_iter().map(|event| &event["position"]);
    sorted(positions.map(|position| position.as_str().unwrap().parse().unwrap()))
}

fn sorted(positions: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut positions: Vec<_> = positions.collect();
    positions.sort_unstable();
    positions
}

/// A text inside of a string of JSON.
fn in_json(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    json[1..json.len() - 1].to_owned()
}

/// Delivers a message whose id and text are hostile.
async fn deliver_hostile(desk: &Desk) {
    let body = message(&in_json(&format!("mid {HOSTILE}")), &in_json(HOSTILE));
    desk.deliver(body).await;
}

#[tokio::test]
async fn each_copy_of_an_event_is_the_event() {
    let desk = Desk::open_with(&tokens()).await;
    deliver_hostile(&desk).await;
    let list = desk.read_as("reader", "/v1/events").await;
    let event = &list["events"][0];
    assert_eq!(event["text"], HOSTILE);
    let position = event["position"].as_str().unwrap();
    let menu = desk.menu(&format!("/events/{position}")).await;
    assert_eq!(
        menu.keys().collect::<Vec<_>>(),
        [
            "JSON",
            "Link",
            "Payload",
            "SQL",
            "curl",
            "hookshelf command"
        ]
    );
    assert_eq!(desk.follow(&menu["JSON"]).await["event"], *event);
    let payload: Value = serde_json::from_str(&menu["Payload"]).unwrap();
    assert_eq!(payload, event["payload"]);
    let path = menu["Link"].split_once("//").unwrap().1;
    let path = &path[path.find('/').unwrap()..];
    desk.page(path).await.says("second line; DROP TABLE");
    let read: Value = serde_json::from_str(&execute(&menu["curl"])).unwrap();
    assert_eq!(read["event"], *event);
    let read: Value = serde_json::from_str(&execute(&menu["hookshelf command"])).unwrap();
    assert_eq!(read, *event);
    let mut reader = desk.reader().await;
    let selected = select(&mut reader, &menu["SQL"]).await;
    assert_eq!(selected, positions([event]));
}

#[tokio::test]
async fn each_copy_of_a_list_has_the_events_of_the_list() {
    let desk = Desk::open_with(&tokens()).await;
    for number in 0..3 {
        let mid = format!("mid.{number}");
        desk.deliver(message(&mid, "fresh rolls")).await;
    }
    deliver_hostile(&desk).await;
    desk.run("UPDATE accounts SET client = 'o''neill \\ & sons'")
        .await;
    let list = desk.read_as("reader", "/v1/events").await;
    let hostile = &list["events"][0];
    let mut reader = desk.reader().await;
    let delivery = hostile["delivery_id"].as_str().unwrap();
    let mid = hostile["message_id"].as_str().unwrap();
    for (filter, count) in [
        (vec![("message", mid)], 1),
        (vec![("text", HOSTILE)], 1),
        (vec![("payload", "50%")], 1),
        (vec![("delivery", delivery), ("echo", "false")], 1),
        (vec![("late", "true")], 4),
        (vec![("client", "o'neill \\ & sons")], 4),
        (vec![("kind", "comment,message"), ("since", "1h")], 4),
        (vec![("after", "0"), ("limit", "2")], 2),
        (vec![("source", "live"), ("limit", "3")], 3),
        (vec![("kind", "comment")], 0),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&filter)
            .finish();
        let menu = desk.menu(&format!("/events?{query}")).await;
        let shown = desk.read_as("reader", &format!("/v1/events?{query}")).await;
        let expected = positions(shown["events"].as_array().unwrap());
        assert_eq!(expected.len(), count, "{filter:?}");
        let read = desk.follow(&menu["JSON"]).await;
        assert_eq!(positions(read["events"].as_array().unwrap()), expected);
        let read: Value = serde_json::from_str(&execute(&menu["curl"])).unwrap();
        assert_eq!(positions(read["events"].as_array().unwrap()), expected);
        let lines = execute(&menu["hookshelf command"]);
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(positions(&lines), expected, "{filter:?}");
        let selected = select(&mut reader, &menu["SQL"]).await;
        assert_eq!(selected, expected, "{}", menu["SQL"]);
        assert!(menu["Link"].ends_with(&format!("/events?{query}")));
    }
}

#[tokio::test]
async fn a_part_of_the_data_has_no_statement() {
    let desk = Desk::open_with(&tokens()).await;
    let whole = desk.page_as("viewer", "/events").await;
    whole.says("SQL");
    let part = desk.page_as("bakery", "/events").await;
    assert!(!part.html.contains("SELECT"), "{}", part.html);
    // A list before a position is none of the command's lists.
    let older = desk.menu("/events?before=7").await;
    assert!(!older.contains_key("hookshelf command"), "{older:?}");
}
