//! The stream of deliveries: `hookshelf simulate` with repeats, forgeries, Meta's retries and ledgers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use nix::sys::signal::Signal;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    hookshelf::{Hookshelf, SECRET},
    process::Process,
};

/// How long what was due may be sent again after everything is well.
const PATIENCE: Duration = Duration::from_mins(5);

/// Where a stream writes.
#[derive(Clone, Debug)]
pub(crate) struct Papers {
    /// What was acked.
    pub(crate) acked: PathBuf,
    /// What was forged.
    pub(crate) forged: PathBuf,
    /// What it says at its end.
    pub(crate) said: PathBuf,
}

impl Papers {
    /// Those with this name in `dir`.
    pub(crate) fn named(dir: &Path, name: &str) -> Self {
        Self {
            acked: dir.join(format!("{name}.acked")),
            forged: dir.join(format!("{name}.forged")),
            said: dir.join(format!("{name}.said")),
        }
    }
}

/// A running stream.
#[derive(Debug)]
pub(crate) struct Stream {
    process: Process,
    papers: Papers,
}

/// What a stream came to, as it says itself.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Summary {
    pub(crate) deliveries: u64,
    pub(crate) repeats: u64,
    pub(crate) sends: u64,
    pub(crate) items: u64,
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) acked: u64,
    pub(crate) unacked: u64,
    pub(crate) refused_forgeries: u64,
    pub(crate) acked_forgeries: u64,
    /// Somebody did not want to wait for its end.
    pub(crate) interrupted: bool,
}

impl Stream {
    /// Begins to send for so long, so many a second.
    pub(crate) fn begin(
        server: &Hookshelf,
        papers: Papers,
        (seed, rate): (u64, u32),
        lasting: Duration,
    ) -> anyhow::Result<Self> {
        let secret = papers.said.with_file_name("secret");
        std::fs::write(&secret, SECRET)?;
        let mut command = server.command("simulate");
        command
            .args(["--url", &server.callback(), "--secret-file"])
            .arg(secret)
            .args(["--seed", &seed.to_string(), "--rate", &rate.to_string()])
            .args(["--duration", &format!("{}ms", lasting.as_millis())])
            .args(["--connections", "400", "--people", "200", "--batch"])
            .arg(if seed.is_multiple_of(3) { "3" } else { "1" })
            .args(["--duplicates", "6", "--bad-signatures", "4"])
            .args(["--retry", "--give-up", "1h", "--json", "--ledger"])
            .arg(&papers.acked)
            .arg("--forged")
            .arg(&papers.forged);
        let process = Process::start(&mut command, &papers.said)?;
        Ok(Self { process, papers })
    }

    /// Waits for its end, which comes when everything was acked; ends it where that takes too long.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Summary> {
        if timeout(PATIENCE, self.process.wait()).await.is_ok() {
            return summary(&self.papers.said);
        }
        Ok(Summary {
            interrupted: false,
            ..self.stop().await?
        })
    }

    /// Ends it now.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Summary> {
        self.process.signal(Signal::SIGINT);
        self.process.wait().await?;
        summary(&self.papers.said)
    }
}

fn summary(said: &Path) -> anyhow::Result<Summary> {
    let text = std::fs::read_to_string(said)?;
    let line = text.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("the stream did not end in order: {text}"))?;
    serde_json::from_str(line).context("a summary that cannot be read")
}

impl Summary {
    /// What is wrong with the answers.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.acked_forgeries > 0 {
            faults.push(format!("forged and acked: {}", self.acked_forgeries));
        }
        if self.unacked > 0 && !self.interrupted {
            faults.push(format!(
                "never acked, though everything was well again: {}",
                self.unacked
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_acked_is_a_fault_unless_nobody_waited_for_it() {
        let summary = |unacked, acked_forgeries, interrupted| Summary {
            unacked,
            acked_forgeries,
            interrupted,
            ..Summary::default()
        };
        assert_eq!(summary(0, 0, false).faults().len(), 0);
        assert_eq!(summary(3, 0, false).faults().len(), 1);
        assert_eq!(summary(3, 0, true).faults().len(), 0);
        assert_eq!(summary(3, 1, false).faults().len(), 2);
    }
}
