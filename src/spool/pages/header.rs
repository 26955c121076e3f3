//! What a file begins with: how its pages lie, and the last two commits.

use std::{fs::File, io, os::unix::fs::FileExt};

use twox_hash::XxHash3_128;

use super::{
    PAGE, damaged,
    page::{Link, long, word},
};

/// Where what is in it.
const MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
const FLAGS: usize = 9;
const OWN_PAGES: usize = 16;
const OTHER_PAGES: usize = 20;
const SLOTS: usize = 64;
const LENGTH: usize = SLOTS + 2 * SLOT;

/// The flag that says which slot has the last commit.
const SECOND_SLOT: u8 = 1;

/// How long a slot is, and where what is in it.
const SLOT: usize = 128;
const ROOT: usize = 8;
const COMMIT: usize = 104;

/// The version of the format, which a slot begins with.
const VERSION: u8 = 3;

/// How pages lie: in regions, each with so many pages of its own before the others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    own: u64,
    others: u64,
}

/// A commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    /// Its number.
    pub(super) commit: u64,
    /// The page of tables.
    pub(super) root: Link,
}

impl Header {
    /// Reads it, with the commit that it names and the other one, where they are as they were
    /// written.
    pub(super) fn read(file: &File) -> io::Result<(Self, [Option<Slot>; 2])> {
        let mut bytes = [0; LENGTH];
        file.read_exact_at(&mut bytes, 0)?;
        let (pages, slots) = bytes.split_at(SLOTS);
        if !pages.starts_with(MAGIC) {
            return Err(damaged());
        }
        let header = Self {
            own: word(pages, OWN_PAGES).ok_or_else(damaged)?,
            others: word(pages, OTHER_PAGES).ok_or_else(damaged)?,
        };
        let (first, second) = slots.split_at(SLOT);
        let mut slots = [first, second].map(Slot::parse);
        if pages[FLAGS] & SECOND_SLOT != 0 {
            slots.reverse();
        }
        Ok((header, slots))
    }

    /// Where a page begins, and how long it is. Its number has three parts: the power of two, the
    /// region, and how many of its length come before it there.
    pub(super) fn place(self, page: u64) -> (u64, u64) {
        let power = page >> 59;
        let (region, index) = ((page >> 20) & 0xF_FFFF, page & (0xF_FFFF >> power));
        let regions = self.own.saturating_add(self.others).saturating_mul(region);
        let before = regions.saturating_add(1 + self.own).saturating_mul(PAGE);
        let length = PAGE << power;
        (before.saturating_add(index * length), length)
    }
}

impl Slot {
    fn parse(slot: &[u8]) -> Option<Self> {
        let (said, sum) = slot.split_last_chunk()?;
        let is_whole = XxHash3_128::oneshot(said) == u128::from_le_bytes(*sum);
        (is_whole && said[0] == VERSION).then_some(())?;
        Some(Self {
            commit: long(said, COMMIT)?,
            root: Link::parse(said, ROOT)?,
        })
    }
}
