//! Hostile text in every column that a stranger or an operator writes: answers stay well-formed, and
//! a terminal obeys nothing.

use serde_json::json;

use super::*;
use crate::support::csv::records;

const ACCOUNT: &str = "17840000000000010";

/// First characters of a formula.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Texts that mean something to browsers, terminals, spreadsheets, databases, headers or streams.
fn texts() -> Vec<String> {
    let texts = [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "clear \u{1b}[2J title \u{1b}]0;x\u{7} c1 \u{9b}31m bell \u{7} back \u{8}",
        "turned \u{202e}txt.exe\u{202c} \u{2066}isolated\u{2069} \u{200f}mark",
        "nul \0 and delete \u{7f}",
        "=HYPERLINK(\"http://evil.example\")",
        "+1+1",
        "-1-1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "\"quoted\",and,\"\"separated\"\";'",
        "a\r\nSet-Cookie: evil=1\r\n\r\n<html>",
        "data: x\n\nid: 99\nevent: gap\ndata: {}\n\n",
        "\u{2028}lines\u{2029}\u{85}\u{b}\u{c}",
        "'; DROP TABLE events; -- $1 %s {}",
        "\u{feff}mark \\u0000 \\ud800 \\",
        "",
        " ",
    ];
    texts.map(str::to_owned).into()
}

/// Bodies with each text in every field, and with what no JSON serializer writes.
fn bodies() -> Vec<String> {
    let mut bodies = Vec::new();
    for (number, text) in texts().iter().enumerate() {
        let at = 1_795_000_000_000_u64 + number as u64;
        let (mid, person) = (format!("m{number}{text}"), format!("p{number}{text}"));
        let message = json!({"sender": {"id": person}, "recipient": {"id": ACCOUNT}, "timestamp": at,
            "message": {"mid": mid, "text": text}});
        let reaction = json!({"sender": {"id": person}, "recipient": {"id": ACCOUNT},
            "timestamp": at, "reaction": {"mid": mid, "action": "react", "emoji": text,
            "reaction": text}});
        let value = json!({"id": format!("c{number}{text}"), "text": text, "parent_id": text,
            "media": {"id": format!("i{number}{text}"), "media_product_type": text},
            "from": {"id": person, "username": text}});
        let entry = json!({"id": ACCOUNT, "time": at, "messaging": [message, reaction],
            "changes": [{"field": "comments", "value": value}, {"field": text, "value": text}]});
        bodies.push(json!({"object": "instagram", "entry": [entry]}).to_string());
        let of_its_own = json!({"id": text, "time": at, "messaging": [message]});
        bodies.push(json!({"object": "instagram", "entry": [of_its_own]}).to_string());
    }
    // A lone surrogate, line breaks between the tokens, and a megabyte of text.
    let said = |text: &str| messages("7010", ACCOUNT, &[(text, text)]);
    bodies.push(said(r"\ud800 alone \udc00\ud800"));
    let spaced = said("spaced")
        .replace(',', "\r\n,\r\t\n")
        .replace(':', "\r:\n");
    bodies.push(spaced);
    let megabyte = messages(
        "7010",
        ACCOUNT,
        &[("mid.long", &"\\u0041<".repeat(150_000))],
    );
    bodies.push(megabyte);
    bodies
}

/// A desk with hostile events, accounts and labels, and the number of events.
async fn desk() -> (Desk, usize) {
    let desk = Desk::open().await;
    for body in bodies() {
        desk.deliver(body).await;
    }
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", bearer.as_str())];
    let path = format!("/v1/accounts/{ACCOUNT}");
    for text in texts().iter().filter(|text| !text.contains('\0')) {
        let body = json!({"label": text, "client": text}).to_string();
        let answer = desk
            .server
            .send_admin(("PATCH", &path), &headers, body)
            .await;
        assert_eq!(answer.status, 200, "{text:?}");
        let account: Value = serde_json::from_slice(&answer.body).unwrap();
        let (set, expected) = (&account["accounts"][0]["label"], json!(text));
        assert!(
            *set == expected || text.is_empty() && set.is_null(),
            "{text:?}: {set}"
        );
    }
    let label = texts()[1].clone();
    let body = json!({"label": label, "client": texts()[4]}).to_string();
    desk.server
        .send_admin(("PATCH", &path), &headers, body)
        .await;
    let sql = "UPDATE accounts SET username = 'u' || chr(27) || '[2J' || chr(8238)";
    desk.run(sql).await;
    desk.be_listed().await;
    let count = "SELECT count(*) FROM events";
    let count: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut desk.server.database().await)
        .await
        .unwrap();
    (desk, usize::try_from(count).unwrap())
}

