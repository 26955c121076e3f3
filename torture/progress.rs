//! Progress of a run, in a file, so that the run can be resumed.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{effects::Seen, plan::Round, power::Lost, stream::Summary};

/// Name of the progress file.
const FILE: &str = "progress.json";

/// Counts of all rounds so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) seconds: u64,
    pub(crate) rounds: u64,
    pub(crate) steps: u64,
    /// Number of occurrences of each fault.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) deliveries: u64,
    pub(crate) repeats: u64,
    pub(crate) items: u64,
    pub(crate) sends: u64,
    pub(crate) acked: u64,
    pub(crate) forgeries_refused: u64,
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) spooled: u64,
    /// Deliveries with a receive time from a wrong clock.
    pub(crate) out_of_time: i64,
    pub(crate) pages_lost: u64,
    pub(crate) pages_kept: u64,
    pub(crate) names_lost: u64,
}

/// Progress that is saved after each round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) seed: u64,
    pub(crate) short: bool,
    /// Number of finished rounds of the plan.
    pub(crate) next: usize,
    /// Number of streams so far, used in the names of ledgers.
    pub(crate) streams: usize,
    /// Ledgers that apply to the saved databases; true for the private database.
    pub(crate) ledgers: Vec<(String, bool)>,
    /// Number of deliveries with a wrong receive time in each of the two databases.
    pub(crate) out_of_time: [i64; 2],
    /// Number of events in each of the two databases that are in no ledger: an interrupted round
    /// leaves events whose ack it did not wait for.
    #[serde(default)]
    pub(crate) unknown: [u64; 2],
    /// Errors so far. A resumed run keeps them.
    #[serde(default)]
    pub(crate) wrong: Vec<String>,
    pub(crate) totals: Totals,
}

impl Progress {
    /// Progress at the start of a run.
    pub(crate) fn begin(seed: u64, short: bool) -> Self {
        Self {
            seed,
            short,
            next: 0,
            streams: 0,
            ledgers: Vec::new(),
            out_of_time: [0; 2],
            unknown: [0; 2],
            wrong: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Reads the progress in `dir`.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(FILE);
        let text = std::fs::read_to_string(&path);
        let text = text.with_context(|| format!("no run to resume in {}", dir.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// Resets the state of the databases, which are new.
    pub(crate) fn forget_databases(&mut self) {
        self.ledgers.clear();
        self.out_of_time = [0; 2];
        self.unknown = [0; 2];
    }

    /// Saves the number of events in no ledger; returns the increase.
    pub(crate) fn note_unknown(&mut self, private: bool, now: u64) -> u64 {
        let known = &mut self.unknown[usize::from(private)];
        now.saturating_sub(std::mem::replace(known, now))
    }

    /// Saves the number of deliveries with a wrong receive time; returns the increase.
    pub(crate) fn note_out_of_time(&mut self, private: bool, now: i64) -> i64 {
        let known = &mut self.out_of_time[usize::from(private)];
        let more = now - std::mem::replace(known, now);
        self.totals.out_of_time += more;
        more
    }

    /// Saves the progress.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let (path, next) = (dir.join(FILE), dir.join("progress.next"));
        std::fs::write(&next, serde_json::to_vec_pretty(self)?)?;
        Ok(std::fs::rename(next, path)?)
    }
}

impl Totals {
    /// Adds a round: the summary of its stream, the effects on Hookshelf, and the losses in power
    /// cuts.
    pub(crate) fn add(&mut self, summary: &Summary, seen: Seen, lost: Lost) {
        self.spooled += seen.spooled;
        self.pages_lost += lost.pages;
        self.pages_kept += lost.kept;
        self.names_lost += lost.names;
        self.deliveries += summary.deliveries;
        self.repeats += summary.repeats;
        self.items += summary.items;
        self.sends += summary.sends;
        self.acked += summary.acked;
        self.forgeries_refused += summary.refused_forgeries;
        for (answer, count) in &summary.answers {
            *self.answers.entry(answer.clone()).or_default() += count;
        }
    }

    /// Adds the first `played` steps of a round.
    pub(crate) fn add_steps(&mut self, round: &Round, played: usize) {
        self.steps += played as u64;
        let steps = round.steps.iter().take(played);
        for part in steps.flat_map(|it| &it.parts) {
            *self.faults.entry(part.fault.name().to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_with_what_it_had() {
        let dir = tempfile::TempDir::new().unwrap();
        assert!(Progress::read(dir.path()).is_err());
        let mut progress = Progress::begin(7, false);
        progress.next = 3;
        let summary = Summary {
            deliveries: 5,
            answers: [("200".to_owned(), 5)].into(),
            ..Summary::default()
        };
        progress
            .totals
            .add(&summary, Seen::default(), Lost::default());
        assert_eq!(progress.note_out_of_time(true, 4), 4);
        assert_eq!(progress.note_out_of_time(true, 9), 5);
        assert_eq!(progress.note_unknown(false, 3), 3);
        assert_eq!(progress.note_unknown(false, 3), 0);
        progress.wrong.push("round 2: lost".to_owned());
        progress.write(dir.path()).unwrap();
        let read = Progress::read(dir.path()).unwrap();
        assert_eq!((read.seed, read.next, read.totals.deliveries), (7, 3, 5));
        assert_eq!((read.unknown, read.wrong.len()), ([3, 0], 1));
        assert_eq!(
            (read.totals.answers["200"], read.totals.out_of_time),
            (5, 9)
        );
    }
}
