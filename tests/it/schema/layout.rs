//! The page of the schema: views of events first, then the tables.

use std::fmt::Write as _;

use super::{Described, LINES, Part, Relation, lines};

const INTRODUCTION: &str = "# Schema

Reference of all views, tables and functions in the database, for SQL users.

Generated from the comments in `migrations/`; do not edit. After a change there, run \
`INSTA_UPDATE=always cargo test --test it -- schema`. `\\d+ events` in `hookshelf psql` shows the \
same comments.

## Views

Views store nothing: they read the [internal tables](#internal-tables). Conditions on `received_at` \
select daily partitions, and conditions on indexed columns use [indexes](#internal-tables).
";

const TABLES: &str = "
## Tables

Tables for operators, read by the commands of Hookshelf.
";

const INTERNAL_TABLES: &str = "
## Internal tables

Tables of the writer and the workers; read the views instead. `\\d+ stored_events` shows columns, \
writers and readers.

| table | content | grows |
|---|---|---|
";

const INTERNAL_INDEXES: &str = "
The views use these indexes:
";

const END: &str = "
Previous: [Events](../events.md) · Next: [Questions](../questions.md)
";

/// Beginning of the line of a comment that says how a table grows. `\d+` shows the other lines.
const GROWS: &str = "Grows: ";

/// Views of all kinds; the others are views of one kind.
const GENERAL: [&str; 3] = ["events", "deliveries", "repeats"];

/// Tables without a list of columns in the page, because SQL users do not read them.
const INTERNAL: [&str; 13] = [
    "_sqlx_migrations",
    "admin_sessions",
    "commit_fence",
    "consumer_lanes",
    "dedupe",
    "header_sets",
    "kept_days",
    "late_days",
    "liveness",
    "saved_views",
    "stored_deliveries",
    "stored_events",
    "stored_repeats",
];

/// A row of a table in the page.
fn row(page: &mut String, cells: &[&str]) {
    let cells = cells
        .iter()
        .map(|it| it.replace('|', "\\|").replace('\n', " "));
    let _ = writeln!(page, "| {} |", cells.collect::<Vec<_>>().join(" | "));
}

/// A table in the page; nothing if it has no rows.
fn rows<'a>(page: &mut String, heads: [&str; 3], parts: impl IntoIterator<Item = &'a Part>) {
    let mut parts = parts.into_iter().peekable();
    if parts.peek().is_none() {
        return;
    }
    page.push('\n');
    row(page, &heads);
    page.push_str("|---|---|---|\n");
    for part in parts {
        let comment = part.comment.as_deref().unwrap_or_default();
        row(page, &[&format!("`{}`", part.name), &part.form, comment]);
    }
}

/// Names of columns in a line of prose.
fn names<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    let names = parts.into_iter().map(|it| format!("`{}`", it.name));
    names.collect::<Vec<_>>().join(", ")
}

/// The heading of a relation and its comment: a paragraph, and the lines of a table.
fn head(page: &mut String, relation: &Relation) {
    let comment = relation.comment.as_deref().unwrap_or_default();
    let is_line = |line: &&str| LINES.iter().any(|start| line.starts_with(start));
    let prose: Vec<_> = comment.lines().filter(|line| !is_line(line)).collect();
    let _ = writeln!(
        page,
        "\n### {}\n\n{}",
        relation.name,
        prose.join("\n").trim_end()
    );
    if relation.kind != "table" {
        return;
    }
    page.push('\n');
    for line in lines(comment, GROWS) {
        let _ = writeln!(page, "- {line}");
    }
}

