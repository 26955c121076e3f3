//! The quarantine thread: writes deliveries to files within the shares, and deletes expired files.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Name, Record, Settings,
    directory::Directory,
    name::cost,
    shares::{QuotaError, Shares},
    weight,
};
use crate::{
    clock::Clock,
    telemetry::{
        LogEvent, QuarantineFailed, QuarantineSize, RejectionNotQuarantined, RejectionQuarantined,
    },
};

/// Time without a quarantined delivery after which the next one starts a new series in the log.
const QUIET: Duration = Duration::from_mins(10);

/// A task for the quarantine thread.
#[derive(Debug)]
pub(super) enum Task {
    /// Quarantine a delivery.
    Quarantine(Record),
    /// Delete expired files and update the counts.
    Tidy,
}

/// State of the quarantine thread.
#[derive(Debug)]
pub(super) struct QuarantineThread {
    directory: Directory,
    limit: u64,
    apps: u64,
    hold_for: SignedDuration,
    clock: Clock,
    shares: Shares,
    /// Bytes waiting in memory. The thread subtracts each record that it takes.
    waiting: Arc<AtomicUsize>,
    /// Time of the last quarantined delivery, by app; true for Meta's networks.
    runs: HashMap<(Arc<str>, bool), Instant>,
    failing: bool,
}

impl QuarantineThread {
    /// Thread state of the directory in `settings`.
    pub(super) fn new(settings: Settings, clock: Clock, waiting: Arc<AtomicUsize>) -> Self {
        Self {
            directory: Directory::at(settings.dir),
            limit: settings.max_bytes,
            apps: settings.apps,
            hold_for: settings.hold_for,
            clock,
            shares: Shares::of(settings.max_bytes, settings.apps),
            waiting,
            runs: HashMap::new(),
            failing: false,
        }
    }

    /// Runs tasks until all senders are gone.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        self.tidy();
        for task in tasks {
            match task {
                Task::Quarantine(record) => {
                    self.waiting.fetch_sub(weight(&record), Ordering::Relaxed);
                    self.quarantine(&record);
                }
                Task::Tidy => self.tidy(),
            }
        }
    }

    fn quarantine(&mut self, record: &Record) {
        match self.try_quarantine(record) {
            Ok(from_meta) => self.log_quarantined(record, from_meta),
            Err(reason) => RejectionNotQuarantined { reason }.emit(),
        }
        self.show();
    }

    /// Quarantines `record`. Returns true if it came from Meta's networks.
    fn try_quarantine(&mut self, record: &Record) -> Result<bool, &'static str> {
        let name = Name::of(record).ok_or("too_large")?;
        let admitted = self.shares.admit(&name, cost(record.length() as u64));
        admitted.map_err(reason)?;
        let written = match record.encode() {
            Some(bytes) => self.directory.write(&name, &bytes),
            None => Err(io::ErrorKind::FileTooLarge.into()),
        };
        if !self.note(&written) {
            self.shares.forget(&name);
            return Err("disk");
        }
        Ok(name.is_from_meta())
    }

    /// Rescans the directory, since operators delete files too. Deletes expired files and files
    /// beyond the limit.
    fn tidy(&mut self) {
        let tidied = self.try_tidy();
        self.note(&tidied);
        self.show();
    }

    fn try_tidy(&mut self) -> io::Result<()> {
        let mut names = self.directory.names()?;
        if self.limit > 0 {
            self.directory.prepare()?;
        }
        names.sort_unstable();
        let known = std::mem::replace(&mut self.shares, Shares::of(self.limit, self.apps));
        let now = self.clock.now();
        let mut done = Ok(());
        for name in names {
            // A file with an I/O error does not prevent checking the others.
            done = done.and(self.recount(&name, &known, now));
        }
        done
    }

    /// Counts a file, or deletes it if it is expired or finds no room.
    fn recount(&mut self, name: &Name, known: &Shares, now: Timestamp) -> io::Result<()> {
        if is_old(name, self.hold_for, now) {
            return self.directory.remove(name);
        }
        let cost = match known.cost(name) {
            Some(cost) => Some(cost),
            None => self.directory.length(name)?.map(cost),
        };
        match cost.map(|cost| self.shares.adopt(name, cost)) {
            Some(Ok(())) | None => Ok(()),
            Some(Err(_)) => self.directory.remove(name),
        }
    }

    /// Logs a disk error and marks the first of a series. Returns true on success.
    fn note(&mut self, done: &io::Result<()>) -> bool {
        match done {
            Ok(()) => self.failing = false,
            Err(cause) => {
                let first = !std::mem::replace(&mut self.failing, true);
                let place = self.directory.path().display();
                let cause = format!("{place}: {cause}");
                QuarantineFailed { cause, first }.emit();
            }
        }
        !self.failing
    }

    fn log_quarantined(&mut self, record: &Record, from_meta: bool) {
        let run = (Arc::clone(&record.envelope.app), from_meta);
        let before = self.runs.insert(run, Instant::now());
        RejectionQuarantined {
            app: Arc::clone(&record.envelope.app),
            from_meta,
            first: before.is_none_or(|it| it.elapsed() > QUIET),
        }
        .emit();
    }

    fn show(&self) {
        let [metas, others] = self.shares.taken();
        QuarantineSize { metas, others }.emit();
    }
}

/// True if the delivery is older than `hold_for`.
pub(super) fn is_old(name: &Name, hold_for: SignedDuration, now: Timestamp) -> bool {
    now.duration_since(name.received_at()) > hold_for
}

fn reason(reason: QuotaError) -> &'static str {
    match reason {
        QuotaError::Repeated => "repeated",
        QuotaError::TooLarge => "too_large",
        QuotaError::QuotaUsed => "quota",
        QuotaError::Full => "full",
    }
}
