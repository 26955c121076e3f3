//! From the first signal to the end: reload, drain, stop.

use std::time::{Duration, Instant};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
    time::timeout,
};

use super::{App, Error, apps, manager};
use crate::{
    config::{self, credentials},
    telemetry::{Happening, ReloadFinished, StopRequested, Stopped},
};

/// How long what is in flight may take: a body's deadline and an answer, with room.
const GRACE: Duration = Duration::from_secs(20);

/// How long upkeep may take that is on its way: writing down rejections has this deadline.
const UPKEEP: Duration = Duration::from_secs(10);

/// Signals so close to each other are one wish.
const TOGETHER: Duration = Duration::from_millis(100);

/// The signals that the server obeys.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// To stop; with the signal's name.
    Stop(&'static str),
    /// To read the apps again.
    Reload,
}

impl Signals {
    /// Receives them from here on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn receive() -> Result<Self, Error> {
        let receive = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            terminate: receive(SignalKind::terminate())?,
            interrupt: receive(SignalKind::interrupt())?,
            hangup: receive(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("SIGINT"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    /// The signal that comes before there is anything to reload.
    ///
    /// Whoever stops waiting for a start by it loses nothing: what was made so far is found again,
    /// and a private Postgres on its way up is told to end.
    pub async fn before_start(&mut self) {
        loop {
            if let Asked::Stop(by) = self.next().await {
                StopRequested { by }.emit();
                manager::stopping();
                return;
            }
        }
    }

    /// The second signal. While stopping there is nothing to reload any more; and what comes
    /// together with the first is the same wish, sent to a process and to its group.
    async fn again(&mut self, first: Instant) {
        while self.next().await == Asked::Reload || first.elapsed() < TOGETHER {}
    }
}

impl App {
    /// Serves until a signal or a defect ends it, then stops in order.
    ///
    /// # Errors
    /// A listener ended by itself, what was in flight did not end in time, or a second signal
    /// came.
    pub async fn run(mut self, mut signals: Signals) -> Result<(), Error> {
        let _watched = manager::watched(self.pulse.clone());
        manager::ready(&self.started);
        let ended = loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::Reload => self.reload(),
                    Asked::Stop(by) => {
                        StopRequested { by }.emit();
                        break Ok(());
                    }
                },
                ended = a_listener_ends(&mut self.listeners) => break ended,
                _ = &mut self.committer => break Err(Error::Defect),
            }
        };
        manager::stopping();
        let asked = Instant::now();
        let stopped = tokio::select! {
            stopped = self.stop() => stopped,
            () = signals.again(asked) => Err(Error::Aborted),
        };
        ended.and(stopped)
    }

    /// Reads `[apps.*]` again and swaps them at once; where that fails the old ones stay.
    fn reload(&self) {
        manager::reloading();
        let reloaded = match config::load_apps(&self.sources) {
            Ok(configured) => self.swap(&configured),
            Err(faults) => Err(faults.to_string()),
        };
        let (apps, fault) = match reloaded {
            Ok(apps) => (apps, None),
            Err(fault) => (0, Some(fault)),
        };
        ReloadFinished { apps, fault }.emit();
        manager::ready(&self.started);
    }

    /// A file that was caught while it is being written has no apps: nobody means that, and every
    /// delivery would be refused.
    fn swap(&self, configured: &config::Apps) -> Result<usize, String> {
        if configured.is_empty() && self.started.credentials.is_none() {
            return Err("no app is configured any more; to have one made, restart".to_owned());
        }
        let generated = configured
            .is_empty()
            .then(|| credentials::load_or_create(&self.started.data_dir))
            .transpose()
            .map_err(|error| error.to_string())?;
        let apps = apps(configured, generated.as_ref());
        let count = apps.len();
        self.state.swap_apps(apps);
        Ok(count)
    }

    /// The door first, then what is in flight, the writer, what was counted, Postgres last.
    async fn stop(self) -> Result<(), Error> {
        for serving in &self.listeners {
            serving.stop.gently(GRACE);
        }
        let drained = timeout(GRACE, async {
            for serving in self.listeners {
                // One that ended by itself has been told of, and cannot be waited for again.
                if !serving.task.is_finished() {
                    let _ = serving.task.await;
                }
            }
        });
        let drained = drained.await.map_err(|_| Error::Impatient);
        let writing = Some(self.committer).filter(|committer| !committer.is_finished());
        // The last handle of the writer: its task commits what waits, and ends.
        drop(self.state);
        let committed = last_commit(writing).await;
        self.stop.cancel();
        // Upkeep that hangs is not waited for; it is taken up again at the next start.
        let _ = timeout(UPKEEP, self.loops.wait()).await;
        self.rejected.write().await;
        self.reached.write().await;
        self.database.close().await;
        drained.and(committed).inspect(|()| Stopped.emit())
    }
}

/// Waits until what was handed over is committed; `None` is a committer that ended too early.
async fn last_commit(committer: Option<JoinHandle<()>>) -> Result<(), Error> {
    let ended = timeout(GRACE, committer.ok_or(Error::Defect)?).await;
    ended
        .map_err(|_| Error::Impatient)?
        .map_err(|_| Error::Defect)
}

/// Waits until a listener ends, which none should.
async fn a_listener_ends([public, admin]: &mut [super::Serving; 2]) -> Result<(), Error> {
    let ended = tokio::select! {
        ended = &mut public.task => ended,
        ended = &mut admin.task => ended,
    };
    match ended {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Error::Defect),
    }
}
