//! Changes in the state of the spool: filling, blocked, draining, empty.

use std::{path::PathBuf, time::Duration};

use super::messages::messages;

messages! {
    target: "spool";

    /// `records` wait from an earlier run.
    SpoolOpened { records: u64 }
        "spool opened" [records] INFO;

    /// The spool is off, or `spool.dir` has changed.
    SpoolLeftBehind { dir: PathBuf }
        "spool with acked deliveries is not drained by this server; run a server with this directory as spool.dir, and spool.max_bytes not 0"
        [dir = display(dir.display())] ERROR;

    /// The server drains the spool when Postgres works again.
    SpoolBegan { records: u64 }
        "Postgres did not commit in time; deliveries get 200 and go to the spool" [records] WARN;

    /// `seconds` have passed since the first delivery went to the spool.
    SpoolEmptied { drained: u64, after: Duration }
        "spool is empty; all deliveries are in Postgres" [drained, seconds = after.as_secs()] INFO;

    /// Their deliveries are not in Postgres. Logged at each start, too.
    SpoolSetAside { files: u64, records: u64 }
        "failed to read a part of the spool; its files were set aside" [files, records] ERROR;

    /// Codes: `full`, `disk` refuses writes, thread is `gone`.
    SpoolBlocked { code: String, means: String }
        "spool does not accept deliveries" [code, detail = means] ERROR;

    /// The spool was blocked before.
    SpoolUnblocked
        "spool accepts deliveries again" [] INFO;

    /// Causes: `postgres` fails, `database` was not
    /// reached since the start, `disk` is below `database.min_free`, `spool` is the spool's own
    /// disk.
    SpoolStalled { cause: String, means: Option<String>, records: u64 }
        "failed to drain the spool; retrying" [cause, detail = means, records] WARN;

    /// `records` still wait.
    SpoolDraining { records: u64 }
        "spool drain resumed" [records] INFO;
}
