//! Effects of the faults on Hookshelf, read from its own metrics: a fault without effect proves
//! nothing.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

/// Interval between two reads of the metrics.
const EVERY: Duration = Duration::from_millis(400);

/// Time after a failure in which the next failure may have the same cause: the spool leaves a
/// failing disk alone for a second.
const AFTERMATH: Duration = Duration::from_secs(2);

/// Effects seen so far. Counters restart with the server, so increments just before a kill may be
/// missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Deliveries that were spooled.
    pub(crate) spooled: u64,
    /// Deliveries answered with 503.
    pub(crate) failed: u64,
}

/// Background reader of the metrics, stopped on drop.
#[derive(Debug)]
pub(crate) struct EffectWatcher {
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Seen,
    /// Time of the last failure.
    failed: Option<Instant>,
}

impl EffectWatcher {
    /// Starts reading the metrics at a URL of the admin listener.
    pub(crate) fn begin(metrics: String, client: reqwest::Client) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let task = tokio::spawn(watch(metrics, client, Arc::clone(&shared)));
        Self { shared, task }
    }

    /// Effects seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.shared().seen
    }

    /// True if deliveries failed recently, so that more failures may follow.
    pub(crate) fn still_fails(&self) -> bool {
        let failed = self.shared().failed;
        failed.is_some_and(|at| at.elapsed() < AFTERMATH)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EffectWatcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(url: String, client: reqwest::Client, shared: Arc<Mutex<Shared>>) {
    let mut before = Seen::default();
    loop {
        if let Ok(now) = read(&url, &client).await {
            let failed = grown(before.failed, now.failed);
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.seen.spooled += grown(before.spooled, now.spooled);
            shared.seen.failed += failed;
            if failed > 0 {
                shared.failed = Some(Instant::now());
            }
            before = now;
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn read(url: &str, client: &reqwest::Client) -> reqwest::Result<Seen> {
    let text = client.get(url).send().await?.text().await?;
    let of = |outcome: &str| sum(&text, "hookshelf_deliveries_total", outcome);
    Ok(Seen {
        spooled: of("outcome=\"spooled\""),
        failed: of("outcome=\"failed\""),
    })
}

/// Increment of a counter. A smaller value means that the counter restarted.
fn grown(before: u64, now: u64) -> u64 {
    if now < before { now } else { now - before }
}

/// Sum of all series of a metric with `label` in their labels.
fn sum(exposition: &str, name: &str, label: &str) -> u64 {
    let series = exposition
        .lines()
        .filter_map(|line| line.strip_prefix(name));
    let values = series.filter(|rest| rest.starts_with(['{', ' ']) && rest.contains(label));
    values
        .filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_metric_are_summed_by_a_label() {
        let text =
            "# HELP a_total A.\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"2\"} 4\na_total_b 9\nb 5\n";
        assert_eq!(sum(text, "a_total", ""), 7);
        assert_eq!(sum(text, "a_total", "x=\"1\""), 3);
        assert_eq!(sum(text, "b", ""), 5);
    }

    #[test]
    fn a_counter_that_begins_anew_is_not_negative() {
        assert_eq!((grown(3, 5), grown(5, 2)), (2, 2));
    }
}
