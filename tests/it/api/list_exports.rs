//! Exports of lists other than events.

use http_body_util::{BodyExt, Empty};
use hyper::{Request, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::support::message::notification;

const ACCOUNT: &str = "17840000000000007";
const PERSON: &str = "7008";

/// Lists with the key of their rows, and the columns of their CSV.
const LISTS: [(&str, &str); 7] = [
    ("/v1/deliveries", "deliveries"),
    ("/v1/rejections", "rejections"),
    ("/v1/conversations", "conversations"),
    ("/v1/conversations/17840000000000007/7008", "lines"),
    ("/v1/media", "media"),
    ("/v1/media/1/comments", "threads"),
    ("/v1/audit", "audit"),
];

fn comment_on(media: &str, id: &str, text: &str, parent: Option<&str>) -> String {
    let value = json!({"id": id, "text": text, "media": {"id": media}, "parent_id": parent,
                       "from": {"id": PERSON, "username": "=somebody"}});
    let change = json!({"field": "comments", "value": value});
    notification(ACCOUNT, "changes", &change)
}

/// A desk with two rows or more in each list, some with formulas.
async fn desk_with_lists() -> Desk {
    let desk = Desk::open().await;
    desk.deliver(messages(PERSON, ACCOUNT, &[("m1", "=1+1"), ("m2", "-2")]))
        .await;
    desk.deliver(messages("7009", ACCOUNT, &[("m3", "hello, \\\"you\\\"")]))
        .await;
    for (media, id, text, parent) in [
        ("1", "c1", "=cmd()", None),
        ("1", "c2", "second", None),
        ("1", "c3", "my answer", Some("c1")),
        ("2", "c4", "other", None),
    ] {
        desk.deliver(comment_on(media, id, text, parent)).await;
    }
    for path in ["/webhook", "/webhook/shop"] {
        let refused = desk.server.post(path, &[], "{}").await;
        assert_eq!(refused.status, 401, "{path}");
    }
    eventually("the rejections are written down", async || {
        let list = desk.read_as("operator", "/v1/rejections").await;
        list["rejections"].as_array().unwrap().len() == 2
    })
    .await;
    desk.be_listed().await;
    desk.ask_as("operator", "/v1/events?text=x").await;
    desk.ask_as("operator", "/v1/events/1").await;
    desk
}

/// The path with the parameters of an export.
fn export_of(path: &str, parameters: &str) -> String {
    format!("{path}?{parameters}")
}

async fn exported(desk: &Desk, path: &str) -> String {
    let answer = desk.ask_as("privacy", path).await;
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(answer.status, 200, "{path}: {text}");
    text
}

fn rows(text: &str) -> Vec<Value> {
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().unwrap()
}

/// Rows of a page as an export has them: a thread is its comments, and a media has no life.
fn rows_of_page(page: &Value, key: &str) -> Vec<Value> {
    let rows = page[key].as_array().unwrap().iter().cloned();
    if key != "threads" {
        let mut rows: Vec<_> = rows.collect();
        for row in rows.iter_mut().filter(|_| key == "media") {
            assert!(row.as_object_mut().unwrap().remove("life").is_some());
        }
        return rows;
    }
    let comments = rows.flat_map(|thread| {
        let replies = thread["replies"].as_array().unwrap().clone();
        let mut comments = vec![thread["comment"].clone()];
        comments.extend(replies);
        for comment in &mut comments {
            comment["thread_id"] = thread["comment_id"].clone();
        }
        comments
    });
    comments.collect()
}

/// Rows as text, in an order of their own. An object keeps the order of its keys if a crate of the
/// tests asks for it.
fn sorted(mut rows: Vec<Value>) -> Vec<String> {
    rows.iter_mut().for_each(Value::sort_all_objects);
    let mut rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
    rows.sort_unstable();
    rows
}

/// Cells of the records of a CSV, without their quotes.
fn cells(csv: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = csv.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            char => cell.push(char),
        }
    }
    records
}

