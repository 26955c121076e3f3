//! The JSON of events: the views, the own fields of the kinds, the schema and the documents agree.

use std::collections::BTreeMap;

use hookshelf::{
    clock::Clock,
    meta::{
        event::Kind,
        kinds::{Field, Form},
    },
    query::{
        EventRow, event,
        schema::{self, COLUMNS},
    },
    simulate::variants,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    reading::Shelf,
    support::{event_schema::EventSchema, page, postgres::TestDatabase},
    views::views,
};

/// Columns of a relation with their types, in order.
async fn columns(connection: &mut PgConnection, relation: &str) -> Vec<(String, String)> {
    let found = sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum",
    );
    found.bind(relation).fetch_all(connection).await.unwrap()
}

/// Type of a field in its view.
fn type_of(field: &Field) -> &'static str {
    match field.form {
        Form::Text | Form::Written => "text",
        Form::Integer => "bigint",
        Form::Flag => "boolean",
        Form::Moment => "timestamp with time zone",
        Form::Json => "jsonb",
        Form::Types => "text[]",
    }
}

#[test]
fn the_schema_in_the_repository_is_that_of_the_kinds() {
    page::hold("docs/event.schema.json", &schema::json_schema());
}

#[test]
fn types_for_typescript_and_python_are_as_reviewed() {
    insta::assert_snapshot!("typescript", schema::typescript());
    insta::assert_snapshot!("python", schema::python());
}

#[test]
fn the_schema_command_prints_each_form_and_needs_one() {
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        command.arg("schema").args(arguments).output().unwrap()
    };
    for (option, text) in [
        ("--json-schema", schema::json_schema()),
        ("--typescript", schema::typescript()),
        ("--python", schema::python()),
    ] {
        let output = run(&[option]);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
        assert!(output.status.success());
    }
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["--python", "--typescript"]).status.code(), Some(2));
}

#[tokio::test]
async fn own_fields_are_the_columns_of_the_view_that_events_lacks() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let shared = columns(&mut connection, "events").await;
    for (view, kind) in views(&mut connection).await {
        let own = columns(&mut connection, &view).await;
        let own = own.into_iter().filter(|column| !shared.contains(column));
        let declared = kind.own_fields();
        let declared = declared.map(|it| (it.name.to_owned(), type_of(it).to_owned()));
        assert_eq!(
            declared.collect::<Vec<_>>(),
            own.collect::<Vec<_>>(),
            "{view}"
        );
    }
}

#[tokio::test]
async fn keys_are_the_columns_of_events_with_schema_and_masked() {
    let database = TestDatabase::create().await;
    let view = columns(&mut database.connect().await, "events").await;
    let view = view.iter().map(|(name, _)| name.as_str());
    let mut expected: Vec<_> = view.chain(["schema", "masked"]).collect();
    let mut declared: Vec<_> = COLUMNS.iter().map(|it| it.name).collect();
    declared.extend(["kind", "data"]);
    expected.sort_unstable();
    declared.sort_unstable();
    assert_eq!(declared, expected);
    // Columns of an option are null in an empty row.
    let empty = serde_json::to_value(event(EventRow::default(), true)).unwrap();
    for property in COLUMNS {
        let is_null = empty[property.name].is_null();
        assert_eq!(is_null, property.is_nullable, "{}", property.name);
    }
}

#[tokio::test]
async fn events_of_all_samples_are_valid_and_equal_to_their_views() {
    let shelf = Shelf::create().await;
    for sample in variants(1, Clock::system().now()) {
        shelf
            .store("shop", jiff::SignedDuration::ZERO, sample.body.to_vec())
            .await;
    }
    let schema = EventSchema::compile();
    let events = shelf.rows(&["events", "list", "--limit", "10000"]);
    let mut connection = shelf.database.connect().await;
    let mut rows = BTreeMap::new();
    for (view, kind) in views(&mut connection).await {
        let found = rows_of(&mut connection, &view).await;
        assert!(!found.is_empty(), "no sample of {kind:?}");
        rows.extend(found);
    }
    assert_eq!(events.len(), rows.len());
    for event in &events {
        schema.hold(event);
        let row = &rows[event["position"].as_str().unwrap()];
        for (name, value) in row.as_object().unwrap() {
            let own = event["data"].get(name).filter(|_| !is_shared(name));
            let shown = own.unwrap_or(&event[name]);
            assert_eq!(plain(shown), plain(value), "{name} of {event}");
        }
    }
}

fn is_shared(name: &str) -> bool {
    COLUMNS.iter().any(|it| it.name == name)
}

/// Rows of a view by position.
async fn rows_of(connection: &mut PgConnection, view: &str) -> BTreeMap<String, Value> {
    let read = format!("SELECT position::text, row_to_json(v)::text FROM {view} AS v");
    let rows: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(read))
        .fetch_all(connection)
        .await
        .unwrap();
    let parse = |text: String| serde_json::from_str(&text).unwrap();
    rows.into_iter().map(|(at, row)| (at, parse(row))).collect()
}

/// A value in the same form for both: times in milliseconds, positions as text.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(moment) => moment.as_millisecond().to_string().into(),
            Err(_) => value.clone(),
        },
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    }
}

#[test]
fn the_schema_refuses_other_types_and_missing_keys() {
    let schema = EventSchema::compile();
    let row = EventRow {
        kind: Kind::Message.as_str().to_owned(),
        occurred_at_source: "item".to_owned(),
        channel: "messaging".to_owned(),
        source: "live".to_owned(),
        ..EventRow::default()
    };
    for content in [true, false] {
        let valid = serde_json::to_value(event(row.clone(), content)).unwrap();
        assert!(schema.allows(&valid), "{valid}");
        for (key, value) in [
            ("position", json!(7)),
            ("received_at", json!("yesterday")),
            ("kind", json!("of_tomorrow")),
            ("kind", json!("reaction")),
            ("data", json!({})),
            ("masked", json!(null)),
            ("schema", json!(2)),
        ] {
            let mut event = valid.clone();
            event[key] = value;
            assert!(!schema.allows(&event), "{event}");
        }
    }
}

#[test]
fn the_example_in_the_documents_is_valid() {
    let text = page::read("docs/events.md");
    let examples = text.split("```json\n").skip(1);
    let examples: Vec<Value> = examples
        .map(|rest| serde_json::from_str(rest.split("```").next().unwrap()).unwrap())
        .collect();
    assert_eq!(examples.len(), 1);
    EventSchema::compile().hold(&examples[0]);
}