/// A view of one kind: only its own columns, and those of an earlier view by their names.
fn kind_view(
    page: &mut String,
    view: &Described,
    common: &[&Part],
    events: &[Part],
    earlier: &[&Described],
) {
    head(page, &view.relation);
    let (of_events, own): (Vec<_>, Vec<_>) =
        view.columns.iter().partition(|it| events.contains(it));
    let of_events: Vec<_> = of_events
        .into_iter()
        .filter(|it| !common.contains(it))
        .collect();
    if !of_events.is_empty() {
        let _ = writeln!(page, "\nFrom `events`: {}.", names(of_events));
    }
    let first_view = |part: &Part| earlier.iter().position(|it| it.columns.contains(part));
    for (place, before) in earlier.iter().enumerate() {
        let same: Vec<_> = own
            .iter()
            .copied()
            .filter(|it| first_view(it) == Some(place))
            .collect();
        if !same.is_empty() {
            let name = &before.relation.name;
            let _ = writeln!(page, "\nAs in [{name}](#{name}): {}.", names(same));
        }
    }
    let new = own.into_iter().filter(|it| first_view(it).is_none());
    rows(page, ["column", "type", "meaning"], new);
}

/// The views of the kinds, and the columns that all of them have.
fn kind_views(page: &mut String, views: &[&Described], events: &[Part]) {
    let in_all = |part: &&Part| views.iter().all(|it| it.columns.contains(part));
    let common: Vec<_> = events.iter().filter(in_all).collect();
    let _ = writeln!(
        page,
        "\n## Views of the kinds\n\nOne view for each kind of event. Every view has these columns of \
         [events](#events): {}.",
        names(common.iter().copied())
    );
    for (place, view) in views.iter().enumerate() {
        kind_view(page, view, &common, events, &views[..place]);
    }
}

/// Tables with their columns and primary keys.
fn tables<'a>(page: &mut String, tables: impl IntoIterator<Item = &'a Described>) {
    for table in tables {
        head(page, &table.relation);
        for key in &table.indexes {
            let _ = writeln!(page, "- Index: {}", key.form);
        }
        rows(page, ["column", "type", "meaning"], &table.columns);
    }
}

/// Internal tables, a row each, and the indexes that the views use.
fn internal_tables(page: &mut String, tables: &[&Described]) {
    for Described { relation, .. } in tables {
        let comment = relation.comment.as_deref().unwrap_or_default();
        let content = comment.lines().next().unwrap_or_default();
        let grows = lines(comment, "Grows: ")
            .first()
            .copied()
            .unwrap_or_default();
        let grows = grows.trim_start_matches("Grows: ");
        row(page, &[&format!("`{}`", relation.name), content, grows]);
    }
    page.push_str(INTERNAL_INDEXES);
    let stored = tables
        .iter()
        .filter(|it| it.relation.name.starts_with("stored_"));
    rows(
        page,
        ["index", "definition", "purpose"],
        stored.flat_map(|it| &it.indexes),
    );
}

/// The whole page.
pub(super) fn page(all: &[Described], functions: &[Part]) -> String {
    let mut page = INTRODUCTION.to_owned();
    let of = |kind: &'static str| all.iter().filter(move |it| it.relation.kind == kind);
    for view in GENERAL
        .iter()
        .flat_map(|name| of("view").filter(|it| it.relation.name == **name))
    {
        head(&mut page, &view.relation);
        rows(&mut page, ["column", "type", "meaning"], &view.columns);
    }
    let is_general = |it: &&Described| GENERAL.contains(&&*it.relation.name);
    let kinds: Vec<_> = of("view").filter(|it| !is_general(it)).collect();
    let events = of("view").find(|it| it.relation.name == "events").unwrap();
    kind_views(&mut page, &kinds, &events.columns);
    let is_internal = |it: &&Described| INTERNAL.contains(&&*it.relation.name);
    page.push_str(TABLES);
    tables(&mut page, of("table").filter(|it| !is_internal(it)));
    page.push_str(INTERNAL_TABLES);
    internal_tables(
        &mut page,
        &of("table").filter(is_internal).collect::<Vec<_>>(),
    );
    page.push_str("\n## Sequences\n\n");
    for Described { relation, .. } in of("sequence") {
        let comment = relation.comment.as_deref().unwrap_or_default();
        let _ = writeln!(page, "- `{}`: {comment}", relation.name);
    }
    page.push_str("\n## Functions\n");
    let of_readers = functions.iter().filter(|it| it.name.starts_with("item_"));
    rows(&mut page, ["function", "result", "meaning"], of_readers);
    page + END
}