#[tokio::test]
async fn an_export_has_the_rows_of_the_pages_and_the_documented_columns() {
    let desk = desk_with_lists().await;
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/http-api.md"));
    let page = page.unwrap();
    let table = page.split("| list | columns |").nth(1).unwrap();
    let mut documented = table.lines().skip(2).map(|line| {
        let columns = line
            .split('|')
            .nth(2)
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2);
        columns.collect::<Vec<_>>()
    });
    for (path, key) in LISTS {
        let page = desk.read_as("privacy", path).await;
        let page = rows_of_page(&page, key);
        assert!(page.len() >= 2, "{path}: {page:?}");
        let text = exported(&desk, &export_of(path, "format=ndjson")).await;
        let exported_rows = rows(&text).into_iter().take(page.len()).collect();
        assert_eq!(sorted(exported_rows), sorted(page.clone()), "{path}");

        let csv = exported(&desk, &export_of(path, "format=csv")).await;
        let cells = cells(&csv);
        let columns = documented.next().unwrap();
        assert_eq!(cells[0], columns, "{path}");
        assert!(cells.len() > page.len(), "{path}: {csv}");
        for record in &cells {
            assert_eq!(record.len(), columns.len(), "{path}: {record:?}");
        }
        let formulas = |text: &str| text.contains("\"=") || text.contains("\"-2");
        assert!(!formulas(&csv), "{path}: {csv}");
        let raw = exported(&desk, &export_of(path, "format=csv&csv=raw&bom=true")).await;
        assert!(raw.starts_with('\u{feff}'), "{path}");
        assert_eq!(
            formulas(&raw),
            matches!(key, "lines" | "threads"),
            "{path}: {raw}"
        );
    }
}

#[tokio::test]
async fn csv_has_the_chosen_columns_in_its_own_order() {
    let desk = desk_with_lists().await;
    let csv = exported(&desk, "/v1/media?format=csv&columns=unanswered,media_id").await;
    assert_eq!(cells(&csv)[0], ["media_id", "unanswered"]);
    assert!(
        cells(&csv).len() > 2 && cells(&csv).iter().all(|it| it.len() == 2),
        "{csv}"
    );
    let path = "/v1/media?format=csv&columns=media_id,text";
    let (status, problem) = desk.problem_as("privacy", path).await;
    assert_eq!((status, &problem["given"]), (400, &"text".into()));
}

#[tokio::test]
async fn an_export_is_recorded_with_its_rows() {
    let desk = desk_with_lists().await;
    for (path, key) in LISTS {
        let answer = desk
            .ask_as("privacy", &export_of(path, "format=ndjson"))
            .await;
        let name = answer.headers["content-disposition"].to_str().unwrap();
        assert!(name.contains("-format=ndjson-"), "{name}");
        let sent = String::from_utf8_lossy(&answer.body).lines().count();
        let audit = desk.read_as("privacy", "/v1/audit?limit=2").await;
        let verbs: Vec<_> = (0..2).map(|n| audit["audit"][n]["verb"].as_str()).collect();
        assert_eq!(verbs, [Some("exported"), Some("export")], "{path}");
        assert_eq!(audit["audit"][0]["rows"], sent, "{path}");
        assert_eq!(audit["audit"][1]["rows"], Value::Null, "{path}");
        let subject = &audit["audit"][0]["subject"];
        assert_eq!(subject, &audit["audit"][1]["subject"]);
        assert_eq!(
            subject.is_string(),
            matches!(key, "lines" | "threads"),
            "{path}"
        );
    }
    let audit = desk.read_as("privacy", "/v1/audit?subject=7008").await;
    assert_eq!(audit["audit"].as_array().unwrap().len(), 2);
    desk.run("ALTER TABLE audit RENAME TO elsewhere").await;
    for (path, key) in LISTS.into_iter().filter(|(_, key)| *key != "audit") {
        let path = export_of(path, "format=csv");
        assert_eq!(desk.problem_as("privacy", &path).await.0, 503, "{key}");
    }
}

#[tokio::test]
async fn a_dry_export_of_a_list_tells_its_extent() {
    let desk = desk_with_lists().await;
    for (path, key) in LISTS {
        let extent = desk
            .read_as("privacy", &export_of(path, "format=csv&dry=true"))
            .await;
        assert!(
            extent["first"].is_string() && extent["last"].is_string(),
            "{path}: {extent}"
        );
        let counted = extent["rows_at_most"].as_i64();
        let text = exported(&desk, &export_of(path, "format=ndjson")).await;
        let sent = i64::try_from(text.lines().count()).unwrap();
        let csv = exported(&desk, &export_of(path, "format=csv")).await;
        let (names, rows) = csv.split_once("\r\n").unwrap();
        assert_eq!(
            extent["columns"].as_array().unwrap().len(),
            names.split(',').count()
        );
        // The second export is in the audit, too.
        if key != "audit" {
            assert_eq!(extent["sample_rows"].as_i64(), Some(sent), "{path}");
            assert_eq!(extent["sample_bytes"], rows.len(), "{path}");
        }
        match key {
            "deliveries" => assert_eq!(counted, None),
            _ => assert_eq!(counted, Some(sent), "{path}"),
        }
    }
    let nothing = "/v1/deliveries?format=csv&dry=true&until=2020-01-01";
    let mut extent = desk.read_as("operator", nothing).await;
    extent.as_object_mut().unwrap().remove("columns");
    assert_eq!(
        extent,
        json!({"rows_at_most": 0, "first": null, "last": null, "sample_rows": 0, "sample_bytes": 0})
    );
}

