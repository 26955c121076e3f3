//! File of an export that is not complete yet: it survives an interruption, and goes on behind its
//! last whole event.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use clap::ValueEnum;

use super::super::api::Request;
use crate::meta::json;

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A JSON object a line.
    Ndjson,
    /// CSV with a line of names.
    Csv,
}

impl Format {
    /// Name in the API.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// Media type.
    pub(super) fn media(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv",
        }
    }
}

/// An incomplete export.
#[derive(Debug)]
pub(super) struct Partial {
    file: File,
    path: PathBuf,
    /// Has the arguments as they were typed, and the request.
    notes: PathBuf,
    request: String,
    whole: Whole,
    /// True while the line of names of a resumed export arrives.
    skips_names: bool,
}

/// Whole events of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Whole {
    bytes: u64,
    events: u64,
    last_position: Option<i64>,
}

impl Partial {
    /// Opens the partial file of `out`, or creates it for the export `typed` with its request.
    pub(super) fn open(
        out: &Path,
        format: Format,
        (typed, request): (&str, &Request),
    ) -> anyhow::Result<Self> {
        let (path, notes) = (beside(out, ".partial"), beside(out, ".partial.request"));
        let write = |path: &Path| format!("failed to write {}", path.display());
        let found = fs::read_to_string(&notes).unwrap_or_default();
        let (known, kept) = found.split_once('\n').unwrap_or_default();
        let is_new = known.is_empty() || !path.exists();
        ensure!(
            is_new || known == typed,
            "{} belongs to an export with other options: repeat it with the same options, or delete \
             the file",
            path.display()
        );
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(is_new)
            .open(&path)
            .with_context(|| write(&path))?;
        let request = if is_new {
            let request = request.to_string();
            fs::write(&notes, format!("{typed}\n{request}")).with_context(|| write(&notes))?;
            request
        } else {
            kept.to_owned()
        };
        let mut whole = whole(&mut BufReader::new(&file), format)?;
        if whole.last_position.is_none() {
            whole = Whole::default();
        }
        file.set_len(whole.bytes)?;
        file.seek(io::SeekFrom::End(0))?;
        Ok(Self {
            skips_names: format == Format::Csv && whole.events > 0,
            file,
            path,
            notes,
            request,
            whole,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The request of the export when it began.
    pub(super) fn request(&self) -> &str {
        &self.request
    }

    /// Position of the last whole event of an interrupted export.
    pub(super) fn last_position(&self) -> Option<i64> {
        self.whole.last_position
    }

    /// Number of lines so far, about as many as events.
    pub(super) fn events(&self) -> u64 {
        self.whole.events
    }

    /// Appends bytes of the export.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        if self.skips_names {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            self.skips_names = end.is_none();
            bytes = end.map_or(&[], |end| &bytes[end + 1..]);
        }
        let lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        self.whole.events += u64::try_from(lines)?;
        let full = || {
            format!(
                "failed to write {}: make room on its disk",
                self.path.display()
            )
        };
        self.file.write_all(bytes).with_context(full)
    }

    /// Gives the complete export its name, and returns the number of its lines.
    pub(super) fn finish(self, out: &Path) -> anyhow::Result<u64> {
        let named = || {
            self.file.sync_all()?;
            fs::rename(&self.path, out)?;
            let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty());
            File::open(dir.unwrap_or(Path::new(".")))?.sync_all()?;
            fs::remove_file(&self.notes)
        };
        named().with_context(|| {
            let path = self.path.display();
            format!("failed to rename {path} to {}", out.display())
        })?;
        Ok(self.whole.events)
    }
}

fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(out);
    name.push(ending);
    name.into()
}

/// Finds the whole events of a file. The line of names of CSV is part of them, but is none.
fn whole(file: &mut impl BufRead, format: Format) -> anyhow::Result<Whole> {
    let (mut whole, mut record) = (Whole::default(), Vec::new());
    loop {
        if file.read_until(b'\n', &mut record)? == 0 {
            return Ok(whole);
        }
        if !is_whole(&record, format) {
            continue;
        }
        whole.bytes += u64::try_from(record.len())?;
        let text = String::from_utf8_lossy(&record);
        let position = position(&text, format);
        whole.events += u64::from(position.is_some());
        whole.last_position = position.or(whole.last_position);
        record.clear();
    }
}

/// True at the end of a record: cells of CSV may have line breaks between quotes.
fn is_whole(record: &[u8], format: Format) -> bool {
    match format {
        Format::Ndjson => record.ends_with(b"\n"),
        Format::Csv => {
            let quotes = record.split(|byte| *byte == b'"').count() - 1;
            record.ends_with(b"\r\n") && quotes % 2 == 0
        }
    }
}

/// Position of a record, which is its second column.
fn position(record: &str, format: Format) -> Option<i64> {
    match format {
        Format::Ndjson => {
            let pairs = json::pairs(record.trim_end())?;
            let (_, value) = pairs.iter().find(|(name, _)| name == "position")?;
            value.trim_matches('"').parse().ok()
        }
        Format::Csv => record.split(',').nth(1)?.trim_matches('"').parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, format: Format) -> (u64, u64, Option<i64>) {
        let whole = whole(&mut text.as_bytes(), format).unwrap();
        (whole.bytes, whole.events, whole.last_position)
    }

    #[test]
    fn a_cut_event_is_not_whole() {
        let lines = "{\"schema\":1,\"position\":\"7\"}\n{\"schema\":1,\"position\":\"9\"}\n";
        for cut in 0..=lines.len() {
            let ends = if cut == lines.len() {
                (lines.len(), 2, Some(9))
            } else if cut >= lines.len() / 2 {
                (lines.len() / 2, 1, Some(7))
            } else {
                (0, 0, None)
            };
            let expected = (u64::try_from(ends.0).unwrap(), ends.1, ends.2);
            assert_eq!(found(&lines[..cut], Format::Ndjson), expected, "{cut}");
        }
    }

    #[test]
    fn line_breaks_between_quotes_end_no_record() {
        let names = "schema,position,text\r\n";
        let first = "1,\"7\",\"a\r\n1,\"\"8\"\",b\"\r\n";
        let file = format!("{names}{first}1,\"9\",\"c\r\n");
        let end = u64::try_from(names.len() + first.len()).unwrap();
        assert_eq!(found(&file, Format::Csv), (end, 1, Some(7)));
        let names_only = u64::try_from(names.len()).unwrap();
        assert_eq!(found(names, Format::Csv), (names_only, 0, None));
    }
}
