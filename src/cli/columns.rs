//! Columns of lists: the rows of a list as a table, or as lines for programs.

use serde::Serialize;
use serde_json::Value;

use super::{
    api::Row,
    output::{Form, Format, Output},
};

/// A column of a table: its name, and the text of a row in it.
pub(super) type Column<T = Value> = (&'static str, fn(&T) -> String);

/// The texts of a row.
pub(super) fn cells<T>(columns: &[Column<T>], row: &T) -> Vec<String> {
    columns.iter().map(|(_, text)| text(row)).collect()
}

/// Prints a table, which cuts no cell of its first `whole` columns.
pub(super) fn table<T>(
    output: &mut Output,
    (columns, whole): (&[Column<T>], usize),
    rows: &[T],
) -> anyhow::Result<()> {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let rows: Vec<_> = rows.iter().map(|row| cells(columns, row)).collect();
    output.table(&names, whole, &rows)
}

/// Prints the rows of a list in the form asked for. A table cuts no cell of its first `whole`
/// columns. For programs, the keys are those of `shape` in its order.
pub(super) fn print(
    form: &Form,
    rows: &[Row],
    shape: &impl Serialize,
    columns: (&[Column], usize),
) -> anyhow::Result<()> {
    let mut output = Output::new();
    if let Some(format) = form.format() {
        lines(&mut output, format, rows, shape)?;
    } else {
        let rows: Vec<_> = rows.iter().map(Row::value).collect();
        table(&mut output, columns, &rows)?;
    }
    output.finish()
}

/// Same as [`print()`], for rows with types of their own.
pub(super) fn print_typed<T: Default + Serialize>(
    form: &Form,
    rows: &[T],
    columns: (&[Column<T>], usize),
) -> anyhow::Result<()> {
    let mut output = Output::new();
    if let Some(format) = form.format() {
        output.head(format, &T::default())?;
        rows.iter().try_for_each(|row| output.row(format, row))?;
    } else {
        table(&mut output, columns, rows)?;
    }
    output.finish()
}

/// Prints a line for each row.
pub(super) fn lines(
    output: &mut Output,
    format: Format,
    rows: &[Row],
    shape: &impl Serialize,
) -> anyhow::Result<()> {
    output.head(format, shape)?;
    rows.iter().try_for_each(|row| match format {
        Format::Json => output.json(&row.arranged(shape)?),
        Format::Csv => output.row(format, &row.columns(shape)?),
    })
}
