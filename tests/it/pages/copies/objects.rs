//! Copies of a delivery, a conversation and the threads on a media.

use serde_json::json;

use super::*;
use crate::support::{
    message::{messages, notification},
    server::SECRET,
};

const ACCOUNT: &str = "17840000000000001";

impl Desk {
    /// Menu of an operator, and the JSON that its first entry names.
    async fn copied(&self, path: &str) -> (BTreeMap<String, String>, Value) {
        let menu = self.menu_as("operator", path).await;
        let json = self.read_as("operator", &menu["JSON"]).await;
        (menu, json)
    }

    /// Page of the newest delivery.
    async fn newest_delivery(&self) -> String {
        let list = self.read_as("operator", "/v1/deliveries?limit=1").await;
        format!(
            "/deliveries/{}",
            list["deliveries"][0]["id"].as_str().unwrap()
        )
    }
}

/// Expects that the curl and the command of a menu give the same list as its JSON.
fn expect_list(menu: &BTreeMap<String, String>, json: &Value, list: &str) {
    for entry in ["curl", "hookshelf command"] {
        let read = json_of(&execute_as("operator", &menu[entry], &[]));
        assert_eq!(read[list], json[list], "{}", menu[entry]);
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Path and query of a copied link.
fn path_of(link: &str) -> &str {
    let path = link.split_once("//").unwrap().1;
    &path[path.find('/').unwrap()..]
}

/// Positions of the entries of a list that have one.
fn positions_of(entries: &Value) -> Vec<i64> {
    positions(entries.as_array().unwrap())
}

#[tokio::test]
async fn each_copy_of_a_delivery_is_the_delivery() {
    let desk = Desk::open_with(&tokens()).await;
    let body = message(&in_json(&format!("mid {HOSTILE}")), &in_json(HOSTILE));
    desk.deliver(body.clone()).await;
    let path = desk.newest_delivery().await;
    let (menu, json) = desk.copied(&path).await;
    assert_eq!(
        menu.keys().collect::<Vec<_>>(),
        [
            "Again with curl",
            "Bytes",
            "Fixture",
            "JSON",
            "Link",
            "SQL",
            "curl",
            "hookshelf command",
            "openssl check"
        ]
    );
    assert_eq!(json["events"][0]["text"], HOSTILE);
    assert_eq!(json_of(&execute_as("operator", &menu["curl"], &[])), json);
    let row = json_of(&execute_as("operator", &menu["hookshelf command"], &[]));
    assert_eq!(
        row, json["delivery"],
        "the command has the delivery without its items"
    );
    desk.page(path_of(&menu["Link"]))
        .await
        .says("second line; DROP TABLE");
    let bytes = desk.ask_as("operator", &menu["Bytes"]).await.body;
    assert_eq!(bytes, body.as_bytes());
    let row = sqlx::raw_sql(AssertSqlSafe(menu["SQL"].clone()))
        .fetch_one(&mut desk.reader().await)
        .await
        .unwrap();
    let id: uuid::Uuid = row.get("id");
    assert_eq!(path, format!("/deliveries/{id}"));
    let reader = desk.menu(&path).await;
    let names: Vec<_> = reader.keys().collect();
    assert_eq!(names, ["JSON", "Link", "SQL", "curl", "hookshelf command"]);
}

#[tokio::test]
async fn the_bytes_of_a_delivery_verify_and_can_be_sent_again() {
    let desk = Desk::open_with(&tokens()).await;
    let public = format!("http://{}", desk.server.public);
    let variables = [
        ("APP_SECRET", SECRET),
        ("HOOKSHELF__HTTP__PUBLIC_URL", &public),
    ];
    let small = message("mid.small", &in_json(HOSTILE)).into_bytes();
    let huge = message("mid.huge", &"it's ".repeat(20_000)).into_bytes();
    let binary = b"\xff\0 no JSON'\r\n".to_vec();
    let mut stored = 0;
    for (body, is_inside) in [(small, true), (huge, false), (binary, false)] {
        desk.deliver(body.clone()).await;
        stored += 2;
        let page = desk.newest_delivery().await;
        let menu = desk.menu_as("operator", &page).await;
        for entry in ["openssl check", "Again with curl"] {
            assert!(menu[entry].len() < 16_000, "{}", menu[entry].len());
            assert_eq!(
                menu[entry].contains("/v1/deliveries/"),
                !is_inside,
                "{entry}"
            );
        }
        let checked = execute_as("operator", &menu["openssl check"], &variables);
        assert_eq!(checked, "valid\n");
        let checked = execute_as(
            "operator",
            &menu["openssl check"],
            &[("APP_SECRET", "another")],
        );
        assert_eq!(checked, "invalid\n");
        let events = desk.read_as("operator", "/v1/events").await["events"].clone();
        execute_as("operator", &menu["Again with curl"], &variables);
        let again = desk.read_as("operator", "/v1/deliveries").await["deliveries"].clone();
        assert_eq!(again.as_array().unwrap().len(), stored);
        let bytes = desk.newest_delivery().await;
        let bytes = desk
            .ask_as("operator", &format!("/v1{bytes}/body"))
            .await
            .body;
        assert_eq!(bytes, body);
        let list = desk.read_as("operator", "/v1/events").await;
        assert_eq!(list["events"], events, "a repeat is no event");
        assert_eq!(menu.contains_key("Fixture"), is_inside);
        if let Some(fixture) = menu.get("Fixture") {
            let fixture = json_of(fixture);
            assert_eq!(fixture["body"].as_str().unwrap().as_bytes(), body);
            let headers = fixture["headers"].as_object().unwrap().iter();
            let headers: Vec<_> = headers
                .map(|(name, it)| (name.as_str(), it.as_str().unwrap()))
                .collect();
            let path = fixture["path"].as_str().unwrap();
            let sent = desk.server.post(path, &headers, body.clone()).await;
            assert_eq!(sent.status, 200);
            stored += 1;
        }
    }
}

#[tokio::test]
async fn each_copy_of_a_conversation_is_the_shown_part() {
    let desk = Desk::open_with(&tokens()).await;
    let person = in_json(&format!("7001 {HOSTILE}"));
    let texts: Vec<_> = (0..4)
        .map(|number| in_json(&format!("{number} {HOSTILE}")))
        .collect();
    for text in &texts {
        desk.deliver(messages(
            &person,
            ACCOUNT,
            &[(text.as_str(), text.as_str())],
        ))
        .await;
    }
    desk.be_listed().await;
    let mut reader = desk.reader().await;
    let all = desk
        .page("/conversations")
        .await
        .links("/conversations/1784")[0]
        .clone();
    let part = desk.page(&format!("{all}?limit=2")).await;
    let older = part.links("before=")[0].clone();
    for (path, count) in [(all.clone(), 4), (format!("{all}?limit=2"), 2), (older, 2)] {
        let (menu, json) = desk.copied(&path).await;
        let shown = positions_of(&json["lines"]);
        assert_eq!(shown.len(), count, "{path}");
        let page = desk.page(path_of(&menu["Link"])).await;
        for position in &shown {
            assert!(page.html.contains(&format!("id=\"p{position}\"")), "{path}");
        }
        expect_list(&menu, &json, "lines");
        assert_eq!(
            select(&mut reader, &menu["SQL"]).await,
            shown,
            "{}",
            menu["SQL"]
        );
        for entry in ["Text", "Markdown"] {
            let file = desk.ask_as("operator", &menu[entry]).await;
            let file = String::from_utf8(file.body.to_vec()).unwrap();
            let said = file.matches("second line; DROP TABLE accounts").count();
            assert_eq!(
                said, 5,
                "four messages, and the person in the heading: {file}"
            );
            assert!(file.contains("3 it's \"50%\""), "{file}");
        }
    }
    let reader = desk.menu(&all).await;
    assert!(
        !reader.contains_key("Text"),
        "a file with content is for operators"
    );
    let audit = desk.read_as("privacy", "/v1/audit").await.to_string();
    for verb in ["conversation", "export", "exported"] {
        assert!(
            audit.contains(&format!("\"verb\":\"{verb}\"")),
            "{verb}: {audit}"
        );
    }
}

#[tokio::test]
async fn each_copy_of_threads_has_the_shown_threads() {
    let desk = Desk::open_with(&tokens()).await;
    let media = format!("8100 {HOSTILE}");
    for number in 1..=6 {
        let mut value = json!({"id": format!("9{number}"), "text": format!("{number} {HOSTILE}"),
            "media": {"id": media}, "from": {"id": "7001"}});
        if number > 3 {
            value["parent_id"] = format!("9{}", number - 3).into();
        }
        let change = json!({"field": "comments", "value": value});
        desk.deliver(notification(ACCOUNT, "changes", &change))
            .await;
    }
    desk.be_listed().await;
    let mut reader = desk.reader().await;
    let all = desk.page("/comments").await.links("/comments/8100")[0].clone();
    let part = format!("{all}?limit=2");
    let older = desk.page(&part).await.links("before=")[0].clone();
    for (path, count) in [(all.clone(), 3), (part, 2), (older, 1)] {
        let (menu, json) = desk.copied(&path).await;
        let threads = json["threads"].as_array().unwrap();
        assert_eq!(threads.len(), count, "{path}");
        expect_list(&menu, &json, "threads");
        let comments = threads.iter().flat_map(|thread| {
            let replies = thread["replies"].as_array().unwrap().iter();
            std::iter::once(&thread["comment"]).chain(replies)
        });
        let shown = positions(comments);
        assert_eq!(shown.len(), 2 * count);
        assert_eq!(
            select(&mut reader, &menu["SQL"]).await,
            shown,
            "{}",
            menu["SQL"]
        );
        let page = desk.page(path_of(&menu["Link"])).await;
        assert!(
            shown
                .iter()
                .all(|it| page.html.contains(&format!("id=\"p{it}\"")))
        );
    }
    let (menu, json) = desk.copied(&format!("{all}?thread=92")).await;
    assert_eq!(json["threads"][0]["comment_id"], "92");
    expect_list(&menu, &json, "threads");
    let menu = desk
        .menu(&format!("{all}?thread=92&questions=false&person=7001"))
        .await;
    assert_eq!(menu.keys().collect::<Vec<_>>(), ["Link", "SQL"]);
    let page = desk.page(path_of(&menu["Link"])).await;
    for position in select(&mut reader, &menu["SQL"]).await {
        assert!(page.html.contains(&format!("id=\"p{position}\"")));
    }
}
