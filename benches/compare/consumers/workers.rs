//! Workers of a consumer, which note the times of hand-out and settlement.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::worker::{Effect, Worker};
use crate::deliveries::Run;

/// Workers of a consumer.
const WORKERS: usize = 4;

/// Events of a lease in measurements of time.
pub(super) const FEW: usize = 10;

/// Events of a lease that settles a large store soon: all that may be in flight, divided by the
/// workers.
pub(super) const MANY: usize = 64;

/// Time within which all events of a run are settled, after the last delivery was due.
const PATIENCE: Duration = Duration::from_mins(10);

/// Workers of one consumer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workers<'a> {
    pub(super) admin: SocketAddr,
    pub(super) consumer: &'a str,
    pub(super) effect: Effect,
    /// Events of a lease.
    pub(super) max: usize,
}

/// Times in microseconds.
pub(super) struct Times {
    /// From the ack at the sender to the hand-out.
    pub(super) hand_out: Histogram<u64>,
    /// From the request of a settlement to its answer.
    pub(super) settle: Histogram<u64>,
}

impl Times {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            hand_out: Histogram::new_with_max(600_000_000, 3)?,
            settle: Histogram::new_with_max(600_000_000, 3)?,
        })
    }

    pub(super) fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.hand_out.add(&other.hand_out)?;
        Ok(self.settle.add(&other.settle)?)
    }
}

/// Value at a quantile, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench")]
pub(super) fn millis(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1000.0
}

impl Workers<'_> {
    /// Works until `expected` events of the run are settled.
    pub(super) async fn work(&self, run: &Arc<Run>, expected: usize) -> anyhow::Result<Times> {
        let left = Arc::new(AtomicUsize::new(expected));
        let done = CancellationToken::new();
        let mut working = JoinSet::new();
        for number in 0..WORKERS {
            let worker = Worker::connect(self.admin, self.consumer, &format!("w{number}")).await?;
            let (run, left, done) = (Arc::clone(run), Arc::clone(&left), done.clone());
            working.spawn(work(worker, (self.max, self.effect), run, left, done));
        }
        let all = async {
            let mut times = Times::new()?;
            while let Some(ended) = working.join_next().await {
                times.add(&ended??)?;
            }
            anyhow::Ok(times)
        };
        let longest = run.due(run.len()) + PATIENCE;
        let times = tokio::time::timeout(longest, all).await;
        times.context("the events were not handed out in time")?
    }
}

/// Leases and settles events of the run until none of them is left.
async fn work(
    mut worker: Worker,
    (max, effect): (usize, Effect),
    run: Arc<Run>,
    left: Arc<AtomicUsize>,
    done: CancellationToken,
) -> anyhow::Result<Times> {
    let mut times = Times::new()?;
    while let Some(leased) = done.run_until_cancelled(worker.lease(max, 25)).await {
        let now = run.began.elapsed();
        let leased = leased?;
        for event in &leased {
            let ack = run.ack(event.number()?).unwrap_or(now);
            let since = now.saturating_sub(ack).as_micros();
            times.hand_out.saturating_record(u64::try_from(since)?);
        }
        let asked = Instant::now();
        worker.settle(&leased, effect).await?;
        let took = asked.elapsed().as_micros();
        times.settle.saturating_record(u64::try_from(took)?);
        if left.fetch_sub(leased.len(), Ordering::Relaxed) <= leased.len() {
            done.cancel();
        }
    }
    Ok(times)
}
