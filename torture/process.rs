//! A child process: its signals and its end.

use std::{fs::OpenOptions, path::Path, process::Stdio, time::Duration};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// A child process, killed on drop.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command` and appends its output to the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = OpenOptions::new().append(true).create(true).open(log)?;
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        let child = command.kill_on_drop(true).spawn();
        let program = command.as_std().get_program();
        Ok(Self(child.with_context(|| {
            format!("{} does not start", program.display())
        })?))
    }

    /// True if the process has ended.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// True if the process exited with success; none if it still runs.
    pub(crate) fn ended_well(&mut self) -> anyhow::Result<Option<bool>> {
        Ok(self.0.try_wait()?.map(|status| status.success()))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid() {
            // The process may have ended in the meantime.
            let _ = kill(pid, signal);
        }
    }

    /// Sends a signal to the process and its children. The process comes first, so that it spawns
    /// no more children.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let Some(pid) = self.pid() else { return };
        let _ = kill(pid, signal);
        for child in children(pid) {
            let _ = kill(child, signal);
        }
    }

    /// Kills the process and its children, and waits for its end.
    pub(crate) async fn kill_all(&mut self) -> anyhow::Result<()> {
        let Some(pid) = self.pid() else { return Ok(()) };
        // A stopped process cannot spawn children in between.
        let _ = kill(pid, Signal::SIGSTOP);
        for child in children(pid) {
            let _ = kill(child, Signal::SIGKILL);
        }
        let _ = kill(pid, Signal::SIGKILL);
        self.0.wait().await?;
        Ok(())
    }

    /// Sends a signal and waits for the end of the process; true if it exited with success.
    pub(crate) async fn end(&mut self, signal: Signal, within: Duration) -> anyhow::Result<bool> {
        self.signal(Signal::SIGCONT);
        self.signal(signal);
        match timeout(within, self.0.wait()).await {
            Ok(status) => Ok(status?.success()),
            Err(_) => bail!("not ended {} s after {signal}", within.as_secs()),
        }
    }

    /// Waits for the end of the process.
    pub(crate) async fn wait(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        Ok(self.0.wait().await?)
    }

    fn pid(&self) -> Option<Pid> {
        let id = self.0.id()?;
        i32::try_from(id).ok().map(Pid::from_raw)
    }
}

/// Living children of `pid`.
fn children(pid: Pid) -> Vec<Pid> {
    let found = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let found = found.unwrap_or_default();
    let pids = found.split_whitespace().filter_map(|it| it.parse().ok());
    pids.map(Pid::from_raw).collect()
}

/// Pid of the Postgres server in a `postmaster.pid` file, for a server started by another process.
fn server(file: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(file).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?);
    // The file may be stale, and the pid reused.
    let at = std::fs::read_link(format!("/proc/{pid}/cwd")).ok();
    (at.as_deref() == file.parent()).then_some(pid)
}

/// Sends a signal to that server only.
pub(crate) fn signal_server(file: &Path, signal: Signal) {
    if let Some(pid) = server(file) {
        let _ = kill(pid, signal);
    }
}

/// Sends a signal to that server and its children.
pub(crate) fn signal_family(file: &Path, signal: Signal) {
    let Some(pid) = server(file) else { return };
    // If the server were killed first, its children would no longer be listed as its own.
    let first = if signal == Signal::SIGKILL {
        Signal::SIGSTOP
    } else {
        signal
    };
    let _ = kill(pid, first);
    for child in children(pid) {
        let _ = kill(child, signal);
    }
    let _ = kill(pid, signal);
}
