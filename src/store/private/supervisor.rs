//! Supervisor of the server process: start, watch, restart, stop.
//!
//! A stop sends SIGINT, then SIGQUIT, and never SIGKILL, which would leave the child processes of
//! the postmaster running.

use std::convert::Infallible;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::Health;
use super::error::Error;
use super::layout::socket_file;
use super::postmaster;
use super::server::{self, Answer, Server};
use crate::ownership::Lock;
use crate::telemetry::LogEvent;
use crate::telemetry::postgres::{
    LogUncut, PostgresEnded, PostgresStarting, ProcessEnded, RestartFailed, StartFailed, WaitFailed,
};

/// Interval of readiness checks during a start, which takes tens of milliseconds.
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Polling interval for an adopted server, which is not our child.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Interval of log messages about a slow start.
const MENTION_EVERY: Duration = Duration::from_secs(2);
/// Maximum time for which a running server may leave the socket unanswered. A server in crash
/// recovery does answer and has no time limit.
const SILENCE: Duration = Duration::from_mins(1);
/// Attempts of the very first start: processes of a killed server may need a moment to end.
const FIRST_ATTEMPTS: u32 = 6;
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Uptime after which the pause before a restart is reset.
const WELL: Duration = Duration::from_mins(1);
const CHECK_LOG_EVERY: Duration = Duration::from_mins(1);

/// Sequence of signals for a stop, each with its timeout.
pub(super) type Stop = &'static [(Signal, Duration)];

/// Fast shutdown: ends all sessions, then writes everything.
pub(super) const ORDERLY: Stop = &[
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(30)),
];

/// Immediate shutdown, for throwaway data.
pub(super) const CARELESS: Stop = &[(Signal::SIGQUIT, Duration::from_secs(30))];

/// State for supervising the server of one directory.
#[derive(Debug)]
pub(super) struct Supervisor {
    server: Server,
    process: Option<Process>,
    health: watch::Sender<Health>,
    /// Held until the server has ended, so that no other process starts a server.
    _lock: Lock,
}

/// The running server: our child, or the server of an earlier process.
#[derive(Debug)]
enum Process {
    Child(Child),
    Adopted(Pid),
}

impl Supervisor {
    pub(super) fn new(server: Server, health: watch::Sender<Health>, lock: Lock) -> Self {
        Self {
            server,
            process: None,
            health,
            _lock: lock,
        }
    }

    /// Starts the server, reports the result, and supervises the server until a stop is requested
    /// or the sender is dropped.
    pub(super) async fn run(
        mut self,
        ready: oneshot::Sender<Result<(), Error>>,
        mut stop: oneshot::Receiver<Stop>,
    ) -> Result<(), Error> {
        let started = tokio::select! {
            asked = &mut stop => return self.end(asked.unwrap_or(ORDERLY)).await,
            started = self.first_start() => started,
        };
        let failed = started.is_err();
        self.health
            .send_replace(if failed { Health::Down } else { Health::Up });
        if ready.send(started).is_err() || failed {
            return self.end_own_child().await;
        }
        let asked = tokio::select! {
            asked = &mut stop => asked.unwrap_or(ORDERLY),
            never = self.keep_up() => match never {},
        };
        self.end(asked).await
    }

    async fn first_start(&mut self) -> Result<(), Error> {
        let mut pause = SHORTEST_PAUSE;
        for _ in 1..FIRST_ATTEMPTS {
            match self.start().await {
                Err(Error::Exited { tail, .. }) => {
                    // The caller reports the error if the last attempt fails, too.
                    StartFailed { tail: &tail }.emit();
                }
                other => return other,
            }
            sleep(pause).await;
            pause *= 2;
        }
        self.start().await
    }

