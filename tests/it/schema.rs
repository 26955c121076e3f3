//! `docs/reference/schema.md`: the comments of a migrated database, none of which may be missing.

mod layout;

use sqlx::{FromRow, PgConnection};

use crate::support::{page, postgres::TestDatabase};

const PAGE: &str = "docs/reference/schema.md";

/// Beginnings of the lines that the comment of each table has.
const LINES: [&str; 3] = ["Written by: ", "Read by: ", "Grows: "];

/// A table, view or sequence.
#[derive(Debug, FromRow)]
struct Relation {
    name: String,
    kind: String,
    comment: Option<String>,
}

/// A column, index or function.
#[derive(Debug, PartialEq, FromRow)]
struct Part {
    name: String,
    form: String,
    comment: Option<String>,
}

/// A relation with its columns and indexes.
#[derive(Debug)]
struct Described {
    relation: Relation,
    columns: Vec<Part>,
    indexes: Vec<Part>,
}

async fn relations(connection: &mut PgConnection) -> Vec<Relation> {
    let found = sqlx::query_as(
        "SELECT relname::text AS name,
                CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
                obj_description(oid, 'pg_class') AS comment
         FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND NOT relispartition
           AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         ORDER BY relname COLLATE \"C\"",
    );
    found.fetch_all(connection).await.unwrap()
}

async fn columns(connection: &mut PgConnection, relation: &str) -> Vec<Part> {
    let found = sqlx::query_as(
        "SELECT a.attname::text AS name,
                replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone',
                        'timestamptz')
                || CASE WHEN a.attnotnull OR c.relkind = 'v' THEN '' ELSE ' or null' END AS form,
                col_description(a.attrelid, a.attnum) AS comment
         FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
         WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum",
    );
    found.bind(relation).fetch_all(connection).await.unwrap()
}

async fn indexes(connection: &mut PgConnection, relation: &str) -> Vec<Part> {
    let found = sqlx::query_as(
        "SELECT c.relname::text AS name,
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
                pg_get_function_result(oid) AS form,
                obj_description(oid, 'pg_proc') AS comment
         FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         ORDER BY proname COLLATE \"C\"",
    );
    found.fetch_all(connection).await.unwrap()
}

async fn described(connection: &mut PgConnection) -> Vec<Described> {
    let mut all = Vec::new();
    for relation in relations(connection).await {
        all.push(Described {
            columns: columns(connection, &relation.name).await,
            indexes: indexes(connection, &relation.name).await,
            relation,
        });
    }
    all
}

/// The complete lines of a table's comment with this beginning.
fn lines<'a>(comment: &'a str, start: &str) -> Vec<&'a str> {
    let complete = |line: &&str| line.ends_with('.') && line.len() > start.len() + 5;
    let found = comment.lines().filter(|line| line.starts_with(start));
    found.filter(complete).collect()
}

/// Parts without a comment, in words.
fn bare(before: &str, parts: &[Part]) -> Vec<String> {
    let parts = parts.iter().filter(|it| it.comment.is_none());
    let said = parts.map(|it| format!("{before}{} has no comment", it.name));
    said.collect()
}

/// Missing comments of a relation, in words.
fn missing(it: &Described) -> Vec<String> {
    let name = &it.relation.name;
    let comment = it.relation.comment.as_deref().unwrap_or_default();
    let mut missing = Vec::new();
    if comment.is_empty() {
        missing.push(format!("{name} has no comment"));
    }
    if it.relation.kind == "table" {
        let starts = LINES
            .iter()
            .filter(|start| lines(comment, start).len() != 1);
        missing.extend(starts.map(|start| format!("{name} has not one line `{start}…`")));
    }
    if it.relation.kind != "sequence" {
        missing.extend(bare(&format!("{name}."), &it.columns));
    }
    missing.extend(bare("index ", &it.indexes));
    missing
}

/// All missing comments, in words.
fn all_missing(all: &[Described], functions: &[Part]) -> Vec<String> {
    let of_relations = all.iter().flat_map(missing);
    of_relations.chain(bare("function ", functions)).collect()
}

async fn write(connection: &mut PgConnection) -> (String, Vec<String>) {
    let all = described(connection).await;
    let functions = functions(connection).await;
    (
        layout::page(&all, &functions),
        all_missing(&all, &functions),
    )
}

#[tokio::test]
async fn the_page_has_the_comments_of_the_database() {
    let database = TestDatabase::create().await;
    let (page, missing) = write(&mut database.connect().await).await;
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "comment on it in a migration"
    );
    page::hold(PAGE, &page);
}

#[tokio::test]
async fn a_missing_comment_is_found() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let bare = "CREATE TABLE bare (a int PRIMARY KEY); CREATE VIEW plain AS SELECT a FROM bare;
        CREATE FUNCTION idle() RETURNS int RETURN 1; CREATE SEQUENCE idling;
        CREATE TABLE half (a int);
        COMMENT ON TABLE half IS E'A half.\\nWritten by: a test.\\nGrows: no';
        COMMENT ON COLUMN half.a IS 'A column.'";
    sqlx::raw_sql(bare).execute(&mut connection).await.unwrap();
    let (_, missing) = write(&mut connection).await;
    assert_eq!(
        missing,
        [
            "bare has no comment",
            "bare has not one line `Written by: …`",
            "bare has not one line `Read by: …`",
            "bare has not one line `Grows: …`",
            "bare.a has no comment",
            "index bare_pkey has no comment",
            "half has not one line `Read by: …`",
            "half has not one line `Grows: …`",
            "idling has no comment",
            "plain has no comment",
            "plain.a has no comment",
            "function idle() has no comment",
        ]
    );
}
