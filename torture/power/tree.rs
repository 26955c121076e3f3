//! Written and durable state of the disk: pages of files, and names in the directory.
//!
//! The model is as weak as POSIX allows. A sync of a file makes its pages and length durable, but
//! not its name; a sync of the directory makes names durable. After a power cut, each unsynced page
//! may have reached the disk or not, in any order, and so may a prefix of the name changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

use crate::random::Random;

/// Unit of an atomic disk write.
pub(super) const PAGE: usize = 4096;

/// A directory with files.
#[derive(Debug)]
pub(super) struct Tree {
    lies: bool,
    pub(super) has_power: bool,
    /// Unreadable pages: file number and page.
    pub(super) unreadable: BTreeSet<(u64, usize)>,
    next: u64,
    files: BTreeMap<u64, File>,
    names: BTreeMap<OsString, u64>,
    durable_names: BTreeMap<OsString, u64>,
    /// Unsynced name changes.
    changes: Vec<Change>,
}

#[derive(Debug, Default)]
struct File {
    data: Vec<u8>,
    durable: Vec<u8>,
    /// Pages that may differ from the durable state.
    dirty: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    Put(OsString, u64),
    Take(OsString),
    Move(OsString, OsString),
}

/// Data lost in a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Unsynced pages that were lost.
    pub(crate) pages: u64,
    /// Unsynced pages that had reached the disk.
    pub(crate) kept: u64,
    /// Name changes that were lost.
    pub(crate) names: u64,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            lies: false,
            has_power: true,
            unreadable: BTreeSet::new(),
            next: 2,
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            changes: Vec::new(),
        }
    }
}

impl Tree {
    /// Makes syncs do nothing.
    pub(super) fn lie(&mut self) {
        self.lies = true;
    }

    /// File number of a name.
    pub(super) fn find(&self, name: &OsStr) -> Option<u64> {
        self.names.get(name).copied()
    }

    /// All names with their file numbers.
    pub(super) fn names(&self) -> impl Iterator<Item = (&OsString, &u64)> {
        self.names.iter()
    }

    /// Length of a file.
    pub(super) fn length(&self, number: u64) -> Option<u64> {
        Some(self.files.get(&number)?.data.len() as u64)
    }

    /// Creates an empty file.
    pub(super) fn create(&mut self, name: &OsStr) -> u64 {
        let number = self.next;
        self.next += 1;
        self.files.insert(number, File::default());
        self.change(Change::Put(name.to_owned(), number));
        number
    }

    /// Removes a name; true if it existed.
    pub(super) fn remove(&mut self, name: &OsStr) -> bool {
        let there = self.names.contains_key(name);
        if there {
            self.change(Change::Take(name.to_owned()));
        }
        there
    }

    /// Renames a file; true if it existed.
    pub(super) fn rename(&mut self, from: &OsStr, to: &OsStr) -> bool {
        let there = self.names.contains_key(from);
        if there {
            self.change(Change::Move(from.to_owned(), to.to_owned()));
        }
        there
    }

    /// Length of the requested range before the first unreadable page.
    pub(super) fn readable(&self, number: u64, at: usize, length: usize) -> usize {
        let pages = (number, at / PAGE)..(number, (at + length).div_ceil(PAGE));
        let bad = self.unreadable.range(pages).next();
        bad.map_or(length, |(_, page)| (page * PAGE).saturating_sub(at))
    }

    /// Reads at most `length` bytes at an offset.
    pub(super) fn read(&self, number: u64, at: usize, length: usize) -> Option<&[u8]> {
        let data = &self.files.get(&number)?.data;
        let begin = at.min(data.len());
        Some(&data[begin..(at + length).min(data.len())])
    }

    /// Writes at an offset; true if the file exists.
    pub(super) fn write(&mut self, number: u64, at: usize, bytes: &[u8]) -> bool {
        let Some(file) = self.files.get_mut(&number) else {
            return false;
        };
        let end = at + bytes.len();
        if end > file.data.len() {
            file.resize(end);
        }
        file.data[at..end].copy_from_slice(bytes);
        file.dirty.extend(at / PAGE..end.div_ceil(PAGE));
        true
    }