#[tokio::test]
async fn parameters_of_pages_have_no_effect_on_an_export_and_are_refused() {
    let desk = Desk::open().await;
    for (path, parameters) in [
        ("/v1/deliveries", "limit"),
        ("/v1/rejections", "limit"),
        ("/v1/conversations", "limit,after,order"),
        ("/v1/conversations/1/2", "limit,before"),
        ("/v1/media", "limit,after"),
        ("/v1/media/1/comments", "limit"),
        ("/v1/audit", "limit"),
    ] {
        for parameter in parameters.split(',') {
            let value = match (parameter, path) {
                ("order", _) => "newest",
                ("after" | "before", _) => "1.1",
                _ => "5",
            };
            let query = format!("format=csv&{parameter}={value}");
            let path = export_of(path, &query);
            let (status, problem) = desk.problem_as("privacy", &path).await;
            assert_eq!(
                (status, &problem["parameter"]),
                (400, &parameter.into()),
                "{path}"
            );
        }
        for query in [
            "dry=true",
            "bom=true",
            "csv=raw",
            "columns=id",
            "format=ndjson&columns=id",
            "format=xml",
            "format=ndjson&csv=raw",
            "frmat=csv",
        ] {
            let path = export_of(path, query);
            assert_eq!(desk.problem_as("privacy", &path).await.0, 400, "{path}");
        }
    }
}

#[tokio::test]
async fn content_of_conversations_is_exported_by_operators_only() {
    let desk = desk_with_lists().await;
    for (path, key) in LISTS.into_iter().filter(|(_, key)| *key != "audit") {
        let path = export_of(path, "format=ndjson");
        let has_content = matches!(key, "lines" | "threads");
        let answer = desk.ask_as("reader", &path).await;
        assert_eq!(answer.status, if has_content { 403 } else { 200 }, "{path}");
        let answer = desk.ask_as("viewer", &path).await;
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        let hidden = ["=1+1", "=cmd()", "somebody", "my answer"];
        assert!(
            !text.is_empty() && !hidden.iter().any(|it| text.contains(it)),
            "{path}: {text}"
        );
        assert_eq!(desk.ask_as("metrics", &path).await.status, 403, "{path}");
    }
    for (name, status) in [("viewer", 403), ("operator", 403), ("privacy", 200)] {
        let answer = desk.ask_as(name, "/v1/audit?format=csv").await;
        assert_eq!(answer.status, status, "{name}");
    }
    let gone = "/v1/conversations/17840000000000007/1?format=csv";
    assert_eq!(desk.problem_as("operator", gone).await.0, 404);
}

