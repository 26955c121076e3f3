//! Names of metrics, and the filter of the log.

use std::{
    io::{Result, Write},
    sync::{Arc, Mutex},
};

use super::{MESSAGES, TARGETS, log::subscriber, metrics::CATALOGUE};
use crate::config::{Log, LogFormat};

#[test]
fn metrics_are_named_after_the_house_and_their_unit() {
    for metric in CATALOGUE {
        assert!(metric.name.starts_with("hookshelf_"), "{}", metric.name);
        let counts = metric.kind == super::metrics::MetricKind::Counter;
        assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
    }
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
    let ours = || tracing::info!(target: "http", "said");
    let quiet = || tracing::debug!(target: "http", "said");
    let theirs = || tracing::info!(target: "sqlx::query", "said");
    let loud = || tracing::warn!(target: "sqlx::query", "said");
    assert!(logged("INFO", ours).contains("said"));
    assert!(logged("info", loud).contains("said"));
    assert_eq!(logged("info", quiet) + &logged("info", theirs), "");
    assert!(logged("sqlx=info", theirs).contains("said"));
    assert_eq!(logged("sqlx=info", ours) + &logged("off", loud), "");
}

#[test]
fn the_target_hookshelf_is_all_of_ours_and_a_target_is_one() {
    let http = || tracing::debug!(target: "http", "said");
    let store = || tracing::debug!(target: "store", "said");
    assert!(logged("hookshelf=debug", http).contains("said"));
    assert!(logged("hookshelf=debug,http=info", store).contains("said"));
    assert_eq!(logged("hookshelf=debug,http=info", http), "");
    assert!(logged("warn,store=debug", store).contains("said"));
    assert_eq!(logged("warn,store=debug", http), "");
}

#[test]
fn every_record_has_a_listed_target() {
    for message in MESSAGES.into_iter().flatten() {
        let known = TARGETS.iter().any(|(target, _)| *target == message.target);
        assert!(known, "{message:?}");
    }
}
