//! How the spool stands, as one sees it from second to second: whether deliveries wait in it,
//! whether it takes more, and whether it empties.

use std::{path::PathBuf, time::Duration};

use super::messages::messages;

messages! {
    /// The spool was opened, with what an earlier run or another instance left in it.
    SpoolOpened { records: u64 }
        "spool opened" [records] INFO;

    /// Deliveries lie in the directory of a spool that this server does not drain: it is off, or
    /// another one was configured.
    SpoolLeftBehind { dir: PathBuf }
        "deliveries that got 200 lie in a spool that this server does not drain"
        [dir = display(dir.display())] ERROR;

    /// Deliveries wait in the spool that was empty: Postgres did not take them in time.
    SpoolBegan { records: u64 }
        "deliveries go into the spool" [records] WARN;

    /// All that waited in the spool is in Postgres, so long after the first of it.
    SpoolEmptied { drained: u64, after: Duration }
        "spool empty again" [drained, seconds = after.as_secs()] INFO;

    /// Something in the spool cannot be read; it is kept for a person.
    SpoolSetAside { files: u64, records: u64 }
        "a part of the spool cannot be read and was set aside" [files, records] ERROR;

    /// The spool takes no deliveries: the bounded word for why, and what it means for a person.
    SpoolBlocked { code: String, means: String }
        "spool takes nothing" [code, means] ERROR;

    /// The spool takes deliveries again.
    SpoolUnblocked
        "spool takes deliveries again" [] INFO;

    /// What waits in the spool cannot be drained now; it is tried again. `means` is what the disk
    /// of the spool said, if that is why.
    SpoolStalled { cause: String, means: Option<String>, records: u64 }
        "spool cannot be drained" [cause, means, records] WARN;

    /// The spool is drained again.
    SpoolDraining { records: u64 }
        "spool is drained again" [records] INFO;
}
