//! The spool thread: commits waiting records together and answers after the commit.
//!
//! A batch does not wait to fill up: while one commit is on its way to the disk, the next batch
//! gathers in the channel.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc::Receiver, oneshot};

use super::{
    error::{Error, Refused},
    files::{Files, cost},
    position::SpoolPosition,
    record::Record,
    status::{Obstacle, Shared},
};

/// Maximum size of one commit.
const BATCH: usize = 1024;
const BATCH_BYTES: usize = 16 << 20;

/// Pause after a failed write, before the disk is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// A record to append, with the channel for the answer.
#[derive(Debug)]
pub(super) struct Entering {
    pub(super) bytes: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<(), Refused>>,
}

/// A task for the spool thread.
#[derive(Debug)]
pub(super) enum Task {
    Append(Entering),
    Read {
        after: Option<SpoolPosition>,
        most: usize,
        answer: oneshot::Sender<Result<Vec<(SpoolPosition, Record)>, Error>>,
    },
    Remove {
        through: SpoolPosition,
        answer: oneshot::Sender<Result<(), Error>>,
    },
    /// Tries the disk again after an error.
    TryAgain,
}

/// State of the spool thread.
#[derive(Debug)]
pub(super) struct SpoolThread {
    files: Files,
    shared: Arc<Shared>,
    /// Time and text of the last disk error.
    trouble: Option<(Instant, String)>,
}

impl SpoolThread {
    /// Thread state of `files`.
    pub(super) fn new(mut files: Files, shared: Arc<Shared>) -> Self {
        // A reserve leaves room on a full disk.
        let full = files.directory.full.take();
        let full = full.filter(|_| files.reserve.held() == 0);
        let mut thread = Self {
            files,
            shared,
            trouble: full.map(|error| seen(&error)),
        };
        thread.settle();
        thread
    }

    /// Runs tasks until all senders are gone.
    pub(super) fn run(mut self, mut tasks: Receiver<Task>) {
        let mut next = None;
        while let Some(task) = next.take().or_else(|| tasks.blocking_recv()) {
            match task {
                Task::Append(first) => {
                    let (batch, other) = gather(first, &mut tasks);
                    next = other;
                    self.append(batch);
                }
                Task::Read {
                    after,
                    most,
                    answer,
                } => {
                    let found = self.files.read(after, most, &self.shared);
                    self.files.look_at_oldest();
                    self.settle();
                    let _ = answer.send(found);
                }
                Task::Remove { through, answer } => {
                    let removed = self.files.remove(through, &self.shared);
                    self.files.look_at_oldest();
                    self.settle();
                    let _ = answer.send(removed);
                }
                Task::TryAgain => self.try_again(),
            }
        }
    }

    /// Commits a batch and answers each of its records.
    fn append(&mut self, mut batch: Vec<Entering>) {
        batch.retain(|one| {
            let waits = !one.answer.is_closed();
            // The caller has given up, and the sender was told to retry.
            if !waits {
                self.shared.leave(cost(one.bytes.len()));
            }
            waits
        });
        let (records, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|one| (one.bytes, one.answer)).unzip();
        if records.is_empty() {
            return;
        }
        let written = self.write(&records);
        if written.is_err() {
            self.shared
                .leave(records.iter().map(|it| cost(it.len())).sum());
        }
        self.settle();
        for answer in answers {
            let _ = answer.send(written);
        }
    }

    /// Tries the disk again after an error, and repeats deferred work. Otherwise the last error
    /// would be reported until the next record, which may take days to arrive.
    fn try_again(&mut self) {
        if self.trouble.is_some() {
            let _ = self.unless_resting(Files::try_disk);
        }
        self.files.clear(&self.shared);
        self.files.look_at_oldest();
        self.settle();
    }

    fn write(&mut self, records: &[Vec<u8>]) -> Result<(), Refused> {
        self.unless_resting(|files, shared| files.append(records, shared))
    }

    /// Runs `write`, unless the disk failed within the last [`PAUSE`].
    fn unless_resting(
        &mut self,
        write: impl FnOnce(&mut Files, &Shared) -> Result<(), Error>,
    ) -> Result<(), Refused> {
        let resting = |(since, _): &(Instant, String)| since.elapsed() < PAUSE;
        if self.trouble.as_ref().is_some_and(resting) {
            return Err(Refused::Failed);
        }
        match write(&mut self.files, &self.shared) {
            Ok(()) => {
                self.trouble = None;
                Ok(())
            }
            Err(error) => {
                self.trouble = Some((Instant::now(), cause(&error)));
                Err(Refused::Failed)
            }
        }
    }

