//! Stream of deliveries: `hookshelf simulate` with repeats, forgeries, Meta's retries and ledgers.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use nix::sys::signal::Signal;
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    hookshelf::{Hookshelf, SECRET},
    process::Process,
};

/// Maximum time for pending retries after the last fault.
const PATIENCE: Duration = Duration::from_mins(5);

/// Output files of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Papers {
    /// Ledger of acked deliveries.
    pub(crate) acked: PathBuf,
    /// Ledger of forgeries.
    pub(crate) forged: PathBuf,
    /// Output at the end of the stream.
    pub(crate) said: PathBuf,
}

impl Papers {
    /// Output files with this name in `dir`.
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
    /// Time of the last delivery.
    until: Instant,
}

/// Summary of a stream, as reported by `simulate`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Summary {
    pub(crate) deliveries: u64,
    pub(crate) repeats: u64,
    pub(crate) forgeries: u64,
    pub(crate) sends: u64,
    pub(crate) items: u64,
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) acked: u64,
    pub(crate) unacked: u64,
    pub(crate) refused_forgeries: u64,
    pub(crate) acked_forgeries: u64,
    /// True if the stream was interrupted.
    pub(crate) interrupted: bool,
}

impl Stream {
    /// Starts a stream of this duration and rate.
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
        Ok(Self {
            process,
            papers,
            until: Instant::now() + lasting,
        })
    }

    /// True if the stream still sends deliveries after `time`.
    pub(crate) fn outlasts(&self, time: Duration) -> bool {
        Instant::now() + time < self.until
    }

    /// Output files of the stream.
    pub(crate) fn papers(&self) -> &Papers {
        &self.papers
    }

    /// Waits for the end of the stream, after everything was acked; stops the stream on timeout.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Summary> {
        if timeout(PATIENCE, self.process.wait()).await.is_ok() {
            return summary(&self.papers.said);
        }
        Ok(Summary {
            interrupted: false,
            ..self.stop().await?
        })
    }

    /// Stops the stream now.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Summary> {
        self.process.signal(Signal::SIGINT);
        self.process.wait().await?;
        summary(&self.papers.said)
    }
}

fn summary(said: &Path) -> anyhow::Result<Summary> {
    let text = std::fs::read_to_string(said)?;
    // A failed attempt may have left an earlier line.
    let line = text.lines().rfind(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("the stream did not end in order: {text}"))?;
    serde_json::from_str(line).context("a summary that cannot be read")
}

impl Summary {
    /// Errors in the answers; `waited` is true if every delivery had to be answered.
    pub(crate) fn faults(&self, waited: bool) -> Vec<String> {
        let noted = self.acked + self.acked_forgeries;
        let answered = self.answers.get("200").copied().unwrap_or(0);
        let refused = self.refused_forgeries + self.acked_forgeries;
        let counts = [
            ("forged and acked", self.acked_forgeries),
            ("acks that were not noted", answered.abs_diff(noted)),
        ];
        let counts_at_end = [
            (
                "never acked, though everything was well again",
                self.unacked,
            ),
            (
                "forged and never refused, though everything was well again",
                self.forgeries.saturating_sub(refused),
            ),
            ("streams that somebody ended", u64::from(self.interrupted)),
            ("streams of which nothing was acked", u64::from(noted == 0)),
        ];
        let at_end = counts_at_end.into_iter().filter(|_| waited);
        let wrong = counts.into_iter().chain(at_end).filter(|it| it.1 > 0);
        wrong
            .map(|(what, count)| format!("{what}: {count}"))
            .collect()
    }

    /// Sum of two summaries.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.deliveries += other.deliveries;
        self.repeats += other.repeats;
        self.forgeries += other.forgeries;
        self.sends += other.sends;
        self.items += other.items;
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        self.acked += other.acked;
        self.unacked += other.unacked;
        self.refused_forgeries += other.refused_forgeries;
        self.acked_forgeries += other.acked_forgeries;
        self.interrupted |= other.interrupted;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine deliveries and a forgery, all answered correctly.
    fn good() -> Summary {
        Summary {
            deliveries: 10,
            forgeries: 1,
            sends: 12,
            answers: [("200", 9), ("401", 1), ("broken", 2)]
                .map(|(answer, count)| (answer.to_owned(), count))
                .into(),
            acked: 9,
            refused_forgeries: 1,
            ..Summary::default()
        }
    }

    fn said(change: impl FnOnce(&mut Summary), waited: bool) -> usize {
        let mut summary = good();
        change(&mut summary);
        summary.faults(waited).len()
    }

    #[test]
    fn what_was_never_acked_is_a_fault_unless_nobody_waited_for_it() {
        assert_eq!((said(|_| {}, true), said(|_| {}, false)), (0, 0));
        assert_eq!(said(|it| it.unacked = 3, true), 1);
        assert_eq!(said(|it| it.unacked = 3, false), 0);
        assert_eq!(said(|it| it.refused_forgeries = 0, true), 1);
        assert_eq!(said(|it| it.refused_forgeries = 0, false), 0);
        assert_eq!(said(|it| it.interrupted = true, true), 1);
    }

    #[test]
    fn an_ack_that_nobody_noted_is_a_fault_and_so_is_none_at_all() {
        let one_more = |it: &mut Summary| *it.answers.entry("200".to_owned()).or_default() += 1;
        assert_eq!((said(one_more, true), said(one_more, false)), (1, 1));
        let acked = |it: &mut Summary| (it.acked_forgeries, it.refused_forgeries) = (1, 0);
        assert_eq!(said(acked, false), 2);
        assert_eq!(Summary::default().faults(true).len(), 1);
        assert_eq!(Summary::default().faults(false).len(), 0);
    }

    #[test]
    fn two_streams_count_together() {
        let both = good().and(good());
        assert_eq!((both.sends, both.answers["200"]), (24, 18));
        assert!(both.faults(true).is_empty());
    }

    #[test]
    fn the_last_summary_of_a_file_counts() {
        let dir = tempfile::TempDir::new().unwrap();
        let said = dir.path().join("said");
        let line = |unacked| {
            format!(
                r#"{{"deliveries":1,"repeats":0,"forgeries":0,"sends":1,"items":1,"answers":{{}},"acked":1,"unacked":{unacked},"refused_forgeries":0,"acked_forgeries":0,"interrupted":false}}"#
            )
        };
        std::fs::write(&said, format!("{}\nwords\n{}\n", line(0), line(4))).unwrap();
        assert_eq!(summary(&said).unwrap().unacked, 4);
    }
}
