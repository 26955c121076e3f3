//! From the start to the end: serve, drain, stop.

use std::time::{Duration, Instant};

use tokio::{task::JoinHandle, time::timeout};

use super::{App, Error, Serving, Signals, signals::Asked};
use crate::{
    http::Ends,
    telemetry::{DrainFinished, Happening, StopRequested, Stopped},
};

/// How long what is in flight may take: a body's deadline and an answer, with room.
const GRACE: Duration = Duration::from_secs(20);

/// How long the writer may take after that: nobody waits for it any more, and a turn of it has a
/// deadline far below this, whatever Postgres does.
const COMMIT: Duration = Duration::from_secs(5);

/// How long upkeep may take that is on its way: writing down rejections has this deadline.
const UPKEEP: Duration = Duration::from_secs(10);

impl App {
    /// Serves until a signal or a defect ends it, then stops in order: the door first, then what is
    /// in flight, the writer, what was counted, Postgres last.
    ///
    /// # Errors
    /// A listener ended by itself, what was in flight did not end in time, Postgres did not stop,
    /// or a second signal came.
    pub async fn run(mut self, mut signals: Signals) -> Result<(), Error> {
        let _watched = self.manager.watched(self.progress.clone());
        self.manager.ready(&self.started).await;
        let ended = self.serve(&mut signals).await;
        let asked = Instant::now();
        let drained = tokio::select! {
            drained = self.drain() => Some(drained),
            () = signals.again(asked) => None,
        };
        let ends = self.tell_ends(asked);
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

    /// Does what signals ask for, until one asks for the end or a part of the server ends.
    async fn serve(&mut self, signals: &mut Signals) -> Result<(), Error> {
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Reload => self.reload().await,
                    Asked::Stop(by) => {
                        let in_flight = self.state.underway().count();
                        StopRequested { by, in_flight }.emit();
                        return Ok(());
                    }
                },
                ended = a_listener_ends(&mut self.listeners) => return ended,
                _ = &mut self.committer => return Err(Error::Defect),
            }
        }
    }

    /// Lets nobody in any more, and waits until what is in flight has ended. Says whether all of
    /// it had its end in time.
    async fn drain(&mut self) -> bool {
        let underway = self.state.underway();
        underway.note_ends();
        for serving in &self.listeners {
            serving.stop.gently(GRACE + UPKEEP);
        }
        self.manager.stopping().await;
        let listeners = &mut self.listeners;
        let ended = async {
            for serving in listeners {
                // One that ended by itself has been told of, and cannot be waited for again.
                if !serving.task.is_finished() {
                    let _ = (&mut serving.task).await;
                }
            }
            underway.none_left().await;
        };
        timeout(GRACE, ended).await.is_ok() || underway.count() == 0
    }

    /// Says how what was in flight has ended, or that it has not.
    fn tell_ends(&self, asked: Instant) -> Ends {
        let ends = self.state.underway().ends();
        DrainFinished {
            acked: ends.acked,
            refused: ends.refused,
            unfinished: ends.unfinished,
            took: asked.elapsed(),
        }
        .emit();
        ends
    }

    /// The writer, what was counted, and Postgres last.
    async fn close(self) -> Result<(), Error> {
        for serving in &self.listeners {
            serving.stop.firmly();
        }
        let writing = Some(self.committer).filter(|committer| !committer.is_finished());
        self.draining.stop.cancel();
        if let Some(draining) = self.draining.task {
            let _ = timeout(COMMIT, draining).await;
        }
        // The last handle of the writer: its task commits what waits, and ends.
        drop(self.state);
        let committed = last_commit(writing).await;
        self.stop.cancel();
        // Upkeep that hangs is not waited for; it is taken up again at the next start.
        let _ = timeout(UPKEEP, self.loops.wait()).await;
        tokio::join!(self.rejected.write(), self.reached.write());
        let closed = self.database.close().await;
        committed.and(closed)
    }
}

/// Waits until what was handed over is committed; `None` is a committer that ended too early.
async fn last_commit(committer: Option<JoinHandle<()>>) -> Result<(), Error> {
    let ended = timeout(COMMIT, committer.ok_or(Error::Defect)?).await;
    // Who waited for it was answered long before; it hangs by a defect.
    ended.map_or(Err(Error::Defect), |ended| ended.map_err(|_| Error::Defect))
}

/// Waits until a listener ends, which none should.
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
