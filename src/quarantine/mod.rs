//! Quarantine: rejected deliveries whose signature matched no secret, kept for a recheck.
//!
//! A wrong secret rejects everything that Meta sends, and Meta keeps no copy. So a delivery that
//! was rejected only for its signature is kept unchanged, in files that other users cannot read,
//! and can be verified again when the secret is correct. Most of these deliveries may be forged.
//! They are trusted no more than any other input, and are limited to a share (`shares`) of a
//! bounded space.
//!
//! [`Quarantine`] is the listener's handle, which never waits. One thread (`thread`) writes a file for
//! each delivery (`directory`). [`QuarantineReader`] is the reader, for commands with or without a running
//! server.

mod directory;
mod name;
mod reader;
mod record;
mod shares;
#[cfg(test)]
mod tests;
mod thread;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use jiff::SignedDuration;

use self::thread::{QuarantineThread, Task};
use crate::{
    clock::Clock,
    meta::networks,
    telemetry::{LogEvent, QuarantineFailed, RejectionNotQuarantined},
};
pub use name::Name;
pub use reader::{Error, Found, QuarantineReader};
pub use record::Record;

/// Maximum number of deliveries that wait for the thread.
const QUEUE: usize = 2048;

/// Maximum number of bytes that wait for the thread. Half is reserved for Meta's own networks, as
/// on disk: a flood faster than the thread must not keep out the deliveries worth keeping.
const QUEUE_BYTES: usize = 16 << 20;
const QUEUE_BYTES_OF_OTHERS: usize = QUEUE_BYTES / 2;

/// Minimum size counted for a delivery, so that the byte limit bounds the number, too.
const LEAST: usize = QUEUE_BYTES / QUEUE;

/// Directory, size limit and maximum age of the quarantine.
#[derive(Clone, Debug)]
pub struct Settings {
    dir: PathBuf,
    max_bytes: u64,
    hold_for: SignedDuration,
    apps: u64,
}

impl Settings {
    /// Settings for `apps` apps below `data_dir`. If `max_bytes` is 0, nothing is quarantined and
    /// existing files are deleted.
    pub fn new(data_dir: &Path, max_bytes: u64, hold_for: SignedDuration, apps: usize) -> Self {
        Self {
            dir: reader::directory(data_dir),
            max_bytes,
            hold_for,
            apps: apps as u64,
        }
    }
}

/// Handle of the quarantine thread. When the last handle is dropped, the thread writes the waiting
/// deliveries and ends.
#[derive(Clone, Debug)]
pub struct Quarantine(Arc<ThreadHandle>);

#[derive(Debug)]
struct ThreadHandle {
    tasks: Option<SyncSender<Task>>,
    waiting: Arc<AtomicUsize>,
    holds: bool,
    running: Option<JoinHandle<()>>,
}

impl Quarantine {
    /// Starts the thread. A failure is logged and turns the quarantine off: no accepted delivery
    /// depends on it.
    pub fn start(settings: Settings, clock: Clock) -> Self {
        let (tasks, asked) = sync_channel(QUEUE);
        let waiting = Arc::default();
        let holds = settings.max_bytes > 0;
        let state = QuarantineThread::new(settings, clock, Arc::clone(&waiting));
        let thread = Builder::new().name("quarantine".to_owned());
        let running = thread.spawn(move || state.run(&asked));
        if let Err(error) = &running {
            let (cause, first) = (format!("failed to start a thread: {error}"), true);
            QuarantineFailed { cause, first }.emit();
        }
        Self(Arc::new(ThreadHandle {
            tasks: Some(tasks),
            waiting,
            holds,
            running: running.ok(),
        }))
    }

    /// Hands over a delivery of about `bytes`, sent `from` an address. `record` copies the
    /// delivery. Never waits: without room in the queue, the delivery is counted and not
    /// quarantined.
    pub fn offer(&self, from: IpAddr, bytes: usize, record: impl FnOnce() -> Record) {
        if self.0.holds && !self.0.enter(from, bytes, record) {
            RejectionNotQuarantined { reason: "busy" }.emit();
        }
    }

    /// Has the thread delete expired files, and notice files deleted by others.
    pub fn tidy(&self) {
        if let Some(tasks) = &self.0.tasks {
            // If the queue is full, the next tidy comes soon.
            let _ = tasks.try_send(Task::Tidy);
        }
    }
}

impl ThreadHandle {
    /// True if the delivery was queued. `bytes` is checked first, so that a flood is not copied in
    /// vain.
    fn enter(&self, from: IpAddr, bytes: usize, record: impl FnOnce() -> Record) -> bool {
        let most = room_for(from);
        let Some(tasks) = &self.tasks else {
            return false;
        };
        if self.waiting.load(Ordering::Relaxed) + bytes.max(LEAST) > most {
            return false;
        }
        let record = record();
        let weight = weight(&record);
        let before = self.waiting.fetch_add(weight, Ordering::Relaxed);
        if before + weight <= most && tasks.try_send(Task::Quarantine(record)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(weight, Ordering::Relaxed);
        false
    }
}

/// Maximum number of waiting bytes for a delivery sent `from` this address.
fn room_for(from: IpAddr) -> usize {
    match networks::network(from) {
        Some(network) if networks::is_metas(&network) => QUEUE_BYTES,
        _ => QUEUE_BYTES_OF_OTHERS,
    }
}

/// Size counted for a waiting delivery.
fn weight(record: &Record) -> usize {
    record.size().max(LEAST)
}

impl Drop for ThreadHandle {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
