//! Life of a server: serve, drain, stop.

use std::time::{Duration, Instant};

use tokio::{task::JoinHandle, time::timeout};

use super::{App, Error, Serving, Signals, signals::Request};
use crate::{
    http::Ends,
    telemetry::{DrainFinished, LogEvent, StopRequested, Stopped},
};

/// Maximum time for requests in flight: the deadline of a body and of an answer, with a margin.
const GRACE: Duration = Duration::from_secs(20);

/// Maximum time for the writer afterwards. No caller waits any more, and a batch has a much shorter
/// deadline, whatever Postgres does.
const COMMIT: Duration = Duration::from_secs(5);

/// Maximum time for running background work: the write of rejection counts has this deadline.
const UPKEEP: Duration = Duration::from_secs(10);

impl App {
    /// Serves until a signal or a defect, then stops in order: listeners, requests in flight, the
    /// writer, counters, Postgres.
    ///
    /// # Errors
    /// If a listener ended by itself, requests in flight did not end in time, Postgres did not
    /// stop, or a second signal arrived.
    pub async fn run(mut self, mut signals: Signals) -> Result<(), Error> {
        let _watched = self.manager.watched(self.progress.clone());
        self.manager.ready(&self.started).await;
        let ended = self.serve(&mut signals).await;
        let asked = Instant::now();
        let drained = tokio::select! {
            drained = self.drain() => Some(drained),
            () = signals.again(asked) => None,
        };
        let ends = self.log_ends(asked);
        let unacked = ends.unfinished;
        let Some(is_drained) = drained else {
            return Err(Error::Aborted(unacked));
        };
        let closed = tokio::select! {
            closed = Box::pin(self.close()) => closed,
            () = signals.again(asked) => return Err(Error::Aborted(unacked)),
        };
        if !is_drained {
            return Err(Error::Impatient(unacked));
        }
        ended?;
        closed?;
        let took = asked.elapsed();
        Stopped { took }.emit();
        Ok(())
    }

    /// Handles signals, until a signal requests a stop or a part of the server ends.
    async fn serve(&mut self, signals: &mut Signals) -> Result<(), Error> {
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Request::Reload => self.reload().await,
                    Request::Stop(by) => {
                        let in_flight = self.state.in_flight().count();
                        StopRequested { by, in_flight }.emit();
                        return Ok(());
                    }
                },
                ended = a_listener_ends(&mut self.listeners) => return ended,
                _ = &mut self.committer => return Err(Error::Defect),
            }
        }
    }

    /// Stops accepting connections, and waits for requests in flight. Returns true if all ended in
    /// time.
    async fn drain(&mut self) -> bool {
        self.streams.cancel();
        let in_flight = self.state.in_flight();
        in_flight.note_ends();
        self.state.gaps().stop(self.clock.now());
        for serving in &self.listeners {
            serving.stop.shut_down(GRACE + UPKEEP);
        }
        self.manager.stopping().await;
        let listeners = &mut self.listeners;
        let ended = async {
            for serving in listeners {
                // A listener that ended by itself was already reported, and cannot be awaited
                // again.
                if !serving.task.is_finished() {
                    let _ = (&mut serving.task).await;
                }
            }
            in_flight.none_left().await;
        };
        timeout(GRACE, ended).await.is_ok() || in_flight.count() == 0
    }

    /// Logs how many requests in flight were acked, refused or left unfinished.
    fn log_ends(&self, asked: Instant) -> Ends {
        let ends = self.state.in_flight().ends();
        DrainFinished {
            acked: ends.acked,
            refused: ends.refused,
            unfinished: ends.unfinished,
            took: asked.elapsed(),
        }
        .emit();
        ends
    }

    /// Stops the drain and the writer, writes counters, and stops Postgres last.
    async fn close(self) -> Result<(), Error> {
        for serving in &self.listeners {
            serving.stop.close();
        }
        let writing = Some(self.committer).filter(|committer| !committer.is_finished());
        self.draining.stop.cancel();
        if let Some(draining) = self.draining.task {
            let _ = timeout(COMMIT, draining).await;
        }
        // Drops the last handle of the writer, whose task commits the waiting deliveries and ends.
        drop(self.state);
        let committed = last_commit(writing).await;
        self.stop.cancel();
        // A hanging background loop is not waited for; its work is repeated at the next start.
        let _ = timeout(UPKEEP, self.loops.wait()).await;
        // The senders have ended, and left their last attempts.
        let attempts = self.consumers.attempts();
        tokio::join!(
            self.rejected.write(),
            self.reached.write(),
            self.gaps.stop(),
            attempts.write()
        );
        let closed = self.database.close().await;
        committed.and(closed)
    }
}

/// Waits for the last commit. `None` is a committer that ended too early.
async fn last_commit(committer: Option<JoinHandle<()>>) -> Result<(), Error> {
    let ended = timeout(COMMIT, committer.ok_or(Error::Defect)?).await;
    // All callers were answered long before, so a timeout means a defect.
    ended.map_or(Err(Error::Defect), |ended| ended.map_err(|_| Error::Defect))
}

/// Waits until a listener ends, which happens only on failure.
async fn a_listener_ends([public, admin]: &mut [Serving; 2]) -> Result<(), Error> {
    let ended = tokio::select! {
        ended = &mut public.task => ended,
        ended = &mut admin.task => ended,
    };
    match ended {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error::Defect),
    }
}