    async fn keep_up(&mut self) -> Infallible {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let up_since = Instant::now();
            self.until_gone().await;
            self.health.send_replace(Health::Down);
            if up_since.elapsed() > WELL {
                pause = SHORTEST_PAUSE;
            }
            PostgresEnded { restart_in: pause }.emit();
            pause = self.start_again(pause).await;
            self.health.send_replace(Health::Up);
        }
    }

    /// Restarts until a start succeeds; returns the pause before the next restart.
    async fn start_again(&mut self, mut pause: Duration) -> Duration {
        loop {
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
            match self.start().await {
                Ok(()) => return pause,
                Err(error) => {
                    let (cause, restart_in) = (&error, pause);
                    RestartFailed { cause, restart_in }.emit();
                }
            }
        }
    }

    /// Adopts the running server of these data or starts one, and waits until it is ready.
    async fn start(&mut self) -> Result<(), Error> {
        let data = &self.server.layout.data;
        postmaster::remove_misleading_pid_file(data)?;
        self.process = Some(match postmaster::find(data) {
            Some(pid) => Process::Adopted(pid),
            None => Process::Child(self.server.spawn()?),
        });
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<(), Error> {
        let mut mention = Instant::now() + MENTION_EVERY;
        let mut heard = Instant::now();
        loop {
            match self.server.ask().await {
                Answer::Ready => return Ok(()),
                Answer::Starting => heard = Instant::now(),
                Answer::Not(error) if heard.elapsed() > SILENCE => {
                    return Err(self.not_answering(error));
                }
                Answer::Not(_) => {}
            }
            if timeout(ASK_EVERY, self.until_process_ended()).await.is_ok() {
                return Err(self.exited());
            }
            if Instant::now() > mention {
                PostgresStarting.emit();
                mention = Instant::now() + MENTION_EVERY;
            }
        }
    }

    /// Waits until the server has ended; limits the size of its log meanwhile.
    async fn until_gone(&mut self) {
        while timeout(CHECK_LOG_EVERY, self.until_process_ended())
            .await
            .is_err()
        {
            let log = &self.server.layout.log;
            if let Err(error) = server::bound_log(log) {
                LogUncut { log, cause: &error }.emit();
            }
        }
    }

    async fn until_process_ended(&mut self) {
        match &mut self.process {
            Some(Process::Child(child)) => match child.wait().await {
                Ok(status) => ProcessEnded { status }.emit(),
                Err(error) => WaitFailed { cause: &error }.emit(),
            },
            Some(Process::Adopted(pid)) => {
                while postmaster::is_alive(*pid, &self.server.layout.data) {
                    sleep(LOOK_EVERY).await;
                }
            }
            None => {}
        }
    }

    /// Stops a server that did not become ready if it is our child; leaves an adopted server alone.
    async fn end_own_child(self) -> Result<(), Error> {
        match &self.process {
            Some(Process::Child(_)) => self.end(ORDERLY).await,
            Some(Process::Adopted(_)) | None => Ok(()),
        }
    }

    async fn end(mut self, how: Stop) -> Result<(), Error> {
        let mut ended = self.pid().is_none();
        for (signal, patience) in how {
            let Some(pid) = self.pid().filter(|_| !ended) else {
                break;
            };
            postmaster::send(pid, *signal);
            ended = timeout(*patience, self.until_process_ended()).await.is_ok();
        }
        self.health.send_replace(Health::Down);
        match self.pid() {
            Some(pid) if !ended => Err(Error::StillRunning { pid: pid.as_raw() }),
            _ => {
                self.server.layout.remove_outer_socket_dir();
                Ok(())
            }
        }
    }

    /// Pid to signal; `None` once the process has ended.
    fn pid(&self) -> Option<Pid> {
        match self.process.as_ref()? {
            Process::Child(child) => child.id()?.try_into().ok().map(Pid::from_raw),
            Process::Adopted(pid) => {
                postmaster::is_alive(*pid, &self.server.layout.data).then_some(*pid)
            }
        }
    }

    fn exited(&self) -> Error {
        let log = self.server.layout.log.clone();
        Error::Exited {
            tail: server::log_tail(&log),
            log,
        }
    }

    fn not_answering(&self, error: sqlx::Error) -> Error {
        Error::NotAnswering {
            pid: self.pid().map_or(0, Pid::as_raw),
            socket: socket_file(&self.server.layout.socket),
            log: self.server.layout.log.clone(),
            source: Box::new(error),
        }
    }
}
