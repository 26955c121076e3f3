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

use crate::{
    clock::Clock,
    meta::networks,
    telemetry::{Happening, HoldFailed, RejectionNotHeld},
};
use keeper::{Keeper, Task};
pub use name::Name;
pub use record::Record;
pub use shelf::{Error, Found, Shelf};

/// How many deliveries may wait for the thread.
const QUEUE: usize = 2048;

/// How many bytes of them. Half of it is for Meta's own networks, as of the room: a flood that comes
/// faster than the thread writes must not keep out what is worth holding.
const QUEUE_BYTES: usize = 16 << 20;
const QUEUE_BYTES_OF_OTHERS: usize = QUEUE_BYTES / 2;

/// What a small one counts for, so that the bytes bound their number, too.
const LEAST: usize = QUEUE_BYTES / QUEUE;

/// Where deliveries are held, how much of them and for how long.
#[derive(Clone, Debug)]
pub struct Settings {
    dir: PathBuf,
    max_bytes: u64,
    hold_for: SignedDuration,
    apps: u64,
}

impl Settings {
    /// Holds deliveries of so many `apps` below `data_dir`; with no `max_bytes` it holds none, and
    /// deletes what is there.
    pub fn new(data_dir: &Path, max_bytes: u64, hold_for: SignedDuration, apps: usize) -> Self {
        Self {
            dir: shelf::place(data_dir),
            max_bytes,
            hold_for,
            apps: apps as u64,
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
        let running = thread.spawn(move || keeper.run(&asked));
        if let Err(error) = &running {
            let (cause, first) = (format!("no thread: {error}"), true);
            HoldFailed { cause, first }.emit();
        }
        Self(Arc::new(Thread {
            tasks: Some(tasks),
            waiting,
            holds,
            running: running.ok(),
        }))
    }

    /// Hands over a delivery of about `bytes` that came `from` an address, which `record` copies.
    /// Never waits: what finds no place is counted and not held.
    pub fn offer(&self, from: IpAddr, bytes: usize, record: impl FnOnce() -> Record) {
        if self.0.holds && !self.0.enter(from, bytes, record) {
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
        if before + weight <= most && tasks.try_send(Task::Hold(record)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(weight, Ordering::Relaxed);
        false
    }
}

/// How many bytes may wait for one more `from` there to join them.
fn room_for(from: IpAddr) -> usize {
    match networks::network(from) {
        Some(network) if networks::is_metas(&network) => QUEUE_BYTES,
        _ => QUEUE_BYTES_OF_OTHERS,
    }
}

/// What a delivery counts for while it waits.
fn weight(record: &Record) -> usize {
    record.size().max(LEAST)
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}
