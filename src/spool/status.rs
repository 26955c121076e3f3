//! What can be said of the spool at any moment without asking the disk.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;

/// How the spool stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How many records wait to be read and removed.
    pub records: u64,
    /// Bytes of its files, until each is deleted, and of what is on the way to the disk.
    pub bytes: u64,
    /// What [`Self::bytes`] may become.
    pub max_bytes: u64,
    /// How much of the disk is held in reserve now.
    pub reserved: u64,
    /// How much of it should be, while the spool is empty.
    pub reserve: u64,
    /// When the first of the records that wait was received.
    pub oldest: Option<Timestamp>,
    /// In how many files the records are.
    pub files: u64,
    /// How many files were set aside, by this run or an earlier one, and are still there.
    pub files_set_aside: u64,
    /// How many records this run could not read and kept for a person.
    pub records_set_aside: u64,
    /// Why it takes no records; `None` while it does.
    pub obstacle: Option<Obstacle>,
}

/// Why the spool takes no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// It has as much as it may have.
    #[error("it is full: see that the database comes back, or give spool.max_bytes more")]
    Full,
    /// The disk does not take what is written. It is tried again, once a second at most.
    #[error("its disk takes nothing ({0}): make room there, or see what the system's log says")]
    Disk(String),
    /// Its thread ended by a defect.
    #[error("it has stopped by a defect, which the log shows: start the server again")]
    Gone,
}

impl Obstacle {
    /// The bounded word for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Disk(_) => "disk",
            Self::Gone => "gone",
        }
    }
}

/// What the handles and the thread share.
#[derive(Debug)]
pub(super) struct Shared {
    max_bytes: u64,
    used: AtomicU64,
    status: Mutex<Status>,
}

impl Shared {
    /// Of a spool that may have `max_bytes`.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            used: AtomicU64::new(0),
            status: Mutex::default(),
        }
    }

    /// Counts `bytes` that are to be written; `false` and nothing where there is no room for them.
    pub(super) fn enter(&self, bytes: u64) -> bool {
        let enters = |used: u64| Some(used + bytes).filter(|sum| *sum <= self.max_bytes);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.used.fetch_update(set, fetch, enters).is_ok()
    }

    /// Counts `bytes` that are there, whether there is room or not.
    pub(super) fn add(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts `bytes` no more.
    pub(super) fn leave(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// What all counts for.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// What the thread says of the files.
    pub(super) fn tell(&self, status: Status) {
        *self.lock() = status;
    }

    /// All of it, as it is now.
    pub(super) fn status(&self, least: u64) -> Status {
        let mut status = self.lock().clone();
        status.bytes = self.used();
        status.max_bytes = self.max_bytes;
        if status.obstacle.is_none() && status.bytes + least > self.max_bytes {
            status.obstacle = Some(Obstacle::Full);
        }
        status
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
