//! Whether the page that all others of a file hang from is the one that its header means.
//!
//! redb compares pages with their checksums when it brings a file in order, not when it reads one.
//! A page that the disk never wrote, or wrote in another's place, may be an earlier version of
//! itself. Of this one page that shows the file as it was some commits ago, whole in itself: its
//! last records would be gone without a word. An earlier version of any other contradicts those
//! around it, which `log` and `reading` notice. The header has the checksum of this one (the design
//! of redb, "Database super-header" and "Leaf page").

use std::{fs::File, io, os::unix::fs::FileExt};

use twox_hash::XxHash3_128;

/// redb's pages.
const PAGE: usize = 4096;

/// Where the header has what is read here: flags, the pages of a region that are its own and those
/// that are not, a slot for each of the last two commits.
const FLAGS: usize = 9;
const OWN_PAGES: usize = 16;
const PAGES: usize = 20;
const SLOTS: usize = 64;

/// A slot, the flag that says which of them counts, and where the root and its checksum are in it.
const SLOT: usize = 128;
const SECOND_SLOT: u8 = 1;
const ROOT: usize = 8;
const ROOT_SUM: usize = 16;

/// Where a page says what it is and of how many, what it says with one table, and where it says
/// then how far it is used.
const KIND: usize = 0;
const COUNT: usize = 2;
const LEAF: u8 = 1;
const USED: usize = 8;

const TWENTY_BITS: u64 = 0xF_FFFF;

/// Whether it is, in a file that redb opened.
///
/// # Errors
/// The file cannot be read, or ends before that page.
pub(super) fn is_meant(file: &File) -> io::Result<bool> {
    let (mut header, mut root) = ([0; PAGE], [0; PAGE]);
    file.read_exact_at(&mut header, 0)?;
    let slot = SLOTS + SLOT * usize::from(header[FLAGS] & SECOND_SLOT);
    let page = u64::from_le_bytes(field(&header, slot + ROOT));
    file.read_exact_at(&mut root, start(&header, page))?;
    let meant = u128::from_le_bytes(field(&header, slot + ROOT_SUM));
    Ok(sum(&root) == Some(meant))
}

/// Where a page begins. Its number has its place in a region, then the region, twenty bits each;
/// what follows them is of longer pages, which a single table never needs.
fn start(header: &[u8; PAGE], page: u64) -> u64 {
    let pages = |at| u64::from(u32::from_le_bytes(field(header, at)));
    let (own, others) = (pages(OWN_PAGES), pages(PAGES));
    let (region, place) = ((page >> 20) & TWENTY_BITS, page & TWENTY_BITS);
    (1 + region * (own + others) + own + place) * PAGE as u64
}

/// The checksum of a page with one table: of as much as is used of it.
fn sum(page: &[u8; PAGE]) -> Option<u128> {
    let has_one = page[KIND] == LEAF && u16::from_le_bytes(field(page, COUNT)) == 1;
    let used = u32::from_le_bytes(field(page, USED));
    let used = page.get(..usize::try_from(used).ok()?)?;
    has_one.then(|| XxHash3_128::oneshot(used))
}

fn field<const N: usize>(page: &[u8; PAGE], at: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&page[at..at + N]);
    field
}
