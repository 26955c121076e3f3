//! The spool: a log on the local disk for deliveries that the database cannot take now.
//!
//! The spool is independent of ingest. A [`Record`] taken by [`Spool::append`] is fsynced. It comes
//! out of [`Spool::read`] in the order of arrival, in this run or in any later one, until
//! [`Spool::remove`] confirms that it is stored elsewhere. After a crash between storing and
//! removing, a record may come out twice; its id makes that harmless.
//!
//! One thread owns the files (`thread`). Files are written at their end only and deleted as a whole
//! (`frame`, `scan`, `segment`, `files`, `reading`, `note`), in a directory locked by one process
//! (`directory`). Reading takes a bounded part; nothing else is held in memory.

mod dir_stats;
mod directory;
mod disk_space;
mod error;
mod files;
mod frame;
mod note;
mod position;
mod reading;
mod record;
mod report;
mod reserve;
mod scan;
mod segment;
mod status;
#[cfg(test)]
mod tests;
mod thread;

use std::{
    path::PathBuf,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

use tokio::sync::{
    mpsc::{Sender, channel, error::TrySendError},
    oneshot,
};

pub use dir_stats::{DirStats, left_behind};
pub use disk_space::DiskSpace;
pub use error::{Error, Refused};
pub use position::{InvalidPosition, SpoolPosition};
pub use record::{LONGEST, Record, Unreadable};
pub use report::{Draining, SpoolReport};
pub use status::{Obstacle, Status};

use self::thread::{Entering, SpoolThread, Task};
use crate::clock::Clock;
use directory::Directory;
use files::{Files, cost};
use status::Shared;

/// Approximate maximum size of one file. One damaged file hides at most this much.
pub const FILE_BYTES: u64 = 256 << 20;

/// The spool counts as full if fewer bytes than this are left.
const LEAST_ROOM: u64 = 64 << 10;

/// Maximum number of tasks that wait for the thread.
const QUEUE: usize = 4096;

/// Directory and size limits of the spool.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of the spool; created if missing.
    pub dir: PathBuf,
    /// Maximum size of all files together, except files that were set aside.
    pub max_bytes: u64,
    /// Disk space to reserve while the spool is empty.
    pub reserve: u64,
    /// Maximum size of one file; [`FILE_BYTES`] outside of tests. Limited to an eighth of
    /// `max_bytes`, because space is freed a file at a time.
    pub file_bytes: u64,
}

/// Handle of the spool. When the last handle is dropped, the thread finishes its tasks, closes the
/// files and releases the directory.
#[derive(Clone, Debug)]
pub struct Spool {
    thread: Arc<ThreadHandle>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct ThreadHandle {
    tasks: Option<Sender<Task>>,
    running: Option<JoinHandle<()>>,
}

impl Spool {
    /// Opens the directory, adopts the files in it, and starts the thread.
    ///
    /// # Errors
    /// If the directory cannot be written and synced, if other users can write to it, or if another
    /// process uses it. Damaged files are not an error: they are set aside.
    pub fn open(settings: &Settings, clock: Clock) -> Result<Self, Error> {
        let directory = Directory::open(&settings.dir)?;
        let shared = Arc::new(Shared::new(settings.max_bytes));
        let file_bytes = settings.file_bytes.min(settings.max_bytes / 8);
        let files = Files::adopt(directory, (file_bytes, settings.reserve), &shared, clock)?;
        let state = SpoolThread::new(files, Arc::clone(&shared));
        let (tasks, waiting) = channel(QUEUE);
        let thread = Builder::new().name("spool".to_owned());
        let running = thread.spawn(move || state.run(waiting));
        let thread = ThreadHandle {
            tasks: Some(tasks),
            running: Some(running.map_err(Error::Thread)?),
        };
        Ok(Self {
            thread: Arc::new(thread),
            shared,
        })
    }

    /// Appends `record`, which is on disk when this returns `Ok`. A record that is refused, or
    /// whose future is dropped early, may be kept or not.
    pub async fn append(&self, record: &Record) -> Result<(), Refused> {
        let bytes = record.encode().ok_or(Refused::TooLong)?;
        if !self.shared.enter(cost(bytes.len())) {
            return Err(Refused::Full);
        }
        self.write(bytes).await
    }

    /// Appends a copy of a record that is already in the spool and will be removed from its old
    /// place. The copy is taken even if the spool is full.
    pub async fn put_behind(&self, record: &Record) -> Result<(), Refused> {
        let bytes = record.encode().ok_or(Refused::TooLong)?;
        self.shared.add(cost(bytes.len()));
        self.write(bytes).await
    }

    /// Has the thread write `bytes`, whose size is already counted.
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

    /// Reads at most `most` records after `after`, oldest first, and stops once 8 MiB are exceeded.
    /// An empty answer for `None` means that the spool is empty.
    pub async fn read(
        &self,
        after: Option<SpoolPosition>,
        most: usize,
    ) -> Result<Vec<(SpoolPosition, Record)>, Error> {
        let (answer, found) = oneshot::channel();
        let task = Task::Read {
            after,
            most,
            answer,
        };
        self.ask(task).await?;
        found.await.map_err(|_| Error::Gone)?
    }

    /// Removes all records up to and including `through`.
    pub async fn remove(&self, through: SpoolPosition) -> Result<(), Error> {
        let (answer, removed) = oneshot::channel();
        self.ask(Task::Remove { through, answer }).await?;
        removed.await.map_err(|_| Error::Gone)?
    }

    /// Asks the thread to retry whatever failed last: a disk that refused a write, a reserve
    /// without room, a file that could not be deleted. A load balancer sends nothing to a server
    /// that is not ready, so no new record would show that the disk works again. Never waits.
    pub fn try_again(&self) {
        let status = self.status();
        let in_trouble = matches!(status.obstacle, Some(Obstacle::Disk(_)));
        let lacks_room = status.bytes > 0 || status.reserved < status.reserve;
        // A waiting record tries the disk by itself, and a hanging thread gets no further tasks.
        let is_idle = |tasks: &&Sender<Task>| tasks.capacity() == QUEUE;
        if (in_trouble || status.records == 0 && lacks_room)
            && let Some(tasks) = self.tasks().filter(is_idle)
        {
            let _ = tasks.try_send(Task::TryAgain);
        }
    }

    /// Current status, without asking the thread.
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

impl Drop for ThreadHandle {
    /// Waits for the thread, so that the directory is unlocked when the last handle is gone.
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
