//! Frame reader that starts at a boundary and skips damage.
//!
//! A damaged record costs only itself: its head has the offset of the next frame. After a damaged
//! head, reading resumes at the next valid head with a plausible number. The reader does not search
//! inside a record whose head is valid.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::frame::{HEAD, Head, Mark};

/// Bytes per read, unless a record is longer.
const CHUNK: usize = 64 << 10;

/// Page size of disk reads.
const PAGE: u64 = 4096;

/// Error code for a page that the disk cannot read.
const EIO: i32 = 5;

/// Iterator over the frames of a file.
#[derive(Debug)]
pub(super) struct Frames<'a> {
    window: Window<'a>,
    /// Boundary after the last head that was read.
    pub(super) at: Mark,
    record: (u64, usize),
    /// Newest commit seen so far.
    pub(super) commit: u64,
    /// First record that is missing or damaged.
    pub(super) missing: Option<u64>,
    /// True if the disk could not read a page.
    pub(super) unread: bool,
}

impl<'a> Frames<'a> {
    /// Frames of `file` between `from` and `end`. The iteration ends early after more than
    /// `patience` disk errors, since each may take a minute.
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

    /// Advances to the next valid record; false if there is none.
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

    /// The current record.
    pub(super) fn record(&self) -> &[u8] {
        let (start, length) = self.record;
        self.window.bytes(start).get(..length).unwrap_or_default()
    }

    /// True if the iteration ended because of too many disk errors.
    pub(super) fn gave_up(&self) -> bool {
        self.window.gave_up()
    }

    /// Finds the next head and its offset.
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

    /// Decodes the head at `offset`, if its number is plausible: the next number; after skipped
    /// bytes, a number that leaves room for at least one record and at most as many as fit.
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

/// Result of loading bytes of the file.
enum Reach {
    Here,
    /// The file is shorter, or the disk failed too often.
    Ends,
    /// The disk cannot read a page of the bytes. Reading can resume at `resume`, after the page.
    Unread {
        resume: u64,
    },
}

/// Buffered part of a file.
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
    /// Loads `count` bytes at `offset` into the buffer.
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

    /// Buffered bytes from `offset` on.
    fn bytes(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.start);
        let from = from.and_then(|it| usize::try_from(it).ok());
        from.and_then(|it| self.bytes.get(it..)).unwrap_or_default()
    }

    /// Discards the bytes before `offset`.
    fn begin_at(&mut self, offset: u64) {
        let kept = self.bytes(offset).len();
        self.bytes.drain(..self.bytes.len() - kept);
        self.start = offset;
    }

    /// Reads more bytes at `at`. The system returns the bytes before an unreadable page.
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
