//! The page and the code agree; the filter does what the page says.

use std::{
    io::{Result, Write},
    sync::{Arc, Mutex},
};

use tracing::Level;

use super::{MESSAGES, Message, log::subscriber, metrics::CATALOGUE};
use crate::config::{Log, LogFormat};

const PAGE: &str = include_str!("../../docs/telemetry.md");

/// The rows of the first table of a section.
fn rows(section: &str) -> Vec<&'static str> {
    let start = PAGE.find(section).unwrap();
    let section = &PAGE[start + section.len()..];
    let table = section.split_once("\n|---").unwrap().1;
    let rows = table.lines().skip(1);
    rows.take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn the_page_lists_each_metric_as_the_catalogue_does() {
    let expected: Vec<_> = CATALOGUE
        .iter()
        .map(|metric| {
            let labels = match metric.labels {
                [] => "–".to_owned(),
                labels => labels.join(", "),
            };
            let kind = format!("{:?}", metric.kind).to_lowercase();
            format!(
                "| `{}` | {kind} | {labels} | {} |",
                metric.name, metric.meaning
            )
        })
        .collect();
    assert_eq!(rows("## Metrics"), expected);
}

#[test]
fn metrics_are_named_after_the_house_and_their_unit() {
    for metric in CATALOGUE {
        assert!(metric.name.starts_with("hookshelf_"), "{}", metric.name);
        let counts = metric.kind == super::metrics::Kind::Counter;
        assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
    }
}

#[test]
fn the_page_lists_each_message_as_the_catalogue_does() {
    let mut expected: Vec<_> = MESSAGES.into_iter().flatten().map(entry).collect();
    let mut listed: Vec<_> = rows("## Log").into_iter().map(listed).collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}

/// Text, levels and fields of a message, the levels in the order of their names.
type Entry = (String, Vec<String>, String);

fn entry(message: &Message) -> Entry {
    let fields = match message.fields {
        [] => "–".to_owned(),
        fields => fields.join(", "),
    };
    let mut levels: Vec<_> = message.levels.iter().map(ToString::to_string).collect();
    levels.sort();
    (message.text.to_owned(), levels, fields)
}

/// The same of a row of the page, where levels are the words in capitals.
fn listed(row: &str) -> Entry {
    let cells: Vec<_> = row.split(" | ").collect();
    let words = cells[1].split(|char: char| !char.is_ascii_alphabetic());
    let levels = words.filter(|word| word.parse::<Level>().is_ok() && *word == word.to_uppercase());
    let mut levels: Vec<_> = levels.map(ToOwned::to_owned).collect();
    levels.sort();
    let text = cells[0].trim_start_matches("| ").trim_matches('`');
    (text.to_owned(), levels, cells[2].to_owned())
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn logged(level: &str, record: impl FnOnce()) -> String {
    let log = Log {
        format: LogFormat::Human,
        level: level.parse().unwrap(),
        deliveries: false,
    };
    let page = Page::default();
    let writer = page.clone();
    let lines = subscriber(&log, false, move || writer.clone());
    tracing::subscriber::with_default(lines, record);
    let bytes = page.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_level_alone_is_ours_and_leaves_libraries_at_warn() {
    let ours = || tracing::info!(target: "hookshelf::http", "said");
    let quiet = || tracing::debug!(target: "hookshelf::http", "said");
    let theirs = || tracing::info!(target: "sqlx::query", "said");
    let loud = || tracing::warn!(target: "sqlx::query", "said");
    assert!(logged("INFO", ours).contains("said"));
    assert!(logged("info", loud).contains("said"));
    assert_eq!(logged("info", quiet) + &logged("info", theirs), "");
    assert!(logged("sqlx=info", theirs).contains("said"));
    assert_eq!(logged("sqlx=info", ours) + &logged("off", loud), "");
}
