//! Output of verbs: lines of JSON, CSV, fields, and tables that fit the terminal.
//!
//! Text that strangers wrote is shown without anything that a terminal would obey. Colours are
//! for terminals only, and never in JSON or in the bytes of a body.
//!
//! A reader that goes away, as `head` does, is no failure: the write fails with a broken pipe
//! (Rust ignores SIGPIPE), which is [`Closed`], and the verb ends quietly with code 0.

use std::{
    io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write},
    os::fd::AsFd,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use terminal_size::terminal_size_of;
use unicode_width::UnicodeWidthStr;

pub(super) use super::empty::List;
use super::{
    colours::{DIM, HEADER},
    empty,
    layout::Layout,
};
use crate::{meta::json, query};

/// A text is not folded into less; rather its lines become too long.
const READABLE: usize = 20;

/// The options that say how a list is printed.
#[derive(clap::Args, Debug)]
pub(super) struct Form {
    /// Print a JSON object a line, with every column.
    #[arg(long)]
    json: bool,
    /// CSV (RFC 4180) with the columns of --json; import it as text, or a spreadsheet spoils ids.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Form of the rows of a list for programs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    /// An object a line.
    Json,
    /// CSV with a line of names.
    Csv,
}

impl Form {
    /// The format for programs; none where a table was asked for.
    pub(super) fn format(&self) -> Option<Format> {
        let json = self.json.then_some(Format::Json);
        json.or(self.csv.then_some(Format::Csv))
    }
}

/// Error for output that is closed by its reader.
#[derive(Debug, thiserror::Error)]
#[error("the reader closed the output")]
pub(super) struct Closed;

/// Standard output. What was written shows once it is [finished](Self::finish).
pub(super) struct Output {
    out: BufWriter<Stdout>,
    /// True if the output goes to a terminal with colours, and colours are not switched off.
    coloured: bool,
    /// True if a terminal shows it.
    on_terminal: bool,
    /// Cells of CSV that a spreadsheet would run.
    formulas: usize,
}

impl Output {
    /// Standard output.
    pub(super) fn new() -> Self {
        let out = io::stdout();
        let wanted = AutoStream::choice(&out) != ColorChoice::Never;
        let on_terminal = out.is_terminal();
        Self {
            coloured: wanted && on_terminal,
            on_terminal,
            formulas: 0,
            out: BufWriter::new(out),
        }
    }

