//! Views: the columns of every kind, whatever a payload contains, and their comments.

mod columns;
mod page;
mod strange;

use std::collections::BTreeSet;

use hookshelf::{clock::Clock, meta::event::Kind, simulate::variants};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::postgres::TestDatabase;

/// All views of kinds.
pub(crate) async fn views(connection: &mut PgConnection) -> Vec<(String, Kind)> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT viewname::text, substring(definition FROM 'kind = ''(\\w+)''') FROM pg_views
         WHERE schemaname = 'public' AND viewname NOT IN ('deliveries', 'events', 'repeats')
         ORDER BY 1",
    )
    .fetch_all(connection)
    .await
    .unwrap();
    let named = |name: &str| *Kind::ALL.iter().find(|it| it.as_str() == name).unwrap();
    let found = found.into_iter().map(|(view, kind)| (view, named(&kind)));
    found.collect()
}

async fn texts(connection: &mut PgConnection, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query_scalar(sql).fetch_all(connection);
    rows.await.unwrap()
}

#[tokio::test]
async fn each_kind_has_one_view() {
    let database = TestDatabase::create().await;
    let views = views(&mut database.connect().await).await;
    for kind in Kind::ALL {
        let of_it = views.iter().filter(|(_, of)| of == kind);
        assert_eq!(of_it.count(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn every_own_field_of_a_sample_is_in_a_column_of_its_view() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for sample in variants(1, Clock::system().now()) {
        let body = String::from_utf8(sample.body.to_vec()).unwrap();
        columns::store(&mut connection, body).await;
    }
    for (view, kind) in views(&mut connection).await {
        let rows = format!(
            "SELECT coalesce(e.data::text, 'null'), row_to_json(v)::text
             FROM events AS e JOIN {view} AS v USING (position)"
        );
        let rows: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(rows))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(!rows.is_empty(), "no sample of {kind:?}");
        for (data, row) in rows {
            let shown = leaves(&serde_json::from_str(&row).unwrap());
            for own in leaves(&serde_json::from_str(&data).unwrap()) {
                assert!(
                    shown.contains(&own),
                    "{view} has no column for {own}: {row}"
                );
            }
        }
    }
}

/// Values in `value` that are neither objects nor lists; times in milliseconds, as in `data`.
fn leaves(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(pairs) => pairs.values().flat_map(leaves).collect(),
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(moment) => [moment.as_millisecond().to_string()].into(),
            Err(_) => [text.clone()].into(),
        },
        plain => [plain.to_string()].into(),
    }
}

#[tokio::test]
async fn every_table_view_column_and_function_is_described() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let silent = texts(
        &mut connection,
        "SELECT r.oid::regclass::text FROM pg_class AS r
         WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v', 'S')
           AND NOT r.relispartition AND obj_description(r.oid, 'pg_class') IS NULL
         UNION ALL
         SELECT c.attrelid::regclass || '.' || c.attname
         FROM pg_attribute AS c JOIN pg_class AS r ON r.oid = c.attrelid
         WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v')
           AND NOT r.relispartition AND c.attnum > 0 AND NOT c.attisdropped
           AND col_description(c.attrelid, c.attnum) IS NULL
         UNION ALL
         SELECT f.oid::regprocedure::text FROM pg_proc AS f
         WHERE f.pronamespace = 'public'::regnamespace
           AND obj_description(f.oid, 'pg_proc') IS NULL
         ORDER BY 1",
    )
    .await;
    assert_eq!(silent, Vec::<String>::new());
}

#[tokio::test]
async fn a_condition_on_an_id_reaches_the_index() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    // Postgres prefers sequential scans for empty tables.
    let forbid = sqlx::query("SET enable_seqscan = off");
    forbid.execute(&mut connection).await.unwrap();
    for (condition, index) in [
        ("account_id = 'a'", "account_id_position_idx"),
        ("person_id = 'p'", "person_id_position_idx"),
        ("message_id = 'm'", "message_id_idx"),
        ("position = 7", "pkey"),
    ] {
        let explain = format!("EXPLAIN SELECT * FROM messages WHERE {condition}");
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(
            plan.contains(index) && !plan.contains("Seq Scan"),
            "{condition}: {plan}"
        );
    }
}
