//! How the spool stands, as one sees it from second to second: whether deliveries wait in it,
//! whether it takes more, and whether it empties.

use std::{path::PathBuf, time::Duration};

use super::messages::messages;

messages! {
    /// The spool was opened at the start, with deliveries from before.
    SpoolOpened { records: u64 }
        "spool opened" [records] INFO;

    /// The spool is off or `spool.dir` has changed, and `dir` holds deliveries.
    SpoolLeftBehind { dir: PathBuf }
        "deliveries that got 200 lie in a spool that this server does not drain"
        [dir = display(dir.display())] ERROR;

    /// Postgres did not commit in time. Nothing is lost.
    SpoolBegan { records: u64 }
        "deliveries go into the spool" [records] WARN;

    /// All deliveries are in Postgres, `seconds` after the first one arrived.
    SpoolEmptied { drained: u64, after: Duration }
        "spool empty again" [drained, seconds = after.as_secs()] INFO;

    /// Damaged or unreadable parts, whose deliveries are not in Postgres. Logged at each start,
    /// too.
    SpoolSetAside { files: u64, records: u64 }
        "a part of the spool cannot be read and was set aside" [files, records] ERROR;

    /// The spool is `full`, its `disk` refuses writes, or its thread is `gone`. Deliveries that
    /// Postgres does not accept get 503.
    SpoolBlocked { code: String, means: String }
        "spool takes nothing" [code, means] ERROR;

    /// The spool accepts deliveries again.
    SpoolUnblocked
        "spool takes deliveries again" [] INFO;

    /// Draining is tried again; nothing is lost. Causes: `postgres` fails, `database` was not
    /// reached since the start, `disk` is below `database.min_free`, `spool` is the spool's own
    /// disk.
    SpoolStalled { cause: String, means: Option<String>, records: u64 }
        "spool cannot be drained" [cause, means, records] WARN;

    /// Draining works again; `records` still wait.
    SpoolDraining { records: u64 }
        "spool is drained again" [records] INFO;
}