    /// Publishes the status, before any caller gets an answer that depends on it.
    fn settle(&mut self) {
        if self.shared.used() == 0 {
            self.files.take_reserve();
        }
        let mut status = self.files.status();
        status.obstacle = self
            .trouble
            .as_ref()
            .map(|(_, said)| Obstacle::Disk(said.clone()));
        self.shared.publish(status);
    }
}

/// A disk error seen without a record. The next record is tried at once, since it may be smaller.
fn seen(error: &Error) -> (Instant, String) {
    let now = Instant::now();
    (now.checked_sub(PAUSE).unwrap_or(now), cause(error))
}

/// The error of the disk, without our own words around it.
fn cause(error: &Error) -> String {
    match error {
        Error::Directory { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

/// Collects the appends that wait behind `first`, and the other task that ended the batch, if any.
fn gather(first: Entering, tasks: &mut Receiver<Task>) -> (Vec<Entering>, Option<Task>) {
    let mut bytes = first.bytes.len();
    let mut batch = vec![first];
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        match tasks.try_recv() {
            Ok(Task::Append(one)) => {
                bytes += one.bytes.len();
                batch.push(one);
            }
            Ok(other) => return (batch, Some(other)),
            Err(_) => break,
        }
    }
    (batch, None)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        clock::Clock,
        spool::{directory::Directory, tests::record},
    };

    const RESERVE: u64 = 2 << 20;

    /// A thread state of a spool in `home`.
    fn thread(home: &tempfile::TempDir) -> SpoolThread {
        let directory = Directory::open(&home.path().join("spool")).unwrap();
        let shared = Arc::new(Shared::new(64 << 20));
        let (clock, _) = Clock::manual(record(1, "").envelope.received_at);
        let files = Files::adopt(directory, (8 << 20, RESERVE), &shared, clock).unwrap();
        SpoolThread::new(files, shared)
    }

    /// Appends one record as a caller would.
    fn append(thread: &mut SpoolThread) -> Result<(), Refused> {
        let bytes = record(1, "{}").encode().unwrap();
        thread.shared.add(cost(bytes.len()));
        let (answer, mut written) = oneshot::channel();
        thread.append(vec![Entering { bytes, answer }]);
        written.try_recv().unwrap()
    }

    fn obstacle(thread: &SpoolThread) -> Option<Obstacle> {
        thread.shared.status(0).obstacle
    }

    #[test]
    fn a_reserve_that_was_lost_is_taken_again_though_nobody_brings_a_record() {
        let home = tempfile::TempDir::new().unwrap();
        let mut thread = thread(&home);
        while thread.files.reserve.give_more().unwrap() {}
        thread.try_again();
        assert_eq!(thread.shared.status(0).reserved, RESERVE);
    }

    #[test]
    fn a_file_that_could_not_go_when_it_was_emptied_goes_later() {
        let home = tempfile::TempDir::new().unwrap();
        let mut thread = thread(&home);
        append(&mut thread).unwrap();
        let found = thread.files.read(None, 1, &thread.shared).unwrap();
        let (path, other) = (thread.files.directory.file(1), home.path().join("other"));
        fs::rename(&path, &other).unwrap();
        fs::create_dir(&path).unwrap();
        let removed = thread.files.remove(found[0].0, &thread.shared);
        assert!(removed.is_err(), "a directory is no file");
        fs::remove_dir(&path).unwrap();
        fs::rename(&other, &path).unwrap();
        thread.try_again();
        assert!(!path.exists());
        assert_eq!(thread.shared.used(), 0);
    }

    #[test]
    fn a_disk_that_is_full_at_the_start_is_said_where_there_is_no_reserve() {
        for (held, says_so) in [(0, true), (RESERVE, false)] {
            let home = tempfile::TempDir::new().unwrap();
            let mut before = thread(&home);
            if held == 0 {
                while before.files.reserve.give_more().unwrap() {}
            }
            let SpoolThread {
                mut files, shared, ..
            } = before;
            let source = std::io::ErrorKind::StorageFull.into();
            let (what, path) = ("write and sync", home.path().to_owned());
            files.directory.full = Some(Error::Directory { what, path, source });
            let mut thread = SpoolThread::new(files, shared);
            assert_eq!(obstacle(&thread).is_some(), says_so);
            assert_eq!(append(&mut thread), Ok(()), "it is tried");
            assert_eq!(obstacle(&thread), None);
        }
    }
}
