//! A query result in psql's format: aligned columns, numbers to the right, and a row count.

use std::fmt::Write as _;

use sqlx::{
    AssertSqlSafe, Column, PgConnection, Row, TypeInfo, ValueRef,
    postgres::{PgColumn, PgRow},
};

/// Number of rows shown of each answer.
const SHOWN: usize = 2;

/// Query result as text.
#[derive(Debug)]
pub(super) struct Answer {
    names: Vec<String>,
    is_number: Vec<bool>,
    rows: Vec<Vec<String>>,
}

/// Runs a query with the simple query protocol, which returns text as in psql.
pub(super) async fn ask(session: &mut PgConnection, query: &str) -> Answer {
    let rows = sqlx::raw_sql(AssertSqlSafe(query.to_owned())).fetch_all(session);
    let rows = rows
        .await
        .unwrap_or_else(|error| panic!("{error}\n{query}"));
    let columns = rows.first().map_or(&[][..], |row| row.columns());
    Answer {
        names: columns.iter().map(|it| it.name().to_owned()).collect(),
        is_number: columns.iter().map(is_number).collect(),
        rows: rows.iter().map(cells).collect(),
    }
}

fn is_number(column: &PgColumn) -> bool {
    let numbers = ["INT2", "INT4", "INT8", "NUMERIC", "FLOAT4", "FLOAT8"];
    numbers.contains(&column.type_info().name())
}

fn cells(row: &PgRow) -> Vec<String> {
    let cell = |index| {
        let value = row.try_get_raw(index).unwrap();
        if value.is_null() {
            return String::new();
        }
        let text = value.as_str().unwrap();
        match row.column(index).type_info().name() {
            "BOOL" => text[..1].to_owned(),
            _ => text.replace('\n', " "),
        }
    };
    (0..row.len()).map(cell).collect()
}

impl Answer {
    /// First row as pairs of column and value; empty if there are no rows.
    pub(super) fn first(&self) -> Vec<(String, String)> {
        let first = self.rows.first().into_iter().flatten().cloned();
        self.names.iter().cloned().zip(first).collect()
    }

    /// Values of these columns, row by row.
    pub(super) fn columns(&self, names: &[&str]) -> Vec<Vec<String>> {
        let place = |name: &&str| self.names.iter().position(|it| it == name).unwrap();
        let chosen = |row: &Vec<String>| names.iter().map(|it| row[place(it)].clone()).collect();
        self.rows.iter().map(chosen).collect()
    }

    /// The result as a table.
    pub(super) fn shown(&self) -> String {
        let shown = &self.rows[..self.rows.len().min(SHOWN)];
        let widths: Vec<usize> = (0..self.names.len())
            .map(|column| {
                let cells = shown.iter().map(|row| width(&row[column]));
                cells.chain([width(&self.names[column])]).max().unwrap_or(0)
            })
            .collect();
        let heads = self
            .names
            .iter()
            .zip(&widths)
            .map(|(name, wide)| centred(name, *wide));
        let mut text = joined(heads, "|");
        text.push_str(&joined(widths.iter().map(|wide| "-".repeat(wide + 2)), "+"));
        for row in shown {
            let cells = row.iter().zip(&widths).zip(&self.is_number);
            text.push_str(&joined(
                cells.map(|((cell, wide), number)| padded(cell, *wide, *number)),
                "|",
            ));
        }
        if shown.len() < self.rows.len() {
            text.push_str(" …\n");
        }
        let rows = if self.rows.len() == 1 { "row" } else { "rows" };
        let _ = writeln!(text, "({} {rows})", self.rows.len());
        text
    }
}

/// Number of characters. Wide characters count once; terminals disagree about them anyway.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn centred(text: &str, wide: usize) -> String {
    let free = wide - width(text);
    format!(
        " {}{text}{} ",
        " ".repeat(free / 2),
        " ".repeat(free - free / 2)
    )
}

fn padded(text: &str, wide: usize, number: bool) -> String {
    let free = " ".repeat(wide - width(text));
    if number {
        format!(" {free}{text} ")
    } else {
        format!(" {text}{free} ")
    }
}

fn joined(cells: impl Iterator<Item = String>, with: &str) -> String {
    let line = cells.collect::<Vec<_>>().join(with);
    format!("{}\n", line.trim_end())
}

#[test]
fn a_table_looks_like_psqls() {
    let answer = Answer {
        names: vec!["media_id".to_owned(), "comments".to_owned()],
        is_number: vec![false, true],
        rows: vec![vec!["1".to_owned(), "10".to_owned()]],
    };
    let expected = " media_id | comments\n----------+----------\n 1        |       10\n(1 row)\n";
    assert_eq!(answer.shown(), expected);
}
