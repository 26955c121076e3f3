//! Reads the frames of a file from a boundary on, and passes over damage.
//!
//! A damaged record costs itself: its head says where the next frame begins. Behind a damaged head,
//! reading resumes at the next head that is whole and whose number can stand there. Nothing is
//! searched for inside a record whose head is whole.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::frame::{HEAD, Head, Mark};

/// Bytes read at once, unless a record is longer.
const CHUNK: usize = 64 << 10;

/// The unit in which a disk reads.
const PAGE: u64 = 4096;

/// The system's code for a page that the disk cannot read.
const EIO: i32 = 5;

/// A walk over the frames of a file.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    window: Window<'a>,
    /// Behind the last head that was read.
    pub(super) at: Mark,
    record: (u64, usize),
    /// The newest commit that was seen.
    pub(super) commit: u64,
    /// The first record that is missing or not what was written.
    pub(super) missing: Option<u64>,
    /// True if the disk could not read a page.
    pub(super) unread: bool,
}

impl<'a> Frames<'a> {
    /// The frames of `file` between `from` and `end`. The walk ends early when the disk failed more
    /// than `patience` times: it may try for a minute each time.
    pub(super) fn new(file: &'a File, from: Mark, end: u64, patience: u8) -> Self {
        Self {
            window: Window {
                file,
                end,
                start: 0,
                bytes: Vec::new(),
                failures: 0,
                patience,
            },
            at: from,
            record: (from.offset, 0),
            commit: 0,
            missing: None,
            unread: false,
        }
    }

    /// Goes to the next whole record; false if there is none.
    pub(super) fn step(&mut self) -> io::Result<bool> {
        while let Some((offset, head)) = self.find()? {
            let start = offset + HEAD as u64;
            let reach = self.window.reach(start, head.length())?;
            if head.number > self.at.number + 1 {
                self.miss(self.at.number + 1);
            }
            self.commit = self.commit.max(head.commit);
            if matches!(reach, Reach::Ends) {
                break;
            }
            self.at = head.end(offset);
            self.record = (start, head.length());
            let is_read = matches!(reach, Reach::Here);
            self.unread |= !is_read;
            if !is_read || !head.is_of(self.record()) {
                self.miss(head.number);
            } else if !head.ends_file() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The record that the last step went to.
    pub(super) fn record(&self) -> &[u8] {
        let (start, length) = self.record;
        self.window.bytes(start).get(..length).unwrap_or_default()
    }

    /// True if the walk ended because the disk failed too often.
    pub(super) fn gave_up(&self) -> bool {
        self.window.gave_up()
    }

    /// The next head and its offset.
    fn find(&mut self) -> io::Result<Option<(u64, Head)>> {
        let mut offset = self.at.offset;
        loop {
            match self.window.reach(offset, HEAD)? {
                Reach::Ends => return Ok(None),
                Reach::Unread { resume } => {
                    self.unread = true;
                    offset = resume;
                }
                Reach::Here => {
                    let bytes = self.window.bytes(offset);
                    let mut heads = (offset..).zip(bytes.windows(HEAD));
                    let found = heads.find_map(|(at, bytes)| self.head(bytes, at));
                    if found.is_some() {
                        return Ok(found);
                    }
                    offset += (bytes.len() - HEAD + 1) as u64;
                }
            }
        }
    }

    /// The head at `offset`, if its number can stand there: the next one; behind skipped bytes, one
    /// that leaves room for at least one record and at most as many as fit.
    fn head(&self, bytes: &[u8], offset: u64) -> Option<(u64, Head)> {
        let head = Head::decode(bytes, offset)?;
        let passed = head.number.checked_sub(self.at.number)?.checked_sub(1)?;
        let skipped = offset - self.at.offset;
        let fits = match skipped {
            0 => passed == 0,
            _ => (1..=skipped / HEAD as u64).contains(&passed),
        };
        fits.then_some((offset, head))
    }

    fn miss(&mut self, number: u64) {
        self.missing.get_or_insert(number);
    }
}

/// Answer of the file to a request for bytes.
enum Reach {
    Here,
    /// The file has fewer, or the disk failed too often.
    Ends,
    /// The disk cannot read a page of them, which ends at `resume`.
    Unread {
        resume: u64,
    },
}

/// The part of a file that is in memory.
#[derive(Debug)]
struct Window<'a> {
    file: &'a File,
    end: u64,
    start: u64,
    bytes: Vec<u8>,
    failures: u8,
    patience: u8,
}

impl Window<'_> {
    /// Has `count` bytes from `offset` on in memory, if the file has them.
    fn reach(&mut self, offset: u64, count: usize) -> io::Result<Reach> {
        if offset + count as u64 > self.end || self.gave_up() {
            return Ok(Reach::Ends);
        }
        if self.bytes(offset).len() < count {
            self.begin_at(offset);
        }
        while self.bytes.len() < count {
            let at = self.start + self.bytes.len() as u64;
            match self.read_on(at, count - self.bytes.len()) {
                Ok(0) => {
                    self.end = at;
                    return Ok(Reach::Ends);
                }
                Err(error) if error.raw_os_error() == Some(EIO) => {
                    self.failures += 1;
                    let resume = (at / PAGE + 1) * PAGE;
                    return Ok(Reach::Unread { resume });
                }
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(Reach::Here)
    }

    /// The bytes from `offset` on that are in memory.
    fn bytes(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.start);
        let from = from.and_then(|it| usize::try_from(it).ok());
        from.and_then(|it| self.bytes.get(it..)).unwrap_or_default()
    }

    /// Keeps only bytes from `offset` on.
    fn begin_at(&mut self, offset: u64) {
        let kept = self.bytes(offset).len();
        self.bytes.drain(..self.bytes.len() - kept);
        self.start = offset;
    }

    /// Reads on at `at`. The system gives what lies before a page that cannot be read.
    fn read_on(&mut self, at: u64, least: usize) -> io::Result<usize> {
        let rest = usize::try_from(self.end - at).unwrap_or(usize::MAX);
        let before = self.bytes.len();
        self.bytes.resize(before + least.max(CHUNK).min(rest), 0);
        let read = self.file.read_at(&mut self.bytes[before..], at);
        self.bytes.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    fn gave_up(&self) -> bool {
        self.failures > self.patience
    }
}
