//! A file of the spool as redb left it with its last commit, read without redb: a page that has not
//! the checksum which leads to it leads to nothing but pages and records that have their own.
//!
//! redb compares checksums when it repairs a file, not when it reads one. Reading, it goes where a
//! damaged page sends it: to pages that are not there, of lengths that no memory has, or to earlier
//! versions that hide what came later. This reads what the spool writes, one table with numbers as
//! keys, and nothing else (the design of redb, "Database super-header", "Branch page", "Leaf page").
//! redb commits in two phases here, so what the header names is on disk, whatever state the rest
//! was left in.

mod header;
mod page;
#[cfg(test)]
mod tests;

use std::{fs::File, io, os::unix::fs::FileExt};

use header::{Header, Slot};
use page::{Kind, Link, Page};

/// The shortest page; all others are a power of two of it.
const PAGE: u64 = 4096;

/// More levels than a file can have.
const DEEPEST: u8 = 16;

/// How many pages that a disk cannot read one reading passes over: it may try each for a minute,
/// and meanwhile the spool does nothing else.
const PATIENCE: u8 = 4;

/// The system's code for a disk that cannot read what it has.
const EIO: i32 = 5;

/// One file, as one commit left it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    length: u64,
    header: Header,
    table: Option<Link>,
    /// How many records it has.
    pub(super) records: u64,
    /// Whether this is an earlier commit than the last, which leads nowhere.
    pub(super) is_damaged: bool,
}

impl Pages {
    /// Finds the table of the last commit.
    ///
    /// Of the two that redb keeps, one bit without a checksum names the last. Where the other is
    /// later, either the bit is damaged or a crash came just before it; if that commit is there as
    /// a whole it counts, as after a crash nothing speaks against it.
    ///
    /// # Errors
    /// The file cannot be read; [of its content](is_of_the_content) where it leads to no table.
    pub(super) fn open(file: &File) -> io::Result<Self> {
        let (header, [named, other]) = Header::read(file)?;
        let at = |slot: Option<Slot>| {
            slot.map_or_else(|| Err(damaged()), |slot| Self::at(file, header, slot))
        };
        if named.is_some_and(|named| other.is_some_and(|it| it.commit > named.commit)) {
            match at(other) {
                Ok(pages) if pages.is_whole(file)? => return Ok(pages),
                Err(error) if !is_of_the_content(&error) => return Err(error),
                _ => {}
            }
        }
        match at(named) {
            Err(error) if is_of_the_content(&error) => {
                let is_damaged = true;
                at(other).map(|it| Self { is_damaged, ..it })
            }
            pages => pages,
        }
    }

    fn at(file: &File, header: Header, slot: Slot) -> io::Result<Self> {
        let mut pages = Self {
            length: file.metadata()?.len(),
            header,
            table: None,
            records: 0,
            is_damaged: false,
        };
        let tables = pages.page(file, slot.root)?;
        (pages.records, pages.table) = tables.table().ok_or_else(damaged)?;
        Ok(pages)
    }

    /// Reads all of it, which may take a second.
    fn is_whole(&self, file: &File) -> io::Result<bool> {
        let mut found = 0;
        let is_damaged = self.read(file, 0, &mut |_, _| {
            found += 1;
            true
        });
        match is_damaged {
            Err(error) if is_of_the_content(&error) => Ok(false),
            is_damaged => Ok(!is_damaged? && found == self.records),
        }
    }

    /// Gives the records behind number `after` in their order to `take`, until it has enough; from
    /// the file that this was found in, if nobody wrote in it since.
    /// Whether a page was passed over or gave something although its checksum is another.
    ///
    /// # Errors
    /// The disk does not give a page now, or cannot read more pages than may be passed over.
    pub(super) fn read(
        &self,
        file: &File,
        after: u64,
        take: &mut impl FnMut(u64, &[u8]) -> bool,
    ) -> io::Result<bool> {
        let mut walk = Walk {
            pages: self,
            file,
            patience: PATIENCE,
            last: after,
            take,
            is_damaged: self.is_damaged,
        };
        if let Some(table) = self.table {
            walk.visit(table, Known::all(self.records))?;
        }
        Ok(walk.is_damaged)
    }

