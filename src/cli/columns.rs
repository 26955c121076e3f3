//! Columns of lists: the rows of a list as a table, or as lines for programs.

use serde::Serialize;

use super::output::{Form, Output};

/// A column of a table: its name, and the text of a row in it.
pub(super) type Column<T> = (&'static str, fn(&T) -> String);

/// The texts of a row.
pub(super) fn cells<T>(columns: &[Column<T>], row: &T) -> Vec<String> {
    columns.iter().map(|(_, text)| text(row)).collect()
}

/// Prints the rows of a list in the form asked for. A table cuts no cell of its first `whole`
/// columns.
pub(super) fn print<T: Default + Serialize>(
    form: &Form,
    rows: &[T],
    columns: &[Column<T>],
    whole: usize,
) -> anyhow::Result<()> {
    let mut output = Output::new();
    if let Some(format) = form.format() {
        output.rows(format, &&T::default(), rows)?;
    } else {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let rows: Vec<_> = rows.iter().map(|row| cells(columns, row)).collect();
        output.table(&names, whole, &rows)?;
    }
    output.finish()
}
