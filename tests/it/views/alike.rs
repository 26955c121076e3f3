//! Flags and times: the functions of the views read them as the program does.

use hookshelf::meta::{json::Index, time};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;

use crate::support::postgres::TestDatabase;

const FLAGS: [&str; 16] = [
    "true",
    "\"true\"",
    "1",
    "\"1\"",
    "\"\\u0074rue\"",
    "false",
    "\"false\"",
    "0",
    "null",
    "1.0",
    "2",
    "\"True\"",
    "\" 1\"",
    "\"\"",
    "[true]",
    "{\"true\":1}",
];

const TIMES: [&str; 20] = [
    "1793000000",
    "\"1793000000\"",
    "1793000000123",
    "\" 1793000000123 \"",
    "1793000000123456",
    "1793000000123999999",
    "1793000000.1239",
    "1.793e9",
    "1.793000000123E+12",
    "\"17930000001230e-1\"",
    "0",
    "99999999999",
    "100000000000",
    "100000000000000",
    "100000000000000000",
    "-1",
    "\"soon\"",
    "\".5\"",
    "true",
    "1e40",
];

#[tokio::test]
async fn a_flag_is_read_alike_in_sql() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for flag in FLAGS {
        let object = format!("{{\"flag\":{flag}}}");
        let by_sql: bool = sqlx::query_scalar("SELECT item_flag($1::json, 'flag')")
            .bind(&object)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let index = Index::of(&object).unwrap();
        let by_us = index.root(&object).object().unwrap().flag("flag");
        assert_eq!(by_sql, by_us, "{flag}");
    }
}

#[tokio::test]
async fn a_time_is_read_alike_in_sql() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    for at in TIMES {
        let object = format!("{{\"at\":{at}}}");
        let index = Index::of(&object).unwrap();
        let id = index.root(&object).object().unwrap().id("at");
        let by_us: Option<Timestamp> = id.as_deref().and_then(time::read);
        let is_same: bool =
            sqlx::query_scalar("SELECT item_time($1::json, 'at') IS NOT DISTINCT FROM $2")
                .bind(&object)
                .bind(by_us.map(ToSqlx::to_sqlx))
                .fetch_one(&mut connection)
                .await
                .unwrap();
        assert!(is_same, "{at}: {by_us:?}");
    }
}
