//! The page and the code agree; the filter does what the page says.

use std::{
    fs,
    io::{Result, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use super::{log::subscriber, metrics::CATALOGUE};
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

/// The constant texts of the files beside this one: the messages of the log.
fn messages() -> Vec<String> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telemetry");
    let entries = fs::read_dir(room).unwrap();
    let files = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("tests.rs"));
    let sources = files.map(|path| fs::read_to_string(path).unwrap());
    sources.flat_map(|source| texts(&source)).collect()
}

/// The constant texts of a source, which may stand on the line below their names.
fn texts(source: &str) -> Vec<String> {
    let words: Vec<_> = source.split_whitespace().collect();
    let source = words.join(" ");
    let texts = source.split("str = \"").skip(1);
    texts
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

#[test]
fn the_page_lists_each_message_of_the_log() {
    let mut said = messages();
    let mut listed: Vec<_> = rows("## Log")
        .iter()
        .filter_map(|row| Some(row.split('`').nth(1)?.to_owned()))
        .collect();
    said.sort();
    listed.sort();
    assert_eq!(listed, said);
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
