//! Against redb itself: what it has in a file, and what is read of the file without it. And how many
//! pages may be unreadable.

use std::{fs, path::Path};

use proptest::prelude::*;
use redb::{Database, Durability, ReadableTable, TableDefinition};
use tempfile::TempDir;

use super::*;
use crate::spool::log::Log;

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

type Records = Vec<(u64, Vec<u8>)>;

/// Commits of records of these lengths, one commit after the other, as the spool makes them.
fn commit(database: &Database, commits: &[Vec<usize>]) -> Records {
    let mut all = Records::new();
    for lengths in commits {
        let mut write = database.begin_write().unwrap();
        write.set_durability(Durability::Immediate).unwrap();
        write.set_two_phase_commit(true);
        let mut table = write.open_table(RECORDS).unwrap();
        for length in lengths {
            let number = all.len() as u64 + 1;
            let record = vec![number.to_le_bytes()[0]; *length];
            table.insert(number, &*record).unwrap();
            all.push((number, record));
        }
        drop(table);
        write.commit().unwrap();
    }
    all
}

/// All records behind `after`, but at most `most`.
fn read(path: &Path, after: u64, most: usize) -> Records {
    let file = File::open(path).unwrap();
    let pages = Pages::open(&file).unwrap();
    let mut found = Records::new();
    let is_damaged = pages.read(&file, after, &mut |number, record| {
        found.push((number, record.to_vec()));
        found.len() < most
    });
    assert!(!is_damaged.unwrap() && !pages.is_damaged);
    found
}

fn read_by_redb(path: &Path) -> Records {
    let database = Database::open(path).unwrap();
    let read = redb::ReadableDatabase::begin_read(&database).unwrap();
    let table = read.open_table(RECORDS).unwrap();
    let all = table.iter().unwrap();
    all.map(|it| it.unwrap())
        .map(|(number, record)| (number.value(), record.value().to_vec()))
        .collect()
}

/// Most are small, so that many share a page and branches become deep; some take pages of their own.
fn lengths() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let length = prop_oneof![20 => 0..200_usize, 4 => 200..9000_usize, 1 => 9000..300_000_usize];
    prop::collection::vec(prop::collection::vec(length, 0..120), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_redb_has_in_a_file_is_what_is_read(commits in lengths(), after in 0..2500_u64) {
        let dir = TempDir::new().unwrap();
        let [open, left] = ["open", "left"].map(|name| dir.path().join(name));
        let database = Database::create(&open).unwrap();
        let all = commit(&database, &commits);
        // As a crash leaves it, and as it is when it was closed.
        fs::copy(&open, &left).unwrap();
        drop(database);
        for path in [&left, &open] {
            prop_assert!(read(path, 0, usize::MAX) == all);
            let behind: Vec<_> = all.iter().filter(|it| it.0 > after).take(7).cloned().collect();
            prop_assert!(read(path, after, 7) == behind);
            prop_assert!(read_by_redb(path) == all);
        }
    }
}

/// Three levels of pages, and pages that are freed and used again from commit to commit.
#[test]
fn a_deep_file_is_read_from_anywhere() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep");
    let database = Database::create(&path).unwrap();
    let all = commit(&database, &vec![vec![1500; 400]; 60]);
    for after in [0, 1, 11_999, 12_000, 23_998, 23_999, 24_000, u64::MAX] {
        let behind: Vec<_> = all
            .iter()
            .filter(|it| it.0 > after)
            .take(9)
            .cloned()
            .collect();
        assert!(read(&path, after, 9) == behind, "{after}");
    }
    assert!(read(&path, 0, usize::MAX) == all);
}

#[test]
fn of_what_a_disk_cannot_read_a_few_pages_are_passed_over() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("file");
    drop(Log::create(&path).unwrap());
    let file = File::open(&path).unwrap();
    let pages = Pages::open(&file).unwrap();
    let mut walk = Walk {
        pages: &pages,
        file: &file,
        patience: PATIENCE,
        last: 0,
        take: &mut |_: u64, _: &[u8]| true,
        is_damaged: false,
    };
    for _ in 0..100 {
        walk.pass_over(damaged()).unwrap();
    }
    for may_pass in [[true; PATIENCE as usize].as_slice(), &[false; 2]].concat() {
        let passed = walk.pass_over(io::Error::from_raw_os_error(EIO));
        assert_eq!(passed.is_ok(), may_pass);
    }
    assert!(walk.is_damaged);
    walk.pass_over(damaged()).unwrap();
    let full = io::ErrorKind::StorageFull.into();
    walk.pass_over(full).unwrap_err();
}
