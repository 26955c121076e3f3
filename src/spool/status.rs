//! Status of the spool, available at any moment without asking the disk.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;

/// Status of the spool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Records that wait to be read and removed.
    pub records: u64,
    /// Bytes of all files until they are deleted, and of records on their way to the disk.
    pub bytes: u64,
    /// Maximum of [`Self::bytes`].
    pub max_bytes: u64,
    /// Disk space reserved now.
    pub reserved: u64,
    /// Disk space to reserve while the spool is empty.
    pub reserve: u64,
    /// Receive time of the oldest waiting record.
    pub oldest: Option<Timestamp>,
    /// Files with records.
    pub files: u64,
    /// Files that were set aside, by this run or an earlier one, and still exist.
    pub files_set_aside: u64,
    /// Records that this run could not read and kept for the operator.
    pub records_set_aside: u64,
    /// Reason why the spool takes no records; `None` while it does.
    pub obstacle: Option<Obstacle>,
}

/// Reason why the spool takes no records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The spool has reached its maximum size.
    #[error("it is full: make Postgres available again, or raise spool.max_bytes")]
    Full,
    /// The disk refuses writes. The spool tries again, once a second at most.
    #[error("its disk refuses writes ({0}): free disk space, or see the system log")]
    Disk(String),
    /// The spool thread has panicked.
    #[error("its thread panicked: see the log, then start the server again")]
    Gone,
}

impl Obstacle {
    /// Label for metrics and logs, from a bounded set.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Disk(_) => "disk",
            Self::Gone => "gone",
        }
    }
}

/// State shared by the handles and the thread.
#[derive(Debug)]
pub(super) struct Shared {
    max_bytes: u64,
    used: AtomicU64,
    status: Mutex<Status>,
}

impl Shared {
    /// State of a spool with at most `max_bytes`.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            used: AtomicU64::new(0),
            status: Mutex::default(),
        }
    }

    /// Counts `bytes` to be written; returns false and counts nothing if they exceed the maximum.
    pub(super) fn enter(&self, bytes: u64) -> bool {
        let enters = |used: u64| Some(used + bytes).filter(|sum| *sum <= self.max_bytes);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.used.fetch_update(set, fetch, enters).is_ok()
    }

    /// Counts `bytes` regardless of the maximum.
    pub(super) fn add(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Subtracts `bytes`.
    pub(super) fn leave(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Bytes counted now.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Publishes the status, for the thread.
    pub(super) fn publish(&self, status: Status) {
        *self.lock() = status;
    }

    /// Current status. The spool counts as full if fewer than `least` bytes are left.
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
