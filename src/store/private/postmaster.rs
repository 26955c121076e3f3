//! Finds a running postmaster by its pid file and checks that it serves our data.
//!
//! Postgres takes any living process with the recorded id for a postmaster. In two cases this keeps
//! it from starting forever: a dead postmaster that nobody reaped, and, in a restarted container,
//! another process with the same id.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use super::error::{At, Error};
use crate::telemetry::LogEvent;
use crate::telemetry::postgres::{PidFileRemoved, SignalFailed};

const FILE: &str = "postmaster.pid";

/// Pid of the running postmaster of a data directory.
pub(super) fn find(data: &Path) -> Option<Pid> {
    written(data).filter(|pid| is_alive(*pid, data))
}

/// True if `pid` is a running postmaster of `data`.
pub(super) fn is_alive(pid: Pid, data: &Path) -> bool {
    exists(pid) && !is_zombie(pid) && works_in(pid, data)
}

/// Removes a pid file that Postgres would mistake for a running postmaster's. Keeps the usual
/// leftover of a crash: Postgres handles it.
pub(super) fn remove_misleading_pid_file(data: &Path) -> Result<(), Error> {
    let path = data.join(FILE);
    match written(data) {
        Some(pid) if exists(pid) && !is_alive(pid, data) => {
            PidFileRemoved { pid: pid.as_raw() }.emit();
            fs::remove_file(&path).at("remove", &path)
        }
        _ => Ok(()),
    }
}

/// Sends a signal; ignores a process that has just ended.
pub(super) fn send(pid: Pid, signal: Signal) {
    if let Err(error) = signal::kill(pid, signal) {
        let (pid, signal, cause) = (pid.as_raw(), signal.as_str(), &error);
        SignalFailed { pid, signal, cause }.emit();
    }
}

fn written(data: &Path) -> Option<Pid> {
    let text = fs::read_to_string(data.join(FILE)).ok()?;
    // A standalone backend writes its pid negative; zero would address our own process group.
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    (pid > 0).then(|| Pid::from_raw(pid))
}

/// True if the process exists and belongs to this user. Postgres, too, knows that a process of
/// another user is no postmaster of these data.
fn exists(pid: Pid) -> bool {
    signal::kill(pid, None).is_ok()
}

/// True if the process is a zombie. Only Linux tells, through `/proc`; elsewhere init reaps every
/// orphan.
fn is_zombie(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The process name before the state is in parentheses and may contain any character.
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
}

/// True if the process works in `data`, as a postmaster does, or if its working directory is not
/// visible; then the pid file is trusted.
fn works_in(pid: Pid, data: &Path) -> bool {
    is_same_dir(Path::new(&format!("/proc/{pid}/cwd")), data).unwrap_or(true)
}

/// True if both paths lead to the same directory, through any links and mounts; `None` if one of
/// them is not accessible.
pub(super) fn is_same_dir(one: &Path, other: &Path) -> Option<bool> {
    let (one, other) = (fs::metadata(one).ok()?, fs::metadata(other).ok()?);
    Some((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn data_with(pid_file: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), pid_file).unwrap();
        dir
    }

    #[test]
    fn a_pid_file_that_names_nobody_finds_nobody() {
        for text in ["", "0\n", "-7\n", "1x\n", "2147483647\n"] {
            assert_eq!(find(data_with(text).path()), None, "{text:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_process_with_the_written_id_is_no_postmaster() {
        let dir = data_with(&format!("{}\n", std::process::id()));
        assert_eq!(find(dir.path()), None);
        remove_misleading_pid_file(dir.path()).unwrap();
        assert!(!dir.path().join(FILE).exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_works_in_the_data_directory_is_the_postmaster() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().canonicalize().unwrap();
        // `cat` ends with its input, so even a killed test leaves no process.
        let mut command = std::process::Command::new("cat");
        let mut child = command
            .stdin(Stdio::piped())
            .current_dir(&data)
            .spawn()
            .unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        fs::write(data.join(FILE), format!("{pid}\n/data\n")).unwrap();

        assert_eq!(find(&data), Some(pid));
        remove_misleading_pid_file(&data).unwrap();
        assert!(
            data.join(FILE).exists(),
            "a living postmaster keeps its pid file"
        );

        send(pid, Signal::SIGKILL);
        while !is_zombie(pid) {
            std::thread::yield_now();
        }
        assert_eq!(find(&data), None, "dead, though nobody has reaped it");
        remove_misleading_pid_file(&data).unwrap();
        assert!(!data.join(FILE).exists());
        child.wait().unwrap();
    }
}