    /// A text in a colour, where colours are shown. Pad before: the marks have no width.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Bytes as they are, and nothing else.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.out.write_all(bytes).map_err(failure)
    }

    /// A line.
    pub(super) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Prints a single line and finishes the output.
    pub(super) fn say(text: &str) -> anyhow::Result<()> {
        let mut output = Self::new();
        output.line(text)?;
        output.finish()
    }

    /// A remark on what was printed, for the person and not for what reads the output.
    pub(super) fn note(text: &str) -> anyhow::Result<()> {
        let room = width(io::stderr()).unwrap_or(usize::MAX);
        let mut lines = folded(text, room).into_iter();
        lines.try_for_each(|line| writeln!(io::stderr(), "{line}").map_err(failure))
    }

    /// Says on standard error that a list has no rows, and what to do next. Filters and `--after`
    /// have `narrowed` it.
    pub(super) fn note_if_empty(rows: usize, list: List, narrowed: bool) -> anyhow::Result<()> {
        match rows {
            0 => Self::note(empty::message(list, narrowed)),
            _ => Ok(()),
        }
    }

    /// A row as one line of JSON.
    pub(super) fn json(&mut self, row: &impl Serialize) -> anyhow::Result<()> {
        self.line(&query::line(row)?)
    }

    /// Prints the line before the rows of a list.
    pub(super) fn head(&mut self, format: Format, shape: &impl Serialize) -> anyhow::Result<()> {
        match format {
            Format::Json => Ok(()),
            Format::Csv => self.record(&query::csv_names(shape)?),
        }
    }

    /// A row of a list.
    pub(super) fn row(&mut self, format: Format, row: &impl Serialize) -> anyhow::Result<()> {
        if let Format::Json = format {
            return self.json(row);
        }
        let on_terminal = self.on_terminal;
        let shown = |text: &str| {
            if on_terminal {
                plain(text)
            } else {
                text.to_owned()
            }
        };
        let record = query::csv_record(row, |_| true, shown)?;
        self.formulas += record.formulas;
        self.record(&record.line)
    }

    fn record(&mut self, line: &str) -> anyhow::Result<()> {
        self.bytes(line.as_bytes())?;
        self.bytes(b"\r\n")
    }

    /// A row as a line for each column that has a value.
    pub(super) fn fields(&mut self, row: &impl Serialize) -> anyhow::Result<()> {
        let text = query::line(row)?;
        let columns = json::pairs(&text).unwrap_or_default();
        let set = columns.iter().filter(|(_, value)| *value != "null");
        for (name, value) in set {
            let value = json::string(value).unwrap_or_else(|| (*value).into());
            self.field(name, &value)?;
        }
        Ok(())
    }

    /// A name and what it has, on one line.
    pub(super) fn field(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let name = self.paint(DIM, &format!("{name:<20}"));
        self.line(&format!("{name} {}", plain(value)))
    }

    /// A table. On a terminal it is as wide as that, and what does not fit is cut, but for the
    /// first `whole` columns: nobody can type a part of an id. Elsewhere a row is one line.
    pub(super) fn table(
        &mut self,
        names: &[&str],
        whole: usize,
        rows: &[Vec<String>],
    ) -> anyhow::Result<()> {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        let rows: Vec<_> = rows.iter().map(|row| shown(row)).collect();
        let all = std::iter::once(&names).chain(&rows).map(Vec::as_slice);
        let layout = Layout::new(&all.collect::<Vec<_>>(), whole, width(io::stdout()));
        for line in layout.lines(&names) {
            self.line(&self.paint(HEADER, &line))?;
        }
        let mut lines = rows.iter().flat_map(|row| layout.lines(row));
        lines.try_for_each(|line| self.line(&line))
    }

    /// A text behind `before`, which is `indent` columns wide. On a terminal it goes on below
    /// itself where the line ends.
    pub(super) fn paragraph(
        &mut self,
        before: &str,
        indent: usize,
        text: &str,
    ) -> anyhow::Result<()> {
        let room = width(io::stdout()).map(|width| width.saturating_sub(indent).max(READABLE));
        let text = plain(text);
        let mut lines = folded(&text, room.unwrap_or(usize::MAX)).into_iter();
        self.line(&format!("{before}{}", lines.next().unwrap_or_default()))?;
        lines.try_for_each(|line| self.line(&format!("{:indent$}{line}", "")))
    }

    /// Shows what was written so far.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        self.out.flush().map_err(failure)
    }

    /// Sees to it that everything is written.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.out.flush().map_err(failure)?;
        match self.formulas {
            0 => Ok(()),
            count => Self::note(&format!(
                "cells that begin with =, +, - or @: {count}; a spreadsheet that opens the file \
                 directly runs them as formulas; import all columns as text: see \"Lists as JSON and \
                 CSV\" in docs/operations.md"
            )),
        }
    }
}

/// A bar for a person who waits; none for a file or a program.
pub(super) fn bar(steps: u64) -> Option<ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:24} {msg}").ok()?;
    Some(ProgressBar::new(steps).with_style(style))
}

/// Width of the terminal that shows what is printed there, if one does.
pub(super) fn width(out: impl AsFd) -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size_of(out)?;
    (width > 0).then_some(width.into())
}

/// A text as lines of at most `room` columns, as far as its words are that short.
fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or("", String::as_str);
        let joint = usize::from(!line.is_empty());
        if joint == 1 && line.width() + joint + word.width() > room {
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            line.push_str(&" ".repeat(joint));
            line.push_str(word);
        }
    }
    lines
}

fn shown(cells: &[String]) -> Vec<String> {
    cells.iter().map(|cell| plain(cell)).collect()
}

fn failure(error: io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::BrokenPipe => Closed.into(),
        _ => anyhow::Error::new(error).context("failed to write the output"),
    }
}

/// Text on one line, without control characters and without marks that turn the direction of
/// writing.
pub(super) fn plain(text: &str) -> String {
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
    fn a_text_is_folded_between_words() {
        let text = "remedy: say https://a.example/b-long-address once";
        let lines = ["remedy:", "say", "https://a.example/b-long-address", "once"];
        assert_eq!(folded(text, 10), lines);
        assert_eq!(folded(text, usize::MAX), [text]);
        assert_eq!(folded("", 10), [""]);
    }

    #[test]
    fn what_a_terminal_obeys_is_not_shown() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{9b}c\u{202e}d\ne"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d e"
        );
        assert_eq!(plain("né 😍 \u{200d}"), "né 😍 \u{200d}");
    }
}
