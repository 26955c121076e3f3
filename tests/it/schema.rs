//! `docs/schema.md` consists of the comments in a migrated database; every object must have a
//! comment.

use std::fmt::Write as _;

use sqlx::{FromRow, PgConnection};

use crate::support::{page, postgres::TestDatabase};

const PAGE: &str = "docs/schema.md";

const INTRODUCTION: &str = "# Schema

Everything in the database, in its own words: this page is written from the comments that tables, \
views, columns, indexes and functions carry, and a test holds it against a migrated database. \
`\\d+ events` in `hookshelf psql` shows the same. [Events](events.md) says what each kind means, \
[Questions](questions.md) what can be asked.
";

const VIEWS: &str = "## Views

One for each kind. Views hold nothing: they read `events`, and conditions on `received_at` and on \
the columns of its indexes reach its partitions and indexes.
";

/// Prefixes of special lines in a table's comment.
const LINES: [&str; 3] = ["Written by: ", "Read by: ", "Grows: "];

/// A table, view or sequence.
#[derive(Debug, FromRow)]
struct Relation {
    name: String,
    kind: String,
    comment: Option<String>,
    partitions: Option<String>,
}

/// A column, index or function.
#[derive(Debug, FromRow)]
struct Part {
    name: String,
    form: String,
    nullable: Option<bool>,
    comment: Option<String>,
}

/// Descriptions of missing comments.
type Silent = Vec<String>;

async fn relations(connection: &mut PgConnection) -> Vec<Relation> {
    let found = sqlx::query_as(
        "SELECT relname::text AS name,
                CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
                obj_description(oid, 'pg_class') AS comment, pg_get_partkeydef(oid) AS partitions
         FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND NOT relispartition
           AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         ORDER BY relname COLLATE \"C\"",
    );
    found.fetch_all(connection).await.unwrap()
}

async fn columns(connection: &mut PgConnection, relation: &str) -> Vec<Part> {
    let found = sqlx::query_as(
        "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS form,
                NOT attnotnull AS nullable, col_description(attrelid, attnum) AS comment
         FROM pg_attribute
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
         ORDER BY attnum",
    );
    found.bind(relation).fetch_all(connection).await.unwrap()
}

async fn indexes(connection: &mut PgConnection, relation: &str) -> Vec<Part> {
    let found = sqlx::query_as(
        "SELECT c.relname::text AS name, NULL::bool AS nullable,
                CASE WHEN i.indisprimary THEN 'primary key ' WHEN i.indisunique THEN 'unique '
                     ELSE '' END || substring(pg_get_indexdef(i.indexrelid) from 'USING (.*)$')
                AS form,
                obj_description(i.indexrelid, 'pg_class') AS comment
         FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
         WHERE i.indrelid = $1::regclass
         ORDER BY i.indisprimary DESC, c.relname COLLATE \"C\"",
    );
    found.bind(relation).fetch_all(connection).await.unwrap()
}

async fn functions(connection: &mut PgConnection) -> Vec<Part> {
    let found = sqlx::query_as(
        "SELECT proname || '(' || CASE WHEN pronargs > 9 THEN pronargs || ' arguments'
                                       ELSE pg_get_function_identity_arguments(oid) END || ')'
                AS name,
                pg_get_function_result(oid) AS form, NULL::bool AS nullable,
                obj_description(oid, 'pg_proc') AS comment
         FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         ORDER BY proname COLLATE \"C\"",
    );
    found.fetch_all(connection).await.unwrap()
}

/// Escapes text for a table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Writes a table of parts; adds parts without a comment to `silent`.
fn rows(page: &mut String, silent: &mut Silent, of: &str, heads: &[&str], parts: &[Part]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    page.push('\n');
    page.push_str(&line(
        &heads.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(),
    ));
    let _ = writeln!(page, "|{}", "---|".repeat(heads.len()));
    for part in parts {
        if part.comment.is_none() {
            silent.push(format!("{of}{} has no comment", part.name));
        }
        let mut cells = vec![format!("`{}`", part.name), cell(&part.form)];
        cells.extend(
            part.nullable
                .map(|it| if it { "null" } else { "" }.to_owned()),
        );
        cells.push(cell(part.comment.as_deref().unwrap_or_default()));
        page.push_str(&line(&cells));
    }
}