async fn exported(desk: &Desk, query: &str) -> String {
    let answer = desk
        .ask_as("operator", &format!("/v1/events?{query}"))
        .await;
    assert_eq!(answer.status, 200, "{query}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn every_form_of_the_events_is_well_formed_and_tells_the_same() {
    let (desk, count) = desk().await;
    let list = desk
        .read_as("operator", "/v1/events?after=0&limit=1000")
        .await;
    let events = list["events"].as_array().unwrap();
    assert_eq!(events.len(), count);
    for text in texts()
        .iter()
        .filter(|text| !text.contains('\0') && !text.is_empty())
    {
        assert!(
            events.iter().any(|event| event["text"] == *text),
            "{text:?}"
        );
    }

    let ndjson = exported(&desk, "format=ndjson").await;
    assert!(!ndjson.contains('\r'), "one line each");
    let lines: Vec<Value> = ndjson
        .split_terminator('\n')
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(&lines, events);

    are_cells(&desk, events).await;

    let blocks = desk.stream_as("operator", "").await;
    assert_eq!(blocks.len(), count);
    for (block, event) in blocks.iter().zip(events) {
        let data = block.data.as_ref().unwrap();
        assert!(!data.contains(['\r', '\n']) && block.event.is_none());
        assert_eq!(serde_json::from_str::<Value>(data).unwrap(), *event);
    }
}

/// Asserts that CSV has the events, and no formula unless it is raw.
async fn are_cells(desk: &Desk, events: &[Value]) {
    for (query, is_raw) in [("format=csv", false), ("format=csv&csv=raw", true)] {
        let records = records(&exported(desk, query).await);
        assert_eq!(records.len(), events.len() + 1);
        assert!(
            records
                .iter()
                .all(|record| record.len() == records[0].len()),
            "{query}"
        );
        let cells = || {
            records[1..]
                .iter()
                .flatten()
                .filter(|(_, is_quoted)| *is_quoted)
        };
        let is_formula = |text: &str| text.starts_with(FORMULA);
        assert_eq!(cells().any(|(text, _)| is_formula(text)), is_raw, "{query}");
        let columns: Vec<_> = records[0].iter().map(|(name, _)| name.as_str()).collect();
        let text = columns.iter().position(|name| *name == "text").unwrap();
        for (record, event) in records[1..].iter().zip(events) {
            let (cell, _) = &record[text];
            let told = event["text"].as_str().unwrap_or_default();
            let shown = if is_raw {
                cell
            } else {
                cell.strip_prefix('\'').unwrap_or(cell)
            };
            assert!(shown == told || cell == told, "{cell:?} is not {told:?}");
        }
    }
}

#[tokio::test]
async fn every_route_answers_with_json_and_lets_no_text_into_a_header() {
    let (desk, _) = desk().await;
    let list = desk
        .read_as("operator", "/v1/events?after=0&limit=1000")
        .await;
    let mut paths: Vec<String> = [
        "/v1/deliveries?limit=1000",
        "/v1/accounts?limit=1000",
        "/v1/conversations?limit=1000",
        "/v1/media?limit=1000",
        "/v1/stats?by=account,client,kind",
        "/v1/rejections",
        "/v1/gaps",
    ]
    .map(str::to_owned)
    .into();
    let encoded = |text: &Value| {
        let bytes = form_urlencoded::byte_serialize(text.as_str().unwrap_or("none").as_bytes());
        bytes.collect::<String>().replace('+', "%20")
    };
    for event in list["events"].as_array().unwrap() {
        let [position, delivery, account, person, media] = [
            "position",
            "delivery_id",
            "account_id",
            "person_id",
            "media_id",
        ]
        .map(|key| encoded(&event[key]));
        let message = encoded(&event["message_id"]);
        paths.extend([
            format!("/v1/events/{position}"),
            format!("/v1/events/{position}/around"),
            format!("/v1/deliveries/{delivery}"),
            format!("/v1/accounts/{account}"),
            format!("/v1/conversations/{account}/{person}"),
            format!("/v1/media/{media}/comments"),
            format!("/v1/events?message={message}"),
            format!("/v1/find?id={message}"),
        ]);
    }
    paths.sort();
    paths.dedup();
    for path in paths {
        let answer = desk.ask_as("operator", &path).await;
        // An id is found by its own text, unless no request can have it.
        assert!(
            [200, 400, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        let media = answer.headers["content-type"].to_str().unwrap();
        assert!(media.ends_with("json"), "{path}: {media}");
        serde_json::from_slice::<Value>(&answer.body).unwrap();
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        assert!(!answer.headers.contains_key("set-cookie"), "{path}");
    }
}

#[tokio::test]
async fn every_list_in_csv_has_cells_that_nothing_executes() {
    let (desk, _) = desk().await;
    for path in [
        "deliveries",
        "conversations",
        "media",
        "rejections",
        "audit",
    ] {
        let answer = desk
            .ask_as("privacy", &format!("/v1/{path}?format=csv"))
            .await;
        assert_eq!(answer.status, 200, "{path}");
        let records = records(std::str::from_utf8(&answer.body).unwrap());
        assert!(
            records.len() > 1 || ["rejections", "audit"].contains(&path),
            "{path}"
        );
        for record in &records {
            assert_eq!(record.len(), records[0].len(), "{path}");
            let is_formula = |text: &str| text.starts_with(FORMULA);
            assert!(
                !record
                    .iter()
                    .any(|(text, is_quoted)| *is_quoted && is_formula(text))
            );
        }
    }
}

#[tokio::test]
async fn a_file_name_has_nothing_of_a_request_that_a_header_would_obey() {
    let desk = Desk::open().await;
    for text in texts() {
        let value: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        for format in ["csv", "ndjson"] {
            let path = format!("/v1/events?format={format}&person={value}");
            let answer = desk.ask_as("operator", &path).await;
            if text.is_empty() || text.contains('\0') {
                assert_eq!(answer.status, 400, "{text:?}");
                continue;
            }
            let name = answer.headers["content-disposition"].to_str().unwrap();
            let name = name.strip_prefix("attachment; filename=\"").unwrap();
            let name = name.strip_suffix('"').unwrap();
            let is_plain = |char: char| char.is_ascii_alphanumeric() || "=-.".contains(char);
            assert!(name.chars().all(is_plain), "{name}");
            assert!(name.ends_with(format) && name.len() < 200, "{name}");
        }
    }
}

#[tokio::test]
async fn a_terminal_obeys_nothing_that_the_verbs_print() {
    let (desk, _) = desk().await;
    let list = desk
        .read_as("operator", "/v1/events?kind=comment&limit=1000")
        .await;
    let delivery = list["events"][0]["delivery_id"].as_str().unwrap();
    let mut calls: Vec<Vec<String>> = [
        "events list --limit 1000",
        "events stats --by account,client,kind",
        "accounts list",
        "conversations list",
        "comments list",
        "deliveries list",
        "rejections list",
    ]
    .iter()
    .map(|call| call.split(' ').map(str::to_owned).collect())
    .collect();
    calls.push(vec!["deliveries".into(), "show".into(), delivery.into()]);
    for event in list["events"].as_array().unwrap() {
        let text = |key: &str| event[key].as_str().unwrap_or("none").to_owned();
        calls.push(vec!["events".into(), "show".into(), text("position")]);
        let conversation = ["conversations", "show", ACCOUNT, "--", &text("person_id")];
        calls.push(conversation.map(str::to_owned).into());
        let comments = ["comments", "show", "--", &text("media_id")];
        calls.push(comments.map(str::to_owned).into());
    }
    for call in calls
        .iter()
        .filter(|call| call.iter().all(|word| !word.contains('\0')))
    {
        let words: Vec<_> = call.iter().map(String::as_str).collect();
        let output = desk.server.run(&words);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for printed in [text(&output.stdout), text(&output.stderr)] {
            let is_obeyed = |char: char| {
                char.is_control() && char != '\n' || "\u{202e}\u{2066}\u{202a}".contains(char)
            };
            assert!(!printed.contains(is_obeyed), "{words:?}: {printed:?}");
        }
        assert_eq!(
            output.status.code().map(|code| code < 2),
            Some(true),
            "{words:?}"
        );
    }
}
