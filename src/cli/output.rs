//! What verbs print: lines of JSON, fields, and tables that fit the terminal.
//!
//! Text that strangers wrote is shown without anything that a terminal would obey.

use std::io::{self, BufWriter, ErrorKind, Stdout, Write};

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width, presets};
use serde::Serialize;
use terminal_size::terminal_size_of;

use crate::{meta::json, query};

/// Spaces between the columns of a table.
const GAP: u16 = 2;

/// A column is not cut shorter than this; rather the lines become too long.
const READABLE: u16 = 8;

/// Nobody reads the output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(super) struct Closed;

/// Standard output. What was written shows once it is [finished](Self::finish).
pub(super) struct Output(BufWriter<Stdout>);

impl Output {
    /// Standard output.
    pub(super) fn new() -> Self {
        Self(BufWriter::new(io::stdout()))
    }

    /// Bytes as they are, and nothing else.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.0.write_all(bytes).map_err(failure)
    }

    /// A line.
    pub(super) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// One line, and nothing after it.
    pub(super) fn say(text: &str) -> anyhow::Result<()> {
        let mut output = Self::new();
        output.line(text)?;
        output.finish()
    }

    /// A remark on what was printed, for the person and not for what reads the output.
    pub(super) fn note(text: &str) -> anyhow::Result<()> {
        writeln!(io::stderr(), "{text}").map_err(failure)
    }

    /// A row as one line of JSON.
    pub(super) fn json(&mut self, row: &impl Serialize) -> anyhow::Result<()> {
        self.line(&query::line(row)?)
    }

    /// A row as a line for each column that has a value.
    pub(super) fn fields(&mut self, row: &impl Serialize) -> anyhow::Result<()> {
        let text = query::line(row)?;
        let columns = json::Object::read(&text).unwrap_or_default().extra(&[]);
        let set = columns.iter().filter(|(_, value)| *value != "null");
        for (name, value) in set {
            let value = json::string(value).unwrap_or_else(|| (*value).into());
            self.line(&format!("{name:<20} {}", plain(&value)))?;
        }
        Ok(())
    }

    /// A table, a line for each row. On a terminal it is as wide as that, and what does not fit
    /// is cut, but for the first `whole` columns: nobody can type a part of an id.
    pub(super) fn table(
        &mut self,
        names: &[&str],
        whole: usize,
        rows: &[Vec<String>],
    ) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_truncation_indicator("…");
        table.set_header(row(names));
        table.add_rows(rows.iter().map(|cells| row(cells)));
        let widths = table.column_max_content_widths();
        for (index, (column, widest)) in table.column_iter_mut().zip(widths).enumerate() {
            let least = if index < whole {
                widest
            } else {
                widest.min(READABLE)
            };
            column.set_padding((0, GAP));
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + GAP)));
        }
        if let Some((terminal_size::Width(width), _)) = terminal_size_of(io::stdout()) {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Sees to it that everything is written.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.0.flush().map_err(failure)
    }
}

fn row(cells: &[impl AsRef<str>]) -> Row {
    let mut row = Row::from(cells.iter().map(|cell| plain(cell.as_ref())));
    row.max_height(1);
    row
}

fn failure(error: io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::new(error).context("the output cannot be written"),
    }
}

/// Text on one line, without control characters and without marks that turn the direction of
/// writing.
fn plain(text: &str) -> String {
    let shown = |char: char| match char {
        '\n' | '\r' | '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        char if char.is_control() => char::REPLACEMENT_CHARACTER,
        char => char,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_not_shown() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{9b}c\u{202e}d\ne"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d e"
        );
        assert_eq!(plain("né 😍 \u{200d}"), "né 😍 \u{200d}");
    }
}
