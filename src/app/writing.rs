//! The thread on which the committer runs, apart from those that serve connections.
//!
//! Among their tasks it would hear of the end of a commit only when many of them have had their
//! turn, and Postgres would rest meanwhile. The thread also keeps its pace when bodies that are
//! hard to read keep the others busy.

use std::{io, thread};

use tokio::{
    runtime::Builder,
    sync::oneshot::{self, error::RecvError},
    task::JoinHandle,
};

use super::Error;
use crate::ingest::Committer;

/// A committer at work; an error where a defect ended it.
pub(super) type Writing = JoinHandle<Result<(), RecvError>>;

/// Starts `committer` on a thread of its own. The process does not wait for that thread when it
/// exits.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(committer: Committer) -> Result<Writing, Error> {
    spawn(committer).map_err(Error::Thread)
}

fn spawn(committer: Committer) -> io::Result<Writing> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (ended, end) = oneshot::channel();
    let work = move || {
        runtime.block_on(committer.run());
        let _ = ended.send(());
    };
    thread::Builder::new()
        .name("hookshelf-writer".to_owned())
        .spawn(work)?;
    Ok(tokio::spawn(end))
}
