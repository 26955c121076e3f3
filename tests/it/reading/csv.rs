//! `--csv`: the rows of `--json` in RFC 4180 format.

use hookshelf::store::rejections::{self, Count};
use jiff::SignedDuration;
use serde_json::Value;

use super::{Shelf, keys};
use crate::support::{
    csv::{Cell, records},
    message::comment,
    terminal::show,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Every list of database rows.
const LISTS: [&[&str]; 5] = [
    &["accounts", "list"],
    &["events", "list"],
    &["events", "stats", "--by", "account,kind,client"],
    &["deliveries", "list"],
    &["rejections", "list"],
];

/// A JSON value as a CSV cell.
fn expected(value: &Value) -> Cell {
    match value {
        Value::Null => (String::new(), false),
        Value::String(text) => (text.clone(), true),
        Value::Array(_) | Value::Object(_) => (value.to_string(), true),
        other => (other.to_string(), false),
    }
}

async fn shelf_with(text: &str) -> Shelf {
    let shelf = Shelf::create().await;
    let body = comment("17841400000000000", "c1", text);
    shelf.store("shop", HOUR, body).await;
    let mut connection = shelf.database.connect().await;
    let fill = sqlx::query(
        "INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         VALUES (date_trunc('hour', now()), 'shop', '17841400000000000', 'comment', 'live', 1, 0)",
    );
    fill.execute(&mut connection).await.unwrap();
    let hour = "2026-11-20T10:00:00Z".parse().unwrap();
    let count = Count {
        hour,
        app: "shop".to_owned(),
        reason: "signature_missing",
        prefix: Some("192.0.2.0/24".to_owned()),
        count: 3,
        last_at: hour,
        proxy_header: None,
    };
    rejections::add(&mut connection, &[count], 1000)
        .await
        .unwrap();
    shelf
}

#[tokio::test]
async fn every_list_has_the_columns_and_values_of_its_json() {
    let shelf = shelf_with("a \"quoted\" word,\r\n\tand a line; ends with a quote\"").await;
    for list in LISTS {
        let line = shelf.says(&[list, &["--json"]].concat());
        let row: Value = serde_json::from_str(&line).unwrap();
        let mut names = keys(&line);
        // Parts of the JSON of an event that are no columns.
        names.retain(|name| name != "schema" && name != "masked");
        let records = records(&shelf.says(&[list, &["--csv"]].concat()));
        let head: Vec<_> = records[0].iter().map(|cell| cell.0.clone()).collect();
        assert_eq!(head, names, "{list:?}");
        assert_eq!(records.len(), 2, "{list:?}");
        for (name, cell) in names.iter().zip(&records[1]) {
            let (text, quoted) = expected(&row[name]);
            let is_json = row[name].is_object();
            let found = if is_json {
                serde_json::from_str::<Value>(&cell.0).unwrap().to_string()
            } else {
                cell.0.clone()
            };
            assert_eq!((found, cell.1), (text, quoted), "{list:?}: {name}");
        }
    }
}

#[tokio::test]
async fn an_empty_list_has_its_names() {
    let shelf = Shelf::create().await;
    for list in LISTS {
        let records = records(&shelf.says(&[list, &["--csv"]].concat()));
        assert!(records.len() == 1 && records[0].len() >= 5, "{list:?}");
    }
}

#[tokio::test]
async fn a_formula_stays_as_it_was_written_and_is_said() {
    for (text, said) in [
        ("=HYPERLINK(\"https://a.example\")", "=, +, - or @: 1; "),
        ("@ana look", "=, +, - or @: 1; "),
        ("1+1=2", ""),
    ] {
        let shelf = shelf_with(text).await;
        let output = shelf
            .command(&["events", "list", "--csv"])
            .output()
            .unwrap();
        let records = records(&String::from_utf8(output.stdout).unwrap());
        let place = records[0].iter().position(|cell| cell.0 == "text").unwrap();
        assert_eq!(records[1][place], (text.to_owned(), true));
        let noted = String::from_utf8(output.stderr).unwrap();
        assert!(
            noted.contains(said) && noted.is_empty() == said.is_empty(),
            "{noted}"
        );
    }
}

#[tokio::test]
async fn a_terminal_obeys_nothing_in_csv() {
    let shelf = shelf_with("a\u{1b}[2Jb\nc").await;
    let mut list = shelf.command(&["events", "list", "--csv"]);
    let (well, shown) = show(&mut list, 80);
    assert!(well && shown.contains("\"a\u{fffd}[2Jb c\""), "{shown}");
    let piped = shelf.says(&["events", "list", "--csv"]);
    assert!(piped.contains("\"a\u{1b}[2Jb\nc\""), "{piped}");
}

#[tokio::test]
async fn json_and_csv_exclude_each_other() {
    let shelf = Shelf::create().await;
    for list in LISTS {
        let (code, said) = shelf.complains(&[list, &["--json", "--csv"]].concat());
        assert!(code == 2 && said.contains("--csv"), "{said}");
    }
}
