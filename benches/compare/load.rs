//! The load: `hookshelf simulate`, and what it says of its run.

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

/// What a server is loaded with. Without a rate each connection sends as fast as answers come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) connections: u32,
    pub(crate) batch: u32,
    pub(crate) rate: Option<u32>,
    /// The share of deliveries, in percent, that come again.
    pub(crate) repeats: u32,
    /// Only items of this kind.
    pub(crate) kind: Option<&'static str>,
    pub(crate) length: Length,
}

/// How many items a warm-up has: as many for each server, since what stands in the tables before a
/// checkpoint decides how many pages are written to the WAL whole after it.
const WARM_UP: u32 = 5_000;

/// How long it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// For so long as the command line says.
    Time,
    /// For so many deliveries as the command line says.
    Count,
    /// For a few thousand items.
    WarmUp,
}

/// What the command line says of the length of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) seconds: u32,
    pub(crate) deliveries: u32,
}

impl Load {
    /// One item a delivery, of every kind, over so many connections, as fast as answers come.
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

    /// What comes before a measurement: it opens the server's connections and fills its caches.
    /// Messages have ids that no other run has, so that what is measured meets none of them.
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

/// What `simulate` says of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) deliveries: u64,
    /// Tries: more than deliveries where one was not acked at once.
    pub(crate) sends: u64,
    pub(crate) items: u64,
    pub(crate) acked: u64,
    pub(crate) unacked: u64,
    pub(crate) acks_per_second: f64,
    /// Distinct events in what was acked.
    pub(crate) events: u64,
    pub(crate) latency_ms: Latency,
    /// CPU seconds of `simulate` itself.
    #[serde(skip)]
    pub(crate) cpu: f64,
}

/// Shares of the time from when a delivery was due to its ack, in milliseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: Option<f64>,
    pub(crate) p90: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// Loads the server at `address`. Deliveries come without the mark of `simulate`, as
/// Meta's do, and tell of as many people as a busy receiver hears of. What is not acked is sent
/// again, as Meta does, and counted.
pub(crate) fn run(
    load: &Load,
    asked: Asked,
    address: SocketAddr,
    secret: &Path,
) -> anyhow::Result<Report> {
    let before = ended_children()?;
    let output = Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .env_clear()
        .args(["simulate", "--json", "--unmarked", "--retry"])
        .args(["--accounts", "50", "--people", "2000"])
        .args(["--url", &format!("http://{address}/webhook")])
        .arg("--secret-file")
        .arg(secret)
        .args(load.arguments(asked))
        .stderr(Stdio::inherit())
        .output()?;
    let mut report: Report = serde_json::from_slice(&output.stdout)
        .context("simulate did not run: what it says stands above")?;
    ensure!(
        output.status.success() && report.unacked == 0,
        "{} deliveries were not acked",
        report.unacked
    );
    report.cpu = ended_children()? - before;
    Ok(report)
}

/// CPU seconds of the children of this process that have ended.
fn ended_children() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench")]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}
