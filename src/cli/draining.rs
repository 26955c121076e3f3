//! `spool drain`: makes the drain go on now, and waits until the spool is empty.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use indicatif::ProgressBar;
use tokio::time::sleep;

use super::{
    output::{Output, bar},
    server::Listener,
    spool_status::{STATUS, obstacle},
};
use crate::{
    amounts::{count, deliveries, span},
    spool::SpoolReport,
};

/// Interval between polls of the number of waiting deliveries.
const TICK: Duration = Duration::from_millis(250);

/// Interval between wake-ups of a stalled drain: without them the drain waits for up to five
/// seconds.
const AGAIN: Duration = Duration::from_secs(1);

/// Time without progress before the drain counts as failed: a try may take two seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the drain try again now, and waits until everything that waits is in Postgres.
///
/// The server drains its spool by itself, and tries again within seconds when Postgres is back:
/// this is for those who want to see it end. It fails when nothing was drained for 10 seconds, and
/// says why; nothing is lost by that.
///
/// Example: hookshelf spool drain
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Drain {
    /// Only make it try again, and do not wait.
    #[arg(long)]
    no_wait: bool,
}

impl Drain {
    pub(super) async fn run(self, operators: &Listener) -> anyhow::Result<()> {
        let report = begin(operators).await?;
        if self.no_wait {
            let wait = count(report.records, "delivery waits", "deliveries wait");
            return Output::say(&format!("the drain tries now; {wait}"));
        }
        let mut progress = DrainProgress::new(report, Instant::now());
        let records = progress.first.records;
        let bar = (records > 0).then(|| bar(records)).flatten();
        while progress.last.records > 0 {
            if let Some(why) = progress.stuck(Instant::now()) {
                bail!(why);
            }
            sleep(TICK).await;
            let report = if progress.is_still(Instant::now()) {
                begin(operators).await?
            } else {
                operators.get(STATUS).await?
            };
            progress.see(report, Instant::now());
            progress.show(bar.as_ref());
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        Output::say(&progress.done())
    }
}

async fn begin(operators: &Listener) -> anyhow::Result<SpoolReport> {
    operators.post(&format!("{STATUS}/drain")).await
}

/// Progress of the drain while it is watched.
struct DrainProgress {
    began: Instant,
    first: SpoolReport,
    last: SpoolReport,
    /// When the number of drained deliveries last grew.
    moved: Instant,
    /// When the drain was last told to try.
    woken: Instant,
}

impl DrainProgress {
    fn new(report: SpoolReport, now: Instant) -> Self {
        Self {
            began: now,
            first: report.clone(),
            last: report,
            moved: now,
            woken: now,
        }
    }

    fn see(&mut self, report: SpoolReport, now: Instant) {
        if report.drained != self.last.drained {
            self.moved = now;
        }
        self.last = report;
    }

    /// True if the drain needs a wake-up; records the wake-up.
    fn is_still(&mut self, now: Instant) -> bool {
        let last = self.woken.max(self.moved);
        let still = now.saturating_duration_since(last) >= AGAIN;
        if still {
            self.woken = now;
        }
        still
    }

    /// Why it is given up.
    fn stuck(&self, now: Instant) -> Option<String> {
        let still = now.saturating_duration_since(self.moved);
        (still >= PATIENCE).then(|| {
            let why = obstacle(&self.last);
            let why = why.unwrap_or_else(|| "see the server's log".to_owned());
            let left = count(self.last.records, "delivery is", "deliveries are");
            let seconds = PATIENCE.as_secs();
            format!(
                "drain is stalled: {left} left in the spool, and none was drained for {seconds} s: \
                 {why}. Nothing is lost, and the server keeps trying"
            )
        })
    }

    fn show(&self, bar: Option<&ProgressBar>) {
        if let Some(bar) = bar {
            let drained = self.drained();
            bar.set_length(drained + self.last.records);
            bar.set_position(drained);
            let (records, rate) = (self.last.records, self.last.drain_rate);
            bar.set_message(format!("{records} wait, {rate:.0} a second"));
        }
    }

    fn done(&self) -> String {
        match self.drained() {
            0 => "the spool is empty".to_owned(),
            drained => {
                let took = span(self.began.elapsed().as_secs());
                let drained = deliveries(drained);
                format!("the spool is empty: {drained} drained in {took}")
            }
        }
    }

    fn drained(&self) -> u64 {
        self.last.drained.saturating_sub(self.first.drained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(records: u64, drained: u64) -> SpoolReport {
        SpoolReport {
            on: true,
            records,
            drained,
            drain_obstacle: Some("postgres".to_owned()),
            ..SpoolReport::default()
        }
    }

    #[test]
    fn it_is_given_up_when_nothing_was_drained_for_long() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut progress = DrainProgress::new(report(9, 40), start);
        assert_eq!(progress.stuck(at(9)), None);
        progress.see(report(8, 41), at(9));
        assert_eq!(progress.stuck(at(18)), None);
        // More may come in meanwhile: what counts is what goes out.
        progress.see(report(7, 41), at(19));
        let why = progress.stuck(at(19)).unwrap();
        assert!(why.contains("stalled: 7 deliveries are left"), "{why}");
        assert!(why.contains("Postgres is unavailable or fails"), "{why}");
    }

    #[test]
    fn the_drain_is_told_to_try_again_while_nothing_comes_of_it() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut progress = DrainProgress::new(report(9, 40), start);
        let told = [500, 1000, 1500, 2000].map(|millis| progress.is_still(at(millis)));
        assert_eq!(told, [false, true, false, true]);
        progress.see(report(8, 41), at(2500));
        let told = [3000, 3400, 3500].map(|millis| progress.is_still(at(millis)));
        assert_eq!(told, [false, false, true]);
    }

    #[test]
    fn the_end_says_how_many_were_drained() {
        let now = Instant::now();
        let mut progress = DrainProgress::new(report(0, 40), now);
        assert_eq!(progress.done(), "the spool is empty");
        progress.see(report(0, 49), now);
        let done = progress.done();
        assert!(done.ends_with(": 9 deliveries drained in 0 s"), "{done}");
    }
}
