//! The file as a crash leaves it at any moment of its life: every record that was on disk when its
//! commit returned is read again, whatever of the rest was.

use std::{
    fs::File,
    io::{self, Error, Write as _},
    mem,
    sync::{Arc, Mutex},
};

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use redb::StorageBackend;

use super::super::{log::Log, pages::Pages};

/// What a disk writes as a whole.
const PAGE: usize = 4096;

/// What was asked of the disk, and answered to those who wait.
#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    Length(usize),
    Sync,
    /// So many records were acknowledged.
    Acked(u64),
}

/// A disk in memory that remembers what was asked of it.
#[derive(Clone, Debug, Default)]
struct Tape(Arc<Mutex<Run>>);

#[derive(Debug, Default)]
struct Run {
    disk: Vec<u8>,
    steps: Vec<Step>,
    /// Which step it refuses, once.
    refused: Option<usize>,
}

impl Tape {
    fn take(&self, step: Step) -> io::Result<()> {
        let mut run = self.0.lock().unwrap();
        if run.refused == Some(run.steps.len()) {
            run.refused = None;
            return Err(io::ErrorKind::StorageFull.into());
        }
        apply(&mut run.disk, &step);
        run.steps.push(step);
        Ok(())
    }
}

fn apply(disk: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(start, bytes) => {
            let end = disk.len().max(start + bytes.len());
            disk.resize(end, 0);
            disk[*start..start + bytes.len()].copy_from_slice(bytes);
        }
        Step::Length(length) => disk.resize(*length, 0),
        Step::Sync | Step::Acked(_) => {}
    }
}

impl StorageBackend for Tape {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().disk.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(Error::other)?;
        let run = self.0.lock().unwrap();
        let bytes = run.disk.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(Error::other)?;
        self.take(Step::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.take(Step::Sync)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(Error::other)?;
        self.take(Step::Write(start, bytes.to_vec()))
    }
}

/// The same numbers each time.
struct Random(TestRng);

impl Random {
    fn new(seed: u8) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }
}

/// Record `number`, of any length up to some pages.
fn bytes(number: u64, longest: usize) -> Vec<u8> {
    let length = usize::try_from(number * 7919).unwrap() % longest + 1;
    vec![number.to_le_bytes()[0]; length]
}

/// A file from its making to its closing, with as many commits of a few records each, or up to the
/// step that is refused.
fn written(random: &mut Random, commits: usize, longest: usize, refused: Option<usize>) -> Run {
    let (tape, mut last) = (Tape::default(), 0);
    tape.0.lock().unwrap().refused = refused;
    let acked = |last| tape.0.lock().unwrap().steps.push(Step::Acked(last));
    if let Ok(log) = Log::make(tape.clone(), tempfile::tempfile().unwrap()) {
        acked(last);
        for _ in 0..commits {
            let count = random.below(19) + 1;
            let numbers = last + 1..=last + count;
            let records: Vec<_> = numbers.map(|it| bytes(it, longest)).collect();
            if log.append(last, &records).is_err() {
                break;
            }
            last += count;
            acked(last);
        }
    }
    mem::take(&mut *tape.0.lock().unwrap())
}

/// Every record up to `acked` is in `disk`, and nothing is called damaged.
fn check(disk: &[u8], acked: u64, longest: usize, case: &str) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(disk).unwrap();
    let file = File::open(file.path()).unwrap();
    let pages = Pages::open(&file).unwrap_or_else(|error| panic!("{case}: {error}"));
    let mut last = 0;
    let is_damaged = pages.read(&file, 0, &mut |number, record| {
        assert_eq!((number, record), (last + 1, &*bytes(number, longest)));
        last = number;
        true
    });
    assert!(!is_damaged.unwrap(), "{case}");
    assert!(
        last == pages.records && last >= acked,
        "{case}: {last} of {acked}"
    );
}

/// What a power cut leaves: what was synced, and any pages of what came later.
fn cut(synced: &[u8], later: &[Step], random: &mut Random) -> Vec<u8> {
    let mut disk = synced.to_vec();
    let most = 1 + 4 * random.below(3);
    for step in later {
        match step {
            Step::Write(start, bytes) => {
                for (index, page) in bytes.chunks(PAGE).enumerate() {
                    if random.below(10) < most {
                        let page = Step::Write(start + index * PAGE, page.to_vec());
                        apply(&mut disk, &page);
                    }
                }
            }
            other if random.below(10) < most => apply(&mut disk, other),
            _ => {}
        }
    }
    disk
}

#[test]
fn a_crash_at_any_moment_loses_nothing_that_was_acknowledged() {
    for (seed, commits, longest) in [(1, 12, 300), (2, 12, 3000), (3, 8, 30_000), (4, 60, 40)] {
        let random = &mut Random::new(seed);
        let steps = written(random, commits, longest, None).steps;
        // Before that it has another name.
        let made = steps.iter().position(|it| matches!(it, Step::Acked(0)));
        let (mut now, mut synced, mut since, mut acked) = (Vec::new(), Vec::new(), 0, 0);
        for (index, step) in steps.iter().enumerate() {
            apply(&mut now, step);
            match step {
                Step::Sync => (synced, since) = (now.clone(), index),
                Step::Acked(number) => acked = *number,
                _ => {}
            }
            if index >= made.unwrap() {
                let case = format!("seed {seed}, step {index} of {}", steps.len());
                check(&now, acked, longest, &case);
                let later = &steps[since..=index];
                check(&cut(&synced, later, random), acked, longest, &case);
            }
        }
    }
}

#[test]
fn a_disk_that_refuses_a_step_loses_nothing_that_was_acknowledged() {
    let (commits, longest) = (8, 3000);
    let steps = written(&mut Random::new(5), commits, longest, None)
        .steps
        .len();
    let mut checked = 0;
    for refused in 0..steps {
        let run = written(&mut Random::new(5), commits, longest, Some(refused));
        let acked = run.steps.iter().rev().find_map(|it| match it {
            Step::Acked(number) => Some(*number),
            _ => None,
        });
        if let Some(acked) = acked {
            check(&run.disk, acked, longest, &format!("step {refused}"));
            checked += 1;
        }
    }
    assert!(checked > steps / 2, "{checked} of {steps}");
}
