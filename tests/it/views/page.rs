//! The table of kinds in `docs/events.md`: what the code, the samples and the comments of the views
//! say.

use std::{collections::BTreeSet, fmt::Write as _};

use bytes::Bytes;
use hookshelf::{
    clock::Clock,
    meta::{
        event::{Event, Kind},
        ids::Ids,
        split::{Context, split},
    },
    simulate::variants,
};
use sqlx::PgConnection;

use super::views;
use crate::support::{page, postgres::TestDatabase};

const PAGE: &str = "docs/events.md";

const HEAD: &str = "\
| kind | what it is | field | comes in, known by | columns filled beside account, person and time | view |
|---|---|---|---|---|---|
";

/// Every event of the samples.
fn events() -> Vec<Event> {
    let received_at = Clock::system().now();
    let read = |body: &Bytes| {
        let context = Context {
            app: "default",
            received_at,
        };
        split(body, context).events
    };
    let samples = variants(1, received_at);
    samples
        .iter()
        .flat_map(|sample| read(&sample.body))
        .collect()
}

/// The names of the columns that the events fill.
fn filled(events: &[Event], kind: Kind) -> BTreeSet<&'static str> {
    let of_it = events.iter().filter(|event| event.kind == kind);
    let columns = of_it.flat_map(|event| {
        let others = [
            ("sender_id", &event.sender_id),
            ("recipient_id", &event.recipient_id),
            ("username", &event.username),
            ("text", &event.text),
        ];
        let ids = Ids::<()>::NAMES.iter().copied().zip(event.ids.each());
        ids.chain(others)
    });
    let filled = columns.filter(|(_, value)| value.is_some());
    filled.map(|(name, _)| name).collect()
}

/// How an item of the kind comes, and by what it is known.
fn known_by(kind: Kind) -> String {
    let keys: Vec<_> = Kind::keys().filter(|(_, of)| *of == kind).collect();
    match &keys[..] {
        [] if kind == Kind::Unknown => "anything else".to_owned(),
        [] if kind == Kind::MessageDeleted => "`messaging`, `is_deleted` in `message`".to_owned(),
        [] => "`changes`, field".to_owned(),
        keys => format!(
            "`messaging`, key {}",
            quoted(keys.iter().map(|(key, _)| *key), ", ")
        ),
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>, between: &str) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(between)
}

async fn table(connection: &mut PgConnection) -> String {
    let (events, views) = (events(), views(connection).await);
    let mut table = HEAD.to_owned();
    for kind in Kind::ALL {
        let (view, _) = views.iter().find(|(_, of)| of == kind).unwrap();
        let what: String = sqlx::query_scalar("SELECT obj_description($1::regclass)")
            .bind(view)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        let field = kind
            .field()
            .map_or("as the body says".to_owned(), |it| format!("`{it}`"));
        let columns = quoted(filled(&events, *kind).into_iter(), " ");
        let (name, known_by) = (kind.as_str(), known_by(*kind));
        writeln!(
            table,
            "| `{name}` | {what} | {field} | {known_by} | {columns} | `{view}` |"
        )
        .unwrap();
    }
    table
}

#[tokio::test]
async fn the_table_of_kinds_says_what_is_so() {
    let database = TestDatabase::create().await;
    let table = table(&mut database.connect().await).await;
    let page = page::read(PAGE);
    let (before, rest) = page.split_once("| kind |").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    page::hold(PAGE, &format!("{before}{table}\n{after}"));
}
