//! Exports, and labels of accounts.

use super::*;

const ACCOUNT: &str = "17840000000000006";

async fn desk_with_formulas() -> Desk {
    let desk = Desk::open().await;
    for (mid, text) in [("mid.1", "=1+1"), ("mid.2", "two"), ("mid.3", "three")] {
        desk.deliver(messages("7006", ACCOUNT, &[(mid, text)]))
            .await;
    }
    desk
}

async fn exported(desk: &Desk, query: &str) -> String {
    let answer = desk
        .ask_as("operator", &format!("/v1/events?{query}"))
        .await;
    assert_eq!(answer.status, 200, "{query}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_export_has_every_event_in_order() {
    let desk = desk_with_formulas().await;
    let text = exported(&desk, "format=ndjson").await;
    let lines: Vec<Value> = text
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["=1+1", "two", "three"]);
    let cli = desk
        .server
        .run(&["events", "list", "--after", "0", "--json"]);
    assert_eq!(
        text.as_bytes(),
        cli.stdout,
        "the same bytes as the command line"
    );
}

#[tokio::test]
async fn csv_has_no_cell_that_a_spreadsheet_executes() {
    let desk = desk_with_formulas().await;
    let text = exported(&desk, "format=csv").await;
    let mut lines = text.split("\r\n");
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("schema,position,delivery_id,")
    );
    assert!(text.contains("\"'=1+1\""), "{text}");
    assert!(
        exported(&desk, "format=csv&csv=raw")
            .await
            .contains("\"=1+1\"")
    );
    assert!(
        exported(&desk, "format=csv&bom=true")
            .await
            .starts_with('\u{feff}')
    );
    let answer = desk
        .ask_as("operator", "/v1/events?format=csv&kind=message")
        .await;
    let name = answer.headers["content-disposition"].to_str().unwrap();
    assert!(
        name.starts_with("attachment; filename=\"events-format=csv-kind=message-"),
        "{name}"
    );
}

#[tokio::test]
async fn a_dry_export_tells_its_extent() {
    let desk = desk_with_formulas().await;
    let extent = desk
        .read_as("operator", "/v1/events?format=csv&dry=true")
        .await;
    assert!(extent["first"].is_string() && extent["last"].is_string());
}

#[tokio::test]
async fn an_export_of_a_search_has_what_its_pages_find() {
    let desk = desk_with_formulas().await;
    let text = exported(&desk, "format=ndjson&text=T&since=3d").await;
    let told = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["text"].as_str().unwrap().to_owned()
    });
    assert_eq!(told.collect::<Vec<_>>(), ["three", "two"]);
    let text = exported(&desk, "format=csv&payload=MID.2").await;
    assert_eq!(text.lines().count(), 2, "{text}");
    let path = "/v1/events?format=csv&text=t";
    assert_eq!(desk.problem_as("viewer", path).await.0, 403);
    assert_eq!(desk.problem_as("reader", path).await.0, 403);
}

#[tokio::test]
async fn an_export_of_nothing_is_an_export() {
    let desk = desk_with_formulas().await;
    let nobody = "account=17849999999999999";
    let text = exported(&desk, &format!("format=ndjson&{nobody}")).await;
    assert_eq!(text, "");
    let text = exported(&desk, &format!("format=csv&{nobody}")).await;
    assert!(
        text.starts_with("schema,") && text.lines().count() == 1,
        "{text}"
    );
}

#[tokio::test]
async fn content_is_exported_by_operators_only() {
    let desk = desk_with_formulas().await;
    let (status, _) = desk.problem_as("reader", "/v1/events?format=csv").await;
    assert_eq!(status, 403);
    let answer = desk.ask_as("viewer", "/v1/events?format=ndjson").await;
    assert!(!String::from_utf8_lossy(&answer.body).contains("three"));
}

#[tokio::test]
async fn labels_are_set_by_operators() {
    let desk = desk_with_formulas().await;
    let path = format!("/v1/accounts/{ACCOUNT}");
    let send = async |name: &str, body: &'static str| {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        desk.server
            .send_admin(("PATCH", &path), &headers, body)
            .await
    };
    let answer = send("operator", r#"{"label": "Corner", "client": "bakery"}"#).await;
    assert_eq!(answer.status, 200);
    let account = desk.read_as("operator", "/v1/accounts/Corner").await;
    assert_eq!(account["accounts"][0]["client"], "bakery");
    assert_eq!(send("operator", r#"{"label": null}"#).await.status, 200);
    let account = desk.read_as("operator", &path).await;
    assert_eq!(account["accounts"][0]["label"], Value::Null);
    assert_eq!(account["accounts"][0]["client"], "bakery");
    assert_eq!(send("operator", r#"{"lable": "x"}"#).await.status, 400);
    assert_eq!(send("viewer", "{}").await.status, 403);
    assert_eq!(send("bakery", "{}").await.status, 404);
}