    /// Truncates a file, or extends it with zeros.
    pub(super) fn resize(&mut self, number: u64, length: usize) -> bool {
        let file = self.files.get_mut(&number);
        file.map(|it| it.resize(length)).is_some()
    }

    /// Makes a file durable, unless syncs are ignored.
    pub(super) fn sync(&mut self, number: u64) -> bool {
        let lies = self.lies;
        let file = self.files.get_mut(&number).filter(|_| !lies);
        file.map(File::sync).is_some() || lies
    }

    /// Makes the names durable, unless syncs are ignored.
    pub(super) fn sync_names(&mut self) {
        if !self.lies {
            self.durable_names.clone_from(&self.names);
            self.changes.clear();
            self.forget_unnamed();
        }
    }

    /// True if syncs have an effect.
    pub(super) fn has_power(&self) -> bool {
        self.has_power
    }

    /// Cuts the power: nothing becomes durable any more.
    pub(super) fn lose_power(&mut self) {
        self.has_power = false;
    }

    /// Restores the power and drops all data that is not durable.
    pub(super) fn cut(&mut self, mut random: Option<&mut Random>) -> Lost {
        self.has_power = true;
        let mut lost = Lost::default();
        let reached = random.as_deref_mut().map_or(0, |random| {
            usize::try_from(random.between(0, self.changes.len() as u64)).unwrap_or(0)
        });
        lost.names = (self.changes.len() - reached) as u64;
        for change in self.changes.drain(..).take(reached) {
            apply(&mut self.durable_names, &change);
        }
        self.names.clone_from(&self.durable_names);
        self.forget_unnamed();
        for file in self.files.values_mut() {
            file.cut(random.as_deref_mut(), &mut lost);
        }
        lost
    }

    fn forget_unnamed(&mut self) {
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.files.retain(|number, _| named.contains(number));
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.changes.push(change);
    }
}

fn apply(names: &mut BTreeMap<OsString, u64>, change: &Change) {
    match change {
        Change::Put(name, number) => drop(names.insert(name.clone(), *number)),
        Change::Take(name) => drop(names.remove(name)),
        Change::Move(from, to) => {
            if let Some(number) = names.remove(from) {
                names.insert(to.clone(), number);
            }
        }
    }
}

impl File {
    fn resize(&mut self, length: usize) {
        // Truncation followed by zeros changes these pages, too.
        self.dirty
            .extend(length / PAGE..self.data.len().div_ceil(PAGE).max(length / PAGE));
        self.data.resize(length, 0);
    }

    fn sync(&mut self) {
        self.durable.resize(self.data.len(), 0);
        for page in std::mem::take(&mut self.dirty) {
            copy(page, &self.data, &mut self.durable);
        }
    }

    fn cut(&mut self, mut random: Option<&mut Random>, lost: &mut Lost) {
        let mut reached = || random.as_deref_mut().is_some_and(Random::coin);
        if self.data.len() != self.durable.len() && reached() {
            self.durable.resize(self.data.len(), 0);
        }
        for page in std::mem::take(&mut self.dirty) {
            let there = page * PAGE < self.durable.len().min(self.data.len());
            if there && reached() {
                copy(page, &self.data, &mut self.durable);
                lost.kept += 1;
            } else if page * PAGE < self.data.len() {
                // Beyond the durable end only the length is lost.
                lost.pages += 1;
            }
        }
        self.data.clone_from(&self.durable);
    }
}

