//! Held rejections: deliveries whose signature no secret made, kept for a while.
//!
//! A wrong secret refuses everything that Meta sends, and Meta keeps no copy. So what was refused
//! for its signature alone is kept as it came, in files that nobody else can read, and can be
//! verified again when the secret is right. Most of it may be forged: it is believed no more than
//! anything else from outside, and may cost no more than its share (`shares`) of a bounded room.
//!
//! [`Hold`] is the door's end: it never waits. One thread writes (`keeper`), a file for each
//! delivery (`directory`). [`Shelf`] is the other end, for verbs beside the server or without one.

mod directory;
mod keeper;
mod name;
mod record;
mod shares;
mod shelf;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use jiff::SignedDuration;

use crate::{
    clock::Clock,
    telemetry::{Happening, RejectionNotHeld},
};
use keeper::{Keeper, Task};
pub use name::Name;
pub use record::Record;
pub use shelf::{Error, Found, Shelf};

/// How many deliveries may wait for the thread.
const QUEUE: usize = 1024;

/// How many bytes of them.
const QUEUE_BYTES: usize = 8 << 20;

/// Where deliveries are held, how much of them and for how long.
#[derive(Clone, Debug)]
pub struct Settings {
    dir: PathBuf,
    max_bytes: u64,
    hold_for: SignedDuration,
}

impl Settings {
    /// Holds deliveries below `data_dir`; with no `max_bytes` it holds none, and deletes what is
    /// there.
    pub fn new(data_dir: &Path, max_bytes: u64, hold_for: SignedDuration) -> Self {
        Self {
            dir: shelf::place(data_dir),
            max_bytes,
            hold_for,
        }
    }
}

/// A handle of the thread that holds. When the last one goes, the thread writes what waits and
/// ends.
#[derive(Clone, Debug)]
pub struct Hold(Arc<Thread>);

#[derive(Debug)]
struct Thread {
    tasks: Option<SyncSender<Task>>,
    waiting: Arc<AtomicUsize>,
    holds: bool,
    running: Option<JoinHandle<()>>,
}

impl Hold {
    /// Starts the thread. What is in its way is said in the log, and nothing is held then: no
    /// delivery that is accepted depends on it.
    pub fn start(settings: Settings, clock: Clock) -> Self {
        let (tasks, asked) = sync_channel(QUEUE);
        let waiting = Arc::default();
        let holds = settings.max_bytes > 0;
        let keeper = Keeper::new(settings, clock, Arc::clone(&waiting));
        let thread = Builder::new().name("held".to_owned());
        let running = thread.spawn(move || keeper.run(&asked)).ok();
        Self(Arc::new(Thread {
            tasks: Some(tasks),
            waiting,
            holds,
            running,
        }))
    }

    /// Hands over a delivery of about `bytes`, which `record` copies. Never waits: what finds no
    /// place is counted and not held.
    pub fn offer(&self, bytes: usize, record: impl FnOnce() -> Record) {
        if self.0.holds && !self.0.enter(bytes, record) {
            RejectionNotHeld { reason: "busy" }.emit();
        }
    }

    /// Has the thread delete what is too old, and notice what others deleted.
    pub fn tidy(&self) {
        if let Some(tasks) = &self.0.tasks {
            // Where its queue is full it is asked again soon.
            let _ = tasks.try_send(Task::Tidy);
        }
    }
}

impl Thread {
    /// Whether it found a place. `bytes` only keeps a flood from being copied in vain.
    fn enter(&self, bytes: usize, record: impl FnOnce() -> Record) -> bool {
        let Some(tasks) = &self.tasks else {
            return false;
        };
        if self.waiting.load(Ordering::Relaxed) + bytes > QUEUE_BYTES {
            return false;
        }
        let record = record();
        let size = record.size();
        let before = self.waiting.fetch_add(size, Ordering::Relaxed);
        if before + size <= QUEUE_BYTES && tasks.try_send(Task::Hold(record)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        false
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
