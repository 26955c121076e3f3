//! Runs a load: connects, lets workers send what is due, and counts what came back.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    super::{
        client::Client,
        target::{Error, Target},
    },
    options::Load,
    pace::Pace,
    progress::Watch,
    schedule::Schedule,
    summary::Summary,
    worker::{self, Run},
};
use crate::clock::Clock;

/// How long what is on its way may take when a run is ended early.
const GRACE: Duration = Duration::from_secs(2);

/// How often the ledger is handed to the system.
const FLUSH: Duration = Duration::from_secs(1);

/// Sends a stream of deliveries and counts what came back.
///
/// It runs on the runtime that calls it; on one of a single thread it takes one core at most, and
/// what it measures is steadier.
///
/// # Errors
/// When nobody listens at the start, the target cannot stand in a request, or the ledger cannot be
/// written. Any other failure is part of the summary.
pub async fn run(
    target: Target,
    load: Load,
    clock: &Clock,
    watch: &Watch,
) -> Result<Summary, Error> {
    let target = Arc::new(target);
    let clients = tokio::select! {
        connected = connect(&target, load.connections) => connected?,
        () = watch.stopped() => return Ok(Summary::of_nothing()),
    };
    let start = Instant::now();
    let pace = load.rate.map(|rate| Pace::new(start, rate));
    let schedule = Arc::new(Schedule::new(load.length, pace, start));
    let run = Arc::new(Run::new(
        &target,
        load,
        clock,
        watch.clone(),
        Arc::clone(&schedule),
    )?);
    let pacing = pace.map(|_| release(&schedule));
    let mut workers = JoinSet::new();
    for client in clients {
        workers.spawn(worker::work(Arc::clone(&run), client));
    }
    until_over(&run, &mut workers, watch).await;
    workers.shutdown().await;
    if let Some(pacing) = pacing {
        join(pacing.await);
    }
    run.finish(start.elapsed())
}

/// Connects before the run begins, one after the other: many at once would meet the end of the
/// server's queue, and wait for a second. Where the first gets through, another may fail; it
/// and those after it connect when they have something to send.
async fn connect(target: &Arc<Target>, count: NonZeroUsize) -> Result<Vec<Client>, Error> {
    let mut clients = Vec::with_capacity(count.get());
    let mut goes_on = true;
    for number in 0..count.get() {
        let mut client = Client::new(Arc::clone(target));
        if goes_on {
            let connected = client.connect().await;
            goes_on = connected.is_ok();
            if number == 0 {
                connected?;
            }
        }
        clients.push(client);
    }
    Ok(clients)
}

/// Lets deliveries go as they fall due, on a thread that may sleep.
fn release(schedule: &Arc<Schedule>) -> JoinHandle<()> {
    let schedule = Arc::clone(schedule);
    tokio::task::spawn_blocking(move || schedule.release_by_clock())
}

/// Waits for the workers; where somebody stops the run, not for long.
async fn until_over(run: &Run, workers: &mut JoinSet<()>, watch: &Watch) {
    let mut flush = interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                Some(ended) => join(ended),
                None => return,
            },
            _ = flush.tick() => run.flush(),
            () = watch.stopped() => {
                run.schedule.stop();
                let ends = async { while let Some(ended) = workers.join_next().await { join(ended); } };
                // What is still on its way counts as not acked.
                let _ = timeout(GRACE, ends).await;
                return;
            }
        }
    }
}

/// A panic of a task is one of the run.
fn join(ended: Result<(), tokio::task::JoinError>) {
    if let Some(panic) = ended.err().and_then(|it| it.try_into_panic().ok()) {
        std::panic::resume_unwind(panic);
    }
}
