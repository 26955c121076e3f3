//! Names of metrics, and the filter of the log.

use std::{
    io::{Result, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;

use super::{
    ConsumerMeasured, ConsumerReleased, ConsumerTaken, HorizonMeasured, LogEvent, MESSAGES,
    TARGETS, log::subscriber, metrics::CATALOGUE,
};
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

/// Metrics that `events` moved.
fn moved(events: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, events);
    recorder.handle().render()
}

fn measure(consumer: &Arc<str>, paused: Option<&str>) {
    ConsumerMeasured {
        consumer,
        lag_positions: 7,
        lag: Duration::from_millis(1_500),
        in_flight: 3,
        waiting: 2,
        blocked: true,
        paused,
        replay_left: 7,
    }
    .emit();
}

#[test]
fn a_consumer_shows_its_state_and_the_reason_of_its_pause() {
    let bot: Arc<str> = "bot".into();
    let shown = moved(|| measure(&bot, Some("clock")));
    for line in [
        "hookshelf_consumer_lag_positions{consumer=\"bot\"} 7",
        "hookshelf_consumer_lag_seconds{consumer=\"bot\"} 1.5",
        "hookshelf_consumer_blocked{consumer=\"bot\"} 1",
        "hookshelf_consumer_replay_events_left{consumer=\"bot\"} 7",
        "hookshelf_consumer_paused{consumer=\"bot\",reason=\"clock\"} 1",
        "hookshelf_consumer_paused{consumer=\"bot\",reason=\"operator\"} 0",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn a_consumer_that_is_no_longer_owned_shows_zeros() {
    let bot: Arc<str> = "bot".into();
    let consumer = || Arc::clone(&bot);
    let own = || {
        ConsumerTaken {
            consumer: consumer(),
            position: 1,
        }
        .emit();
        measure(&bot, Some("operator"));
    };
    let shown = moved(own);
    assert!(
        shown.contains("hookshelf_consumer_owned{consumer=\"bot\"} 1"),
        "{shown}"
    );
    let shown = moved(|| {
        own();
        ConsumerReleased {
            consumer: consumer(),
        }
        .emit();
    });
    let values = shown.lines().filter(|line| line.starts_with("hookshelf"));
    let (values, zeros): (Vec<_>, Vec<_>) = (
        values.clone().collect(),
        values.filter(|it| it.ends_with("} 0")).collect(),
    );
    assert_eq!(values, zeros);
    assert_eq!(values.len(), 11, "{shown}");
}

#[test]
fn the_oldest_transaction_is_shown_by_its_holder_until_it_ends() {
    let held = Some(("session", Duration::from_mins(6), 7));
    let line = |name: &str, value| format!("{name}{{holder=\"session\"}} {value}\n");
    let gauges = [
        "hookshelf_oldest_transaction_seconds",
        "hookshelf_oldest_transaction_behind",
    ];
    for (measured, values) in [(&[held][..], [360, 7]), (&[held, None], [0, 0])] {
        let shown = moved(|| {
            for oldest in measured.iter().copied() {
                HorizonMeasured { oldest }.emit();
            }
        });
        for (gauge, value) in gauges.into_iter().zip(values) {
            assert!(shown.contains(&line(gauge, value)), "{shown}");
        }
    }
}
