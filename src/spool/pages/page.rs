//! One page: what it says, and whether that is what was written.

use twox_hash::XxHash3_128;

/// The table, and where what is said of it has how many records it has and where they begin.
const TABLE: &[u8] = b"records";
const COUNT: usize = 1;
const FIRST: usize = 10;

/// The number of a page, and the checksum that it has to have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) page: u64,
    pub(super) sum: u128,
}

impl Link {
    pub(super) fn parse(bytes: &[u8], at: usize) -> Option<Self> {
        let (page, sum) = (long(bytes, at)?, field(bytes, at + 8)?);
        let sum = u128::from_le_bytes(sum);
        Some(Self { page, sum })
    }
}

/// What a page has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Records or tables.
    Leaf,
    /// Pages.
    Branch,
}

/// What was read of a page. None of its numbers is believed before it was compared.
pub(super) struct Page {
    bytes: Vec<u8>,
    sum: u128,
}

impl Page {
    /// `bytes`, which should have the checksum `sum`.
    pub(super) fn new(bytes: Vec<u8>, sum: u128) -> Self {
        Self { bytes, sum }
    }

    /// What it says that it has.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.bytes.first()? {
            1 => Some(Kind::Leaf),
            2 => Some(Kind::Branch),
            _ => None,
        }
    }

    /// Whether it is a page of records or of pages, and has its checksum.
    pub(super) fn is_whole(&self) -> bool {
        let end = match self.kind() {
            Some(Kind::Leaf) => self.end_of_leaf(),
            Some(Kind::Branch) => self.end_of_branch(),
            None => None,
        };
        self.has_sum(end)
    }

    /// Whether its checksum is that of all up to `end`.
    fn has_sum(&self, end: Option<usize>) -> bool {
        let used = end.and_then(|end| self.bytes.get(..end));
        used.is_some_and(|used| XxHash3_128::oneshot(used) == self.sum)
    }

    /// How many entries it says that it has.
    pub(super) fn count(&self) -> usize {
        field(&self.bytes, 2).map_or(0, |it| usize::from(u16::from_le_bytes(it)))
    }

    /// What is said of the one table on a page of tables, which is as it was written: how many
    /// records it has, and where they begin if it has any. The page has the ends of name and rest,
    /// then both.
    pub(super) fn table(&self) -> Option<(u64, Option<Link>)> {
        let [name, end] = [4, 8].map(|at| index(&self.bytes, at));
        let is_whole = matches!(self.kind()?, Kind::Leaf) && self.count() == 1 && self.has_sum(end);
        let table = self.bytes.get(name?..end?)?;
        let name = self.bytes.get(12..name?)?;
        (is_whole && name == TABLE).then_some(())?;
        match long(table, COUNT)? {
            0 => Some((0, None)),
            records => Some((records, Some(Link::parse(table, FIRST)?))),
        }
    }

    /// The records of a leaf with their numbers, which are counted from `first` where it is known.
    /// It has the end of each, the numbers, then the records.
    pub(super) fn records(&self, first: Option<u64>) -> impl Iterator<Item = (u64, &[u8])> {
        let count = self.count();
        (0..count).filter_map(move |index| {
            let number = match first {
                Some(first) => first.checked_add(index as u64)?,
                None => long(&self.bytes, 4 + 4 * count + 8 * index)?,
            };
            let start = match index.checked_sub(1) {
                None => 4 + 12 * count,
                Some(before) => self.end_of_record(before)?,
            };
            Some((number, self.bytes.get(start..self.end_of_record(index)?)?))
        })
    }

    fn end_of_record(&self, record: usize) -> Option<usize> {
        index(&self.bytes, 4 + 4 * record)
    }

    fn end_of_leaf(&self) -> Option<usize> {
        self.end_of_record(self.count().checked_sub(1)?)
    }

    /// The pages that a branch leads to, each but the last with the highest number in it. It has
    /// their checksums, the pages, then the numbers.
    pub(super) fn children(&self) -> impl Iterator<Item = (Option<u64>, Link)> {
        let (keys, pages) = (self.count(), self.count() + 1);
        (0..pages).filter_map(move |index| {
            let sum = field(&self.bytes, 8 + 16 * index)?;
            let sum = u128::from_le_bytes(sum);
            let page = long(&self.bytes, 8 + 16 * pages + 8 * index)?;
            let highest = long(&self.bytes, 8 + 24 * pages + 8 * index);
            let highest = highest.filter(|_| index < keys);
            Some((highest, Link { page, sum }))
        })
    }

    fn end_of_branch(&self) -> Option<usize> {
        let keys = Some(self.count()).filter(|it| *it > 0)?;
        Some(8 + 24 * (keys + 1) + 8 * keys)
    }
}

/// The number in the eight bytes at `at`.
pub(super) fn long(bytes: &[u8], at: usize) -> Option<u64> {
    field(bytes, at).map(u64::from_le_bytes)
}

/// The number in the four bytes at `at`.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    field(bytes, at).map(|it| u32::from_le_bytes(it).into())
}

fn index(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word(bytes, at)?).ok()
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
