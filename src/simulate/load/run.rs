//! Runs a load: connects, lets workers send what is due, and counts what came back.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    super::{
        client::Client,
        target::{Error, Target},
    },
    Load,
    progress::Watch,
    summary::Summary,
    worker::{self, Run},
};
use crate::clock::Clock;

/// Time for deliveries in flight after an early end of a run.
const GRACE: Duration = Duration::from_secs(2);

/// Interval between flushes of the ledger.
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
    target: &Target,
    load: Load,
    clock: &Clock,
    watch: &Watch,
) -> Result<Summary, Error> {
    let clients = tokio::select! {
        connected = connect(&target.address, load.connections) => connected?,
        () = watch.stopped() => return Ok(Summary { interrupted: true, ..Summary::default() }),
    };
    let (start, rate) = (Instant::now(), load.rate);
    let run = Arc::new(Run::new(target, load, clock, watch, start)?);
    let releasing = rate.map(|rate| {
        let run = Arc::clone(&run);
        tokio::task::spawn_blocking(move || run.schedule.release_by_clock(rate))
    });
    let mut workers = JoinSet::new();
    for client in clients {
        workers.spawn(worker::work(Arc::clone(&run), client));
    }
    let ended = until_over(&run, &mut workers, watch).await;
    let elapsed = start.elapsed();
    run.schedule.stop();
    workers.shutdown().await;
    if let Some(releasing) = releasing {
        join(releasing.await);
    }
    ended?;
    run.finish(elapsed)
}

/// Connects before the run begins, one after the other: many at once would meet the end of the
/// server's queue, and wait for a second. Where the first gets through, another may fail; it
/// and those after it connect when they have something to send.
async fn connect(address: &str, count: NonZeroUsize) -> Result<Vec<Client>, Error> {
    let mut clients: Vec<_> = (0..count.get()).map(|_| Client::new(address)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        match client.connect().await {
            Err(error) if number == 0 => return Err(error),
            Err(_) => break,
            Ok(()) => {}
        }
    }
    Ok(clients)
}

/// Waits for the workers; where somebody stops the run, not for long.
async fn until_over(run: &Run, workers: &mut JoinSet<()>, watch: &Watch) -> Result<(), Error> {
    let mut flush = interval(FLUSH);
    flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                Some(ended) => join(ended),
                None => return Ok(()),
            },
            _ = flush.tick() => run.flush()?,
            () = watch.stopped() => break,
        }
    }
    run.schedule.stop();
    let ends = async {
        while let Some(ended) = workers.join_next().await {
            join(ended);
        }
    };
    // What is still on its way counts as not acked.
    let _ = timeout(GRACE, ends).await;
    Ok(())
}

/// A panic of a task is one of the run.
fn join(ended: Result<(), tokio::task::JoinError>) {
    if let Some(panic) = ended.err().and_then(|it| it.try_into_panic().ok()) {
        std::panic::resume_unwind(panic);
    }
}
