//! The file as a crash leaves it at any moment of its life: every record that was on disk when its
//! commit returned is read again, whatever of the rest was.

use std::{
    fs::File,
    io::{self, Error, Write as _},
    sync::{Arc, Mutex},
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
struct Tape(Arc<Mutex<(Vec<u8>, Vec<Step>)>>);

impl Tape {
    fn note(&self, step: Step) {
        let mut tape = self.0.lock().unwrap();
        apply(&mut tape.0, &step);
        tape.1.push(step);
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
        Ok(self.0.lock().unwrap().0.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(Error::other)?;
        let tape = self.0.lock().unwrap();
        let bytes = tape.0.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.note(Step::Length(usize::try_from(length).map_err(Error::other)?));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(Error::other)?;
        self.note(Step::Write(start, bytes.to_vec()));
        Ok(())
    }
}

/// The same numbers each time (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Record `number`, of any length up to some pages.
fn bytes(number: u64, longest: usize) -> Vec<u8> {
    let length = usize::try_from(number * 7919).unwrap() % longest + 1;
    vec![number.to_le_bytes()[0]; length]
}

/// A file from its making to its closing, with as many commits of a few records each.
fn written(random: &mut Random, commits: usize, longest: usize) -> Vec<Step> {
    let (tape, mut last) = (Tape::default(), 0);
    let log = Log::make(tape.clone(), tempfile::tempfile().unwrap()).unwrap();
    tape.note(Step::Acked(last));
    for _ in 0..commits {
        let count = random.below(19) + 1;
        let numbers = last + 1..=last + count;
        let records: Vec<_> = numbers.map(|it| bytes(it, longest)).collect();
        log.append(last, &records).unwrap();
        last += count;
        tape.note(Step::Acked(last));
    }
    drop(log);
    tape.0.lock().unwrap().1.clone()
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
        let random = &mut Random(seed);
        let steps = written(random, commits, longest);
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