/// Writes the heading of a relation and its comment: a paragraph, and for tables the lines of
/// [`LINES`].
fn head(page: &mut String, silent: &mut Silent, relation: &Relation) {
    let comment = relation.comment.as_deref().unwrap_or_default();
    if comment.is_empty() {
        silent.push(format!("{} has no comment", relation.name));
    }
    let _ = write!(page, "\n### {}\n\n", relation.name);
    let is_line = |line: &&str| LINES.iter().any(|start| line.starts_with(start));
    let (said, told): (Vec<_>, Vec<_>) = comment.lines().partition(|line| !is_line(line));
    let _ = writeln!(page, "{}", said.join("\n").trim_end());
    if relation.kind != "table" {
        return;
    }
    page.push('\n');
    for start in LINES {
        match told
            .iter()
            .filter(|line| line.starts_with(start))
            .collect::<Vec<_>>()[..]
        {
            [line] if line.ends_with('.') && line.len() > start.len() + 5 => {
                let (what, rest) = line.split_once(": ").unwrap();
                let _ = writeln!(page, "- **{what}:** {rest}");
            }
            _ => silent.push(format!("{} has not one line `{start}…`", relation.name)),
        }
    }
    if let Some(by) = &relation.partitions {
        let _ = writeln!(page, "- **Partitioned** by {by}.");
    }
}

/// Writes a relation with its columns and indexes.
async fn section(
    connection: &mut PgConnection,
    page: &mut String,
    silent: &mut Silent,
    relation: &Relation,
) {
    head(page, silent, relation);
    let of = format!("{}.", relation.name);
    let parts = columns(connection, &relation.name).await;
    let indexes = indexes(connection, &relation.name).await;
    match &*relation.kind {
        "table" => {
            let heads = ["column", "type", "null", "what it is"];
            rows(page, silent, &of, &heads, &parts);
        }
        "view" => {
            // Postgres reports every column of a view as nullable.
            let parts = parts.into_iter().map(|it| Part {
                nullable: None,
                ..it
            });
            let heads = ["column", "type", "what it is"];
            rows(page, silent, &of, &heads, &parts.collect::<Vec<_>>());
        }
        _ => {}
    }
    if !indexes.is_empty() {
        rows(page, silent, "index ", &["index", "over", "why"], &indexes);
    }
}

async fn write(connection: &mut PgConnection) -> (String, Silent) {
    let (mut page, mut silent) = (INTRODUCTION.to_owned(), Silent::new());
    let relations = relations(connection).await;
    for (kind, title) in [
        ("table", "## Tables\n"),
        ("view", VIEWS),
        ("sequence", "## Sequences\n"),
    ] {
        let _ = write!(page, "\n{title}");
        for relation in relations.iter().filter(|it| it.kind == kind) {
            section(connection, &mut page, &mut silent, relation).await;
        }
    }
    page.push_str("\n## Functions\n");
    let heads = ["function", "gives", "what it is"];
    let functions = functions(connection).await;
    rows(&mut page, &mut silent, "function ", &heads, &functions);
    (page, silent)
}

#[tokio::test]
async fn the_page_says_what_the_database_says() {
    let database = TestDatabase::create().await;
    let (page, silent) = write(&mut database.connect().await).await;
    assert_eq!(silent, Silent::new(), "say it in a migration");
    page::hold(PAGE, &page);
}

#[tokio::test]
async fn whatever_says_nothing_of_itself_is_found() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let bare = "CREATE TABLE bare (a int PRIMARY KEY); CREATE VIEW plain AS SELECT a FROM bare;
        CREATE FUNCTION idle() RETURNS int RETURN 1; CREATE SEQUENCE idling;
        CREATE TABLE half (a int);
        COMMENT ON TABLE half IS E'A half.\\nWritten by: a test.\\nGrows: no';
        COMMENT ON COLUMN half.a IS 'A column.'";
    sqlx::raw_sql(bare).execute(&mut connection).await.unwrap();
    let (_, silent) = write(&mut connection).await;
    assert_eq!(
        silent,
        [
            "bare has no comment",
            "bare has not one line `Written by: …`",
            "bare has not one line `Read by: …`",
            "bare has not one line `Grows: …`",
            "bare.a has no comment",
            "index bare_pkey has no comment",
            "half has not one line `Read by: …`",
            "half has not one line `Grows: …`",
            "plain has no comment",
            "plain.a has no comment",
            "idling has no comment",
            "function idle() has no comment",
        ]
    );
}
