//! Events of the private Postgres.

use std::{error::Error, path::Path, time::Duration};

use super::{messages::messages, metrics::POSTGRES_RESTARTS};
use crate::causes;

/// Cause of a failure, logged with its own causes.
type Cause = dyn Error + 'static;

messages! {
    target: "postgres";

    /// The data directory has no database yet.
    DatabaseMade<'a> { data: &'a Path, user: &'a str }
        "creating the private database" [data = display(data.display()), user] INFO;

    /// Only with the build feature `download-postgres`.
    ProgramsDownloaded<'a> { into: &'a Path }
        "downloading the Postgres programs" [into = display(into.display())] INFO;

    /// A start that was interrupted left this directory. It can be deleted.
    LeftoverKept<'a> { path: &'a Path, cause: &'a Cause }
        "failed to delete a leftover directory" [path = display(path.display()), cause = causes::line(cause)] WARN;

    /// Only `hookshelf dev-db`: the Postgres is in use, or cannot be deleted.
    ThrowawayKept<'a> { dir: &'a Path, cause: &'a Cause }
        "throwaway Postgres left in place" [dir = display(dir.display()), cause = causes::line(cause)] DEBUG;

    /// The pid of `postmaster.pid` belongs to another process now.
    PidFileRemoved { pid: i32 }
        "removing the stale pid file of Postgres" [pid] WARN;

    /// Every 2 s until Postgres answers.
    PostgresStarting
        "Postgres is still starting; after a crash it replays its log first" [] INFO;

    /// `tail` is the end of the log of Postgres.
    StartFailed<'a> { tail: &'a str }
        "Postgres exited while it was starting; retrying" [tail] DEBUG;

    /// Deliveries go to the spool until Postgres is up again.
    PostgresEnded { restart_in: Duration }
        "Postgres exited unexpectedly; restarting it" [restart_in = debug(restart_in)] ERROR;

    /// See `postgres/pg.log` in the data directory, and `cause`.
    RestartFailed<'a> { cause: &'a Cause, restart_in: Duration }
        "failed to restart Postgres; retrying" [cause = causes::line(cause), restart_in = debug(restart_in)] ERROR;

    /// The restart succeeded.
    PostgresRestarted { attempt: u32 }
        "private Postgres restarted" [attempt] WARN
        => POSTGRES_RESTARTS.count([]);

    /// Also at a stop.
    ProcessEnded { status: std::process::ExitStatus }
        "Postgres exited" [status = display(status)] DEBUG;

    /// The system reported no end of the process.
    WaitFailed<'a> { cause: &'a Cause }
        "failed to wait for Postgres" [cause = causes::line(cause)] ERROR;

    /// The process ended before the signal.
    SignalFailed<'a> { pid: i32, signal: &'static str, cause: &'a Cause }
        "failed to send a signal to Postgres" [pid, signal, cause = causes::line(cause)] DEBUG;

    /// `log` may grow beyond its limit.
    LogUncut<'a> { log: &'a Path, cause: &'a Cause }
        "failed to truncate the log of Postgres" [log = display(log.display()), cause = causes::line(cause)] WARN;

    /// Postgres runs on after the server has stopped. The next start uses it.
    StopFailed<'a> { cause: &'a Cause }
        "failed to stop the private Postgres" [cause = causes::line(cause)] ERROR;
}
