//! A disk whose power can be cut at any moment: of what was not synced then, any part is there.

use std::sync::{Arc, Mutex, PoisonError};

use redb::StorageBackend;

use super::*;

/// What a disk writes as a whole.
const WRITTEN: usize = 4096;

#[derive(Clone, Debug)]
enum Done {
    Written(usize, Vec<u8>),
    Sized(usize),
    Synced,
    /// So many records were acked.
    Acked(u64),
}

impl Done {
    /// What of it can be on a disk without the rest.
    fn pages(&self) -> Vec<Self> {
        let Self::Written(at, bytes) = self else {
            return vec![self.clone()];
        };
        let places = (*at..).step_by(WRITTEN);
        let pages = places.zip(bytes.chunks(WRITTEN));
        pages
            .map(|(at, page)| Self::Written(at, page.into()))
            .collect()
    }
}

/// Everything that was ever asked of a disk.
#[derive(Clone, Debug, Default)]
struct Journal(Arc<Mutex<(Vec<Done>, Vec<u8>)>>);

impl Journal {
    fn note(&self, done: Done) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        apply(&mut kept.1, &done);
        kept.0.push(done);
    }

    /// Where the power can be cut.
    fn len(&self) -> usize {
        self.0.lock().unwrap().0.len()
    }

    /// What is on the disk after a cut before the entry `at`, and how many records were acked until
    /// then. `survives` says of each page that was not synced whether it is there.
    fn cut(&self, at: usize, mut survives: impl FnMut() -> bool) -> (Vec<u8>, u64) {
        let done = &self.0.lock().unwrap().0[..at];
        let synced = done.iter().rposition(|it| matches!(it, Done::Synced));
        let (synced, lost) = done.split_at(synced.unwrap_or(0));
        let mut disk = Vec::new();
        for done in synced {
            apply(&mut disk, done);
        }
        for done in lost.iter().flat_map(Done::pages).filter(|_| survives()) {
            apply(&mut disk, &done);
        }
        let acked = done.iter().rev().find_map(|it| match it {
            Done::Acked(records) => Some(*records),
            _ => None,
        });
        (disk, acked.unwrap_or(0))
    }
}

fn apply(disk: &mut Vec<u8>, done: &Done) {
    match done {
        Done::Written(at, bytes) => {
            let end = at + bytes.len();
            disk.resize(disk.len().max(end), 0);
            disk[*at..end].copy_from_slice(bytes);
        }
        Done::Sized(length) => disk.resize(*length, 0),
        Done::Synced | Done::Acked(_) => {}
    }
}

impl StorageBackend for Journal {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().1.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.0.lock().unwrap().1[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.note(Done::Sized(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.note(Done::Synced);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.note(Done::Written(
            usize::try_from(offset).unwrap(),
            data.to_vec(),
        ));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_was_acked_is_read_after_a_cut_at_any_moment(
        commits in lengths(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 24),
    ) {
        let journal = Journal::default();
        let database = Database::builder().create_with_backend(journal.clone()).unwrap();
        // A file gets its name when this is on disk.
        commit(&database, &[vec![]], drop);
        let begun = journal.len();
        let all = commit(&database, &commits, |acked| journal.note(Done::Acked(acked)));
        drop(database);
        let mut file = tempfile::tempfile().unwrap();
        for (at, seed) in cuts {
            let mut state = seed | 1;
            let (disk, acked) = journal.cut(begun + at.index(journal.len() - begun + 1), || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state & 1 == 0
            });
            put(&mut file, &disk);
            let pages = Pages::open(&file).unwrap();
            let found = some_of(&file, &pages, 0, usize::MAX);
            prop_assert!(!pages.is_damaged && acked <= pages.records);
            prop_assert!(found.len() as u64 == pages.records && all.starts_with(&found));
        }
    }
}
