//! Load generator: runs `hookshelf simulate` and parses its report.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use serde::Deserialize;

use crate::server::HOOKSHELF;

/// Load on a server. Without a rate, each connection sends as fast as answers arrive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) batch: u32,
    pub(crate) rate: Option<u32>,
    /// Percentage of deliveries that are repeated.
    pub(crate) repeats: u32,
    /// Restricts the items to this kind.
    pub(crate) kind: Option<&'static str>,
    pub(crate) length: Length,
}

/// Number of items in a warm-up, equal for all servers: rows stored before a checkpoint determine
/// the number of full pages in the WAL after it.
const WARM_UP: u32 = 5_000;

/// Length of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// The time given on the command line.
    Time,
    /// The number of deliveries given on the command line.
    Count,
    /// A few thousand items.
    WarmUp,
}

/// Lengths given on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) seconds: u32,
    pub(crate) deliveries: u32,
}

impl Load {
    /// A load of one item per delivery, of every kind, as fast as answers arrive.
    pub(crate) const fn closed(connections: u32) -> Self {
        Self {
            connections,
            batch: 1,
            rate: None,
            repeats: 0,
            kind: None,
            length: Length::Time,
        }
    }

    /// Warm-up before a measurement: opens the server's connections and fills its caches. Its
    /// messages have ids of no other run, so the measurement does not repeat them.
    pub(crate) fn warm_up(self) -> Self {
        Self {
            rate: None,
            repeats: 0,
            kind: Some("message"),
            length: Length::WarmUp,
            ..self
        }
    }

    fn arguments(&self, asked: Asked) -> Vec<String> {
        let (length, value) = match self.length {
            Length::Time => ("--duration", format!("{}s", asked.seconds)),
            Length::Count => ("--count", asked.deliveries.to_string()),
            Length::WarmUp => ("--count", (WARM_UP / self.batch).to_string()),
        };
        let mut arguments = vec![length.to_owned(), value];
        let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
        add("--connections", self.connections.to_string());
        add("--batch", self.batch.to_string());
        add("--duplicates", self.repeats.to_string());
        if let Some(rate) = self.rate {
            add("--rate", rate.to_string());
        }
        if let Some(kind) = self.kind {
            add("--kind", kind.to_owned());
        }
        arguments
    }
}

/// Report of `simulate`.
#[derive(Debug, Deserialize)]
pub(crate) struct LoadReport {
    pub(crate) deliveries: u64,
    /// Tries; more than deliveries if some were not acked at once.
    pub(crate) sends: u64,
    pub(crate) items: u64,
    pub(crate) acked: u64,
    pub(crate) unacked: u64,
    pub(crate) acks_per_second: f64,
    /// Distinct events in acked deliveries.
    pub(crate) events: u64,
    pub(crate) latency_ms: Latency,
    /// CPU seconds of `simulate` itself.
    #[serde(skip)]
    pub(crate) cpu: f64,
}

/// Percentiles of the time from the due time of a delivery to its ack, in milliseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// Loads the server at `address`. As from Meta, deliveries have no mark of `simulate`, and are sent
/// again and counted until acked. They concern as many people as those of a busy receiver.
pub(crate) fn run(
    load: &Load,
    asked: Asked,
    address: SocketAddr,
    secret: &Path,
) -> anyhow::Result<LoadReport> {
    let before = ended_children()?;
    let output = Command::new(HOOKSHELF)
        .env_clear()
        .args(["simulate", "--json", "--unmarked", "--retry"])
        .args(["--accounts", "50", "--people", "2000"])
        .args(["--url", &format!("http://{address}/webhook")])
        .arg("--secret-file")
        .arg(secret)
        .args(load.arguments(asked))
        .stderr(Stdio::inherit())
        .output()?;
    let mut report: LoadReport = serde_json::from_slice(&output.stdout)
        .context("simulate did not run: what it says stands above")?;
    ensure!(
        output.status.success() && report.unacked == 0,
        "{} deliveries were not acked",
        report.unacked
    );
    report.cpu = ended_children()? - before;
    Ok(report)
}

/// CPU seconds of all ended children of this process.
fn ended_children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench")]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