    /// Reads a page, if the file has it.
    fn page(&self, file: &File, link: Link) -> io::Result<Page> {
        let (start, length) = self.header.place(link.page);
        if start.saturating_add(length) > self.length {
            return Err(damaged());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        Ok(Page::new(bytes, link.sum))
    }
}

/// A way through the pages of a table from left to right.
struct Walk<'a, T> {
    pages: &'a Pages,
    file: &'a File,
    patience: u8,
    last: u64,
    take: &'a mut T,
    is_damaged: bool,
}

impl<T: FnMut(u64, &[u8]) -> bool> Walk<'_, T> {
    /// Whether to go on.
    fn visit(&mut self, link: Link, known: Known) -> io::Result<bool> {
        let page = match self.pages.page(self.file, link) {
            Err(error) => return self.pass_over(error).map(|()| true),
            Ok(page) => page,
        };
        let is_whole = page.is_whole();
        self.is_damaged |= !is_whole;
        match page.kind() {
            _ if !is_whole && known.by_itself => Ok(true),
            Some(Kind::Leaf) => Ok(self.give(&page, is_whole, known)),
            Some(Kind::Branch) if known.deeper > 0 => self.descend(&page, is_whole, known),
            _ => {
                self.is_damaged = true;
                Ok(true)
            }
        }
    }

    fn pass_over(&mut self, error: io::Error) -> io::Result<()> {
        let left = self.patience.checked_sub(is_unread(&error).into());
        match left.filter(|_| is_of_the_content(&error)) {
            Some(left) => {
                (self.is_damaged, self.patience) = (true, left);
                Ok(())
            }
            None => Err(error),
        }
    }

    /// A page that has not its checksum may lead anywhere, but not to a page that has the one which
    /// it names by chance.
    fn descend(&mut self, page: &Page, is_whole: bool, mut known: Known) -> io::Result<bool> {
        known.deeper -= 1;
        known.by_itself = !is_whole;
        for (highest, child) in page.children() {
            let highest = highest.filter(|_| is_whole);
            let last = highest.unwrap_or(known.last);
            let is_passed = highest.is_some_and(|it| it <= self.last);
            if !is_passed && !self.visit(child, Known { last, ..known })? {
                return Ok(false);
            }
            known.first = highest.map_or(known.first, |it| it.saturating_add(1));
        }
        Ok(true)
    }

    /// Each record has a checksum of its own, and leads nowhere. What stands on a page that has not
    /// its checksum is no number of a record unless it can be one: if it were too high, all up to it
    /// would be taken for given.
    fn give(&mut self, page: &Page, is_whole: bool, known: Known) -> bool {
        let first = known.first_of(page.count()).filter(|_| !is_whole);
        for (number, record) in page.records(first) {
            if number > self.last && (is_whole || number <= known.last) {
                self.last = number;
                if !(self.take)(number, record) {
                    return false;
                }
            }
        }
        true
    }
}

/// What is known of a page by those that lead to it.
#[derive(Clone, Copy)]
struct Known {
    /// The numbers of its records.
    first: u64,
    last: u64,
    /// Whether it has to prove itself, because the page that names it is damaged.
    by_itself: bool,
    /// How many levels there can be below it.
    deeper: u8,
}

impl Known {
    /// Of the page that a table begins with.
    fn all(records: u64) -> Self {
        Self {
            first: 1,
            last: records,
            by_itself: false,
            deeper: DEEPEST,
        }
    }

    /// The number of the first record, if it is a leaf with all of them: there is no gap.
    fn first_of(self, records: usize) -> Option<u64> {
        let all = self.last.checked_sub(self.first)?.checked_add(1)?;
        (all == records as u64).then_some(self.first)
    }
}

/// Whether asking again does not help.
pub(super) fn is_of_the_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, UnexpectedEof};
    matches!(error.kind(), InvalidData | UnexpectedEof) || is_unread(error)
}

fn is_unread(error: &io::Error) -> bool {
    error.raw_os_error() == Some(EIO)
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
