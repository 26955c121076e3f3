//! The spool: a log on the local disk for deliveries that the database cannot take now.
//!
//! It knows nothing of ingest. A [`Record`] that [`Spool::append`] took is on disk, fsynced, and
//! comes out of [`Spool::read`] in the order of arrival, in this run or in any later one, until
//! [`Spool::remove`] says that it is stored elsewhere. It may come out twice, after a crash between
//! storing and removing; its id makes that harmless.
//!
//! One thread owns the files (`keeper`). They are written at their end only and deleted as a whole
//! (`frame`, `scan`, `segment`, `files`, `reading`, `note`), in a directory that one process uses at
//! a time (`directory`). Reading takes a bounded part; nothing else is held in memory.

mod directory;
mod error;
mod files;
mod frame;
mod glance;
mod keeper;
mod note;
mod place;
mod reading;
mod record;
mod report;
mod reserve;
mod scan;
mod segment;
mod status;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use tokio::sync::{
    mpsc::{Sender, channel, error::TrySendError},
    oneshot,
};

pub use error::{Error, Refused};
pub use glance::{Glance, glance, left_behind};
pub use place::{InvalidPlace, Place};
pub use record::{LONGEST, Record, Unreadable};
pub use report::{Draining, Report};
pub use status::{Obstacle, Status};

use crate::clock::Clock;
use directory::Directory;
use files::{Files, cost};
use keeper::{Entering, Keeper, Task};
use status::Shared;

/// What one file may grow to, about: what is lost sight of when one is damaged.
pub const FILE_BYTES: u64 = 256 << 20;

/// The spool counts as full when it has less room than this.
const LEAST_ROOM: u64 = 64 << 10;

/// How many tasks may wait for the thread.
const QUEUE: usize = 4096;

/// Where the spool is and what it may have.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its directory; made if it is missing.
    pub dir: PathBuf,
    /// What all of it may take of the disk, apart from files that were set aside.
    pub max_bytes: u64,
    /// How much of the disk is held for it while it is empty.
    pub reserve: u64,
    /// What one file may grow to; [`FILE_BYTES`] but in tests. Never more than an eighth of
    /// `max_bytes`: room comes back a file at a time.
    pub file_bytes: u64,
}

/// A handle of the spool. When the last one goes, the thread ends what it was asked, closes the
/// files and leaves the directory to others.
#[derive(Clone, Debug)]
pub struct Spool {
    thread: Arc<Thread>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Thread {
    tasks: Option<Sender<Task>>,
    running: Option<JoinHandle<()>>,
}

impl Spool {
    /// Opens the directory, adopts what is in it, and starts the thread.
    ///
    /// # Errors
    /// The directory cannot be written and synced, others can write to it, or another process
    /// uses it. Files that are damaged are no error: they are set aside.
    pub fn open(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let directory = Directory::open(&settings.dir)?;
        let shared = Arc::new(Shared::new(settings.max_bytes));
        let file_bytes = settings.file_bytes.min(settings.max_bytes / 8);
        let files = Files::adopt(directory, (file_bytes, settings.reserve), &shared, clock)?;
        let keeper = Keeper::new(files, Arc::clone(&shared));
        let (tasks, waiting) = channel(QUEUE);
        let thread = Builder::new().name("spool".to_owned());
        let running = thread.spawn(move || keeper.run(waiting));
        let thread = Thread {
            tasks: Some(tasks),
            running: Some(running.map_err(Error::Thread)?),
        };
        Ok(Self {
            thread: Arc::new(thread),
            shared,
        })
    }

    /// Keeps `record`: it is on disk when this returns `Ok`. One that is refused, or whose future
    /// is dropped before its end, may be kept or not.
    pub async fn append(&self, record: &Record) -> Result<(), Refused> {
        let bytes = record.encode().ok_or(Refused::TooLong)?;
        if !self.shared.enter(cost(bytes.len())) {
            return Err(Refused::Full);
        }
        self.write(bytes).await
    }

    /// The same for a record that is in here already and is to be removed where it was: it finds
    /// its place behind all others in a spool that is full, too.
    pub async fn put_behind(&self, record: &Record) -> Result<(), Refused> {
        let bytes = record.encode().ok_or(Refused::TooLong)?;
        self.shared.add(cost(bytes.len()));
        self.write(bytes).await
    }

    /// Has the thread write what was counted.
    async fn write(&self, bytes: Vec<u8>) -> Result<(), Refused> {
        let needed = cost(bytes.len());
        let (answer, written) = oneshot::channel();
        let task = Task::Append(Entering { bytes, answer });
        let sent = self.tasks().ok_or(Refused::Failed).and_then(|tasks| {
            tasks.try_send(task).map_err(|refused| match refused {
                TrySendError::Full(_) => Refused::Busy,
                TrySendError::Closed(_) => Refused::Failed,
            })
        });
        if let Err(refused) = sent {
            self.shared.leave(needed);
            return Err(refused);
        }
        written.await.unwrap_or(Err(Refused::Failed))
    }

    /// At most `most` records behind `after`, first come first, and at most 8 MiB of them and one
    /// more. None behind `None` says that none waits.
    pub async fn read(
        &self,
        after: Option<Place>,
        most: usize,
    ) -> Result<Vec<(Place, Record)>, Error> {
        let (answer, found) = oneshot::channel();
        let task = Task::Read {
            after,
            most,
            answer,
        };
        self.ask(task).await?;
        found.await.map_err(|_| Error::Gone)?
    }

    /// Removes everything up to and with `through`.
    pub async fn remove(&self, through: Place) -> Result<(), Error> {
        let (answer, removed) = oneshot::channel();
        self.ask(Task::Remove { through, answer }).await?;
        removed.await.map_err(|_| Error::Gone)?
    }

    /// Has the thread try again what was in its way, so that it is noticed when that is over: a disk
    /// that took nothing, since a server that is not ready for it may be sent nothing that would try
    /// it; a reserve without room; a file that could not go. Never waits.
    pub fn try_again(&self) {
        let status = self.status();
        let in_trouble = matches!(status.obstacle, Some(Obstacle::Disk(_)));
        let lacks_room = status.bytes > 0 || status.reserved < status.reserve;
        // Where something waits, that tries it; and what hangs is not asked ever more.
        let is_idle = |tasks: &&Sender<Task>| tasks.capacity() == QUEUE;
        if (in_trouble || status.records == 0 && lacks_room)
            && let Some(tasks) = self.tasks().filter(is_idle)
        {
            let _ = tasks.try_send(Task::TryAgain);
        }
    }

    /// How it stands; asks nobody.
    pub fn status(&self) -> Status {
        let mut status = self.shared.status(LEAST_ROOM);
        if self.tasks().is_none_or(Sender::is_closed) {
            status.obstacle = Some(Obstacle::Gone);
        }
        status
    }

    async fn ask(&self, task: Task) -> Result<(), Error> {
        let tasks = self.tasks().ok_or(Error::Gone)?;
        tasks.send(task).await.map_err(|_| Error::Gone)
    }

    fn tasks(&self) -> Option<&Sender<Task>> {
        self.thread.tasks.as_ref()
    }
}

impl Drop for Thread {
    /// The directory is free again when the last handle is gone.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