#[tokio::test]
async fn an_export_goes_on_behind_each_page() {
    let desk = Desk::open().await;
    let mids: Vec<_> = (0..1500).map(|n| format!("m{n}")).collect();
    let said: Vec<_> = mids.iter().map(|mid| (mid.as_str(), "hello")).collect();
    desk.deliver(messages(PERSON, ACCOUNT, &said)).await;
    desk.deliver(comments_on_one(0..250, None)).await;
    desk.be_listed().await;
    desk.run("INSERT INTO conversations
                  SELECT 'default', 'account-' || n % 7, 'person-' || n, 1, 0, 1, 1, now(), now()
                  FROM generate_series(1, 2500) AS n;
              INSERT INTO media_threads
                  SELECT 'default', 'account-' || n % 7, 'media-' || n, '{}', 1, 0, 1, 1, 1, now()
                  FROM generate_series(1, 2500) AS n;
              INSERT INTO rejections
                  SELECT date_trunc('hour', now()) - n % 3 * interval '1 hour', 'default',
                         'signature_missing', ('10.' || n / 250 || '.' || n % 250 || '.0/24')::cidr, 1, now()
                  FROM generate_series(1, 2500) AS n;
              INSERT INTO stored_deliveries (id, received_at, event_count, app, secret, source)
                  SELECT gen_random_uuid(), now(), 0, 'default', 'app', 'live'
                  FROM generate_series(1, 2500)")
        .await;
    for (path, key, count) in [
        ("/v1/conversations", "person_id", 2501),
        ("/v1/media", "media_id", 2501),
        ("/v1/rejections", "prefix", 2500),
        (
            "/v1/conversations/17840000000000007/7008",
            "message_id",
            1500,
        ),
        ("/v1/media/1/comments", "comment_id", 250),
        (
            "/v1/conversations?account=17840000000000007",
            "person_id",
            1,
        ),
    ] {
        let start = if path.contains('?') { '&' } else { '?' };
        let rows = rows(&exported(&desk, &format!("{path}{start}format=ndjson")).await);
        let mut ids: Vec<_> = rows.iter().map(|row| row[key].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((rows.len(), ids.len()), (count, count), "{path}");
    }
    // Deliveries behind the newest one at the start would not be exported; here, none is.
    let deliveries = rows(&exported(&desk, "/v1/deliveries?format=ndjson").await);
    assert_eq!(deliveries.len(), 2502);
}

/// A delivery of comments, with the ids of a range, on media 1.
fn comments_on_one(ids: std::ops::Range<usize>, parent: Option<&str>) -> String {
    let entry = |id| {
        let comment = comment_on("1", &format!("c{id}"), "hello", parent);
        let comment: Value = serde_json::from_str(&comment).unwrap();
        comment["entry"][0].clone()
    };
    let entries: Vec<_> = ids.map(entry).collect();
    json!({"object": "instagram", "entry": entries}).to_string()
}

#[tokio::test]
async fn a_thread_of_more_comments_than_a_statement_reads_is_whole() {
    let desk = Desk::open().await;
    desk.deliver(comments_on_one(0..1, None)).await;
    for start in (1..=10_000).step_by(500) {
        let replies = comments_on_one(start..start + 500, Some("c0"));
        desk.deliver(replies).await;
    }
    desk.be_listed().await;
    let rows = rows(&exported(&desk, "/v1/media/1/comments?format=ndjson").await);
    assert_eq!(rows.len(), 10_001);
    assert!(rows.iter().all(|row| row["thread_id"] == "c0"));
}

/// An export that is too large for the buffers between server and client.
struct LargeExport {
    body: Incoming,
    rows: usize,
    _driver: AbortOnDropHandle<()>,
}

impl LargeExport {
    const ROWS: usize = 100_000;

    /// Size of the lines, at least.
    const BYTES: u64 = 40 << 20;

    async fn begin(desk: &Desk) -> Self {
        desk.run(&format!(
            "INSERT INTO audit (token, verb)
             SELECT 'of ' || repeat('many', 100), 'search' FROM generate_series(1, {})",
            Self::ROWS
        ))
        .await;
        let stream = TcpStream::connect(desk.server.admin).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let request = Request::get("/v1/audit?format=ndjson")
            .header("Host", "localhost")
            .header("Authorization", format!("Bearer {}", token("privacy")))
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        assert_eq!(head.status, 200);
        let driver = AbortOnDropHandle::new(driver);
        let mut export = Self {
            body,
            rows: 0,
            _driver: driver,
        };
        assert!(export.read_part().await.unwrap());
        export
    }

    /// Reads a part; false at the end.
    async fn read_part(&mut self) -> hyper::Result<bool> {
        let Some(frame) = self.body.frame().await else {
            return Ok(false);
        };
        let part = frame?.into_data().unwrap_or_default();
        self.rows += String::from_utf8_lossy(&part).matches('\n').count();
        Ok(true)
    }

    /// Reads to the end.
    async fn read(mut self) -> hyper::Result<usize> {
        while self.read_part().await? {}
        Ok(self.rows)
    }
}

#[tokio::test]
async fn a_large_export_is_whole_and_has_no_later_rows() {
    let desk = Desk::open().await;
    let before = desk.server.memory().now;
    let export = LargeExport::begin(&desk).await;
    desk.run("INSERT INTO audit (token, verb) VALUES ('later', 'search')")
        .await;
    assert_eq!(export.read().await.unwrap(), LargeExport::ROWS);
    let grown = desk.server.memory().most.saturating_sub(before);
    assert!(grown < LargeExport::BYTES / 2, "{grown} bytes");
    let audit = desk.read_as("privacy", "/v1/audit?limit=1").await;
    assert_eq!(audit["audit"][0]["rows"], LargeExport::ROWS);
}

#[tokio::test]
async fn an_export_that_fails_has_no_end() {
    let desk = Desk::open().await;
    let export = LargeExport::begin(&desk).await;
    desk.run("DROP TABLE audit").await;
    assert!(export.read().await.is_err());
}

#[tokio::test]
async fn an_export_by_a_removed_token_has_no_end() {
    let desk = Desk::open().await;
    let export = LargeExport::begin(&desk).await;
    let file = desk.server.directory.join("hookshelf.toml");
    let others = table("viewer", "role = 'viewer'");
    std::fs::write(file, format!("{}{others}", apps(["default", "shop"]))).unwrap();
    assert!(desk.server.run(&["reload"]).status.success());
    assert!(export.read().await.is_err());
}
