//! Hookshelf as a user runs it, and its HTTP endpoints.

use std::{
    net::TcpListener,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context;
use hookshelf::clock::Clock;
use nix::sys::signal::Signal;
use tokio::process::Command;

use crate::{clock::FalseClock, effects::EffectWatcher, process::Process, random::Random};

/// App secret that signs the deliveries.
pub(crate) const SECRET: &str = "the secret of a torture";

/// Maximum time for an orderly stop: 20 s for deliveries, a minute for the private Postgres, and a
/// margin.
const STOPPING: Duration = Duration::from_secs(90);

/// Result of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// No stop was requested.
    NotAsked,
    /// The server is stopping.
    NotYet,
    /// The server exited with success.
    Well,
    /// The server exited with an error.
    Badly,
    /// The stop timed out.
    Never,
}

/// A Hookshelf server: its program, environment and process.
#[derive(Debug)]
pub(crate) struct Hookshelf {
    program: PathBuf,
    variables: Vec<(String, String)>,
    clock: bool,
    log: PathBuf,
    public: u16,
    admin: u16,
    client: reqwest::Client,
    running: Option<Process>,
    /// Time of the stop request.
    stopping: Option<Instant>,
    /// Ends of the log for each unexpected exit.
    ended_by_itself: Vec<String>,
}

impl Hookshelf {
    /// A server that is not started yet. Its ports stay the same across restarts.
    pub(crate) fn new(program: PathBuf, log: PathBuf) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .no_proxy();
        Ok(Self {
            program,
            variables: Vec::new(),
            clock: false,
            log,
            public: free_port()?,
            admin: free_port()?,
            client: client.build()?,
            running: None,
            stopping: None,
            ended_by_itself: Vec::new(),
        })
    }

    /// Sets the environment for the next start, and turns the settable clock on or off.
    pub(crate) fn settle(&mut self, variables: Vec<(String, String)>, clock: bool) {
        (self.variables, self.clock) = (variables, clock);
    }

    /// A command of the program with the same environment.
    pub(crate) fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).arg(verb);
        command
            .env("HOOKSHELF__APPS__DEFAULT__APP_SECRET", SECRET)
            .env(
                "HOOKSHELF__HTTP__LISTEN",
                format!("127.0.0.1:{}", self.public),
            )
            .env(
                "HOOKSHELF__ADMIN__LISTEN",
                format!("127.0.0.1:{}", self.admin),
            )
            .envs(self.variables.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Starts the server unless it runs, without waiting.
    pub(crate) fn start(&mut self, clock: &FalseClock) -> anyhow::Result<()> {
        if let Some(running) = &mut self.running {
            if !running.has_ended()? {
                return Ok(());
            }
            self.note_its_end();
        }
        let mut command = self.command("serve");
        if self.clock {
            clock.give(&mut command);
        }
        self.running = Some(Process::start(&mut command, &self.log)?);
        Ok(())
    }

    /// Takes the reports of unexpected exits since the last call.
    pub(crate) fn ended_by_itself(&mut self) -> Vec<String> {
        std::mem::take(&mut self.ended_by_itself)
    }

    fn note_its_end(&mut self) {
        let said = self.last_words();
        self.ended_by_itself.push(said);
    }

    /// Kills the server with SIGKILL.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let stopping = self.stopping.take();
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.signal(Signal::SIGKILL);
        let status = running.wait().await?;
        if stopping.is_none() && status.signal() != Some(Signal::SIGKILL as i32) {
            self.note_its_end();
        }
        Ok(())
    }

    /// Requests a stop, without waiting.
    pub(crate) fn ask_to_stop(&mut self) {
        if let Some(running) = &self.running {
            running.signal(Signal::SIGCONT);
            running.signal(Signal::SIGTERM);
            self.stopping = Some(Instant::now());
        }
    }

    /// State of the requested stop.
    pub(crate) fn stopped(&mut self) -> anyhow::Result<Stopped> {
        let (Some(since), Some(running)) = (self.stopping, &mut self.running) else {
            return Ok(Stopped::NotAsked);
        };
        let Some(well) = running.ended_well()? else {
            return Ok(if since.elapsed() > STOPPING {
                Stopped::Never
            } else {
                Stopped::NotYet
            });
        };
        (self.stopping, self.running) = (None, None);
        Ok(if well { Stopped::Well } else { Stopped::Badly })
    }

    /// Freezes the server with SIGSTOP, or continues it.
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen {
            Signal::SIGSTOP
        } else {
            Signal::SIGCONT
        };
        if let Some(running) = &self.running {
            running.signal(signal);
        }
    }

    /// True if the server is ready and not degraded.
    pub(crate) async fn is_well(&self) -> bool {
        let Ok(said) = self.get("/readyz").await else {
            return false;
        };
        let said: serde_json::Value = serde_json::from_str(&said).unwrap_or_default();
        said["degraded"].as_array().is_some_and(Vec::is_empty)
    }

    /// URL of the admin listener.
    pub(crate) fn admin(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin)
    }

    /// Response body of the admin listener.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<String> {
        let url = self.admin() + path;
        let answer = self.client.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// Starts reading the metrics.
    pub(crate) fn watch(&self) -> EffectWatcher {
        let url = self.admin() + "/metrics";
        EffectWatcher::begin(url, self.client.clone())
    }

    /// The callback URL.
    pub(crate) fn callback(&self) -> String {
        format!("http://127.0.0.1:{}/webhook", self.public)
    }

    /// The last lines of the log, for reports.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// A free port below the ephemeral range, so that no other process gets it by chance while
/// Hookshelf is down.
fn free_port() -> anyhow::Result<u16> {
    let time = Clock::system().now().as_nanosecond();
    let mut random = Random::new(u64::try_from(time)?, 4);
    let mut some = std::iter::repeat_with(|| random.between(20_000, 31_999)).take(100);
    let free = some.find_map(|port| {
        let port = u16::try_from(port).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok()?;
        Some(port)
    });
    free.context("no free port")
}
