//! The table of kinds in `docs/events.md`, written from the code and the comments of the views.

use std::fmt::Write as _;

use hookshelf::meta::event::Kind;
use sqlx::PgConnection;

use super::views;
use crate::support::{page, postgres::TestDatabase};

const PAGE: &str = "docs/events.md";

const HEAD: &str = "\
| kind | events | field | recognised by | view |
|---|---|---|---|---|
";

/// Property that gives an item its kind.
fn recognised_by(kind: Kind) -> String {
    let keys = Kind::keys().filter(|(_, of)| *of == kind);
    let keys: Vec<_> = keys.map(|(key, _)| format!("`{key}`")).collect();
    match kind {
        Kind::Unknown => "–".to_owned(),
        Kind::MessageDeleted => "`message` with `is_deleted`".to_owned(),
        _ if keys.is_empty() => "field".to_owned(),
        _ => keys.join(", "),
    }
}

async fn table(connection: &mut PgConnection) -> String {
    let views = views(connection).await;
    let mut table = HEAD.to_owned();
    for kind in Kind::ALL {
        let (view, _) = views.iter().find(|(_, of)| of == kind).unwrap();
        let events: String = sqlx::query_scalar("SELECT obj_description($1::regclass)")
            .bind(view)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        let field = kind.field().map(|field| format!("`{field}`"));
        let field = field.as_deref().unwrap_or("as sent");
        let (name, recognised_by) = (kind.as_str(), recognised_by(*kind));
        writeln!(
            table,
            "| `{name}` | {events} | {field} | {recognised_by} | `{view}` |"
        )
        .unwrap();
    }
    table
}

#[tokio::test]
async fn the_table_of_kinds_is_up_to_date() {
    let database = TestDatabase::create().await;
    let table = table(&mut database.connect().await).await;
    let page = page::read(PAGE);
    let (before, rest) = page.split_once("| kind |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    page::hold(PAGE, &format!("{before}{table}\n{after}"));
}