/// Copies one page, as far as both have it.
fn copy(page: usize, from: &[u8], to: &mut [u8]) {
    let (begin, end) = (page * PAGE, (page + 1) * PAGE);
    let end = end.min(from.len()).min(to.len());
    if begin < end {
        to[begin..end].copy_from_slice(&from[begin..end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "a";

    fn tree(lies: bool) -> (Tree, u64) {
        let mut tree = Tree::default();
        if lies {
            tree.lie();
        }
        let number = tree.create(NAME.as_ref());
        (tree, number)
    }

    fn content(tree: &Tree, name: &str) -> Option<Vec<u8>> {
        let number = tree.find(name.as_ref())?;
        Some(tree.read(number, 0, 1 << 20)?.to_vec())
    }

    #[test]
    fn what_is_synced_stays_and_what_is_not_goes() {
        let (mut tree, number) = tree(false);
        tree.write(number, 0, b"first");
        tree.sync(number);
        tree.sync_names();
        tree.write(number, 0, b"other");
        tree.write(number, 2 * PAGE, b"more");
        let lost = tree.cut(None);
        assert_eq!((lost.pages, lost.kept, lost.names), (2, 0, 0));
        assert_eq!(content(&tree, NAME), Some(b"first".to_vec()));
    }

    #[test]
    fn a_synced_file_without_a_synced_name_is_gone() {
        let (mut tree, number) = tree(false);
        tree.write(number, 0, b"first");
        tree.sync(number);
        assert_eq!(tree.cut(None).names, 1);
        assert_eq!(content(&tree, NAME), None);
    }

    #[test]
    fn a_synced_name_of_a_file_that_is_not_synced_has_nothing_behind_it() {
        let (mut tree, number) = tree(false);
        tree.write(number, 0, b"first");
        tree.rename(NAME.as_ref(), "b".as_ref());
        tree.sync_names();
        tree.cut(None);
        assert_eq!(
            (content(&tree, NAME), content(&tree, "b")),
            (None, Some(Vec::new()))
        );
    }

    #[test]
    fn a_disk_that_lies_keeps_nothing() {
        let (mut tree, number) = tree(true);
        tree.write(number, 0, b"first");
        assert!(tree.sync(number));
        tree.sync_names();
        tree.cut(None);
        assert_eq!(content(&tree, NAME), None);
    }

    #[test]
    fn pages_that_were_not_synced_reach_the_disk_in_any_order() {
        let mut seen = BTreeSet::new();
        for seed in 0..40 {
            let (mut tree, number) = tree(false);
            tree.write(number, 0, &[1; 2 * PAGE]);
            tree.sync(number);
            tree.sync_names();
            tree.write(number, 0, &[2; 2 * PAGE]);
            let lost = tree.cut(Some(&mut Random::new(seed, 0)));
            assert_eq!(lost.pages + lost.kept, 2);
            let found = content(&tree, NAME).unwrap();
            seen.insert((found[0], found[PAGE]));
        }
        assert_eq!(seen, BTreeSet::from([(1, 1), (1, 2), (2, 1), (2, 2)]));
    }

    #[test]
    fn a_name_is_never_lost_between_two() {
        for seed in 0..40 {
            let (mut tree, number) = tree(false);
            tree.sync(number);
            tree.sync_names();
            tree.rename(NAME.as_ref(), "b".as_ref());
            tree.cut(Some(&mut Random::new(seed, 0)));
            assert_eq!(tree.names().count(), 1);
        }
    }

    #[test]
    fn what_only_became_shorter_counts_for_nothing() {
        let (mut tree, number) = tree(false);
        tree.write(number, 0, &[7; 3 * PAGE]);
        tree.sync(number);
        tree.sync_names();
        tree.resize(number, PAGE);
        assert_eq!(tree.cut(None), Lost::default());
        assert_eq!(content(&tree, NAME), Some(vec![7; 3 * PAGE]));
    }

    #[test]
    fn what_was_cut_off_and_made_long_again_is_zeros() {
        let (mut tree, number) = tree(false);
        tree.write(number, 0, &[7; 3 * PAGE]);
        tree.sync(number);
        tree.sync_names();
        tree.resize(number, 100);
        tree.resize(number, 3 * PAGE);
        tree.sync(number);
        tree.cut(None);
        let found = content(&tree, NAME).unwrap();
        assert_eq!(found.len(), 3 * PAGE);
        assert!(found[..100].iter().all(|it| *it == 7) && found[100..].iter().all(|it| *it == 0));
    }
}
