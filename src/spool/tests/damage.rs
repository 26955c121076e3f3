//! Files that somebody or something changed behind the spool's back: what can be read is given, what
//! cannot is set aside, and no file is in the way of another.

use redb::{Database, TableDefinition};

use super::*;

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside_and_the_rest_is_served() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |bytes| bytes[..bytes.len() / 16].to_vec(),
        |bytes| bytes[..700].to_vec(),
        |bytes| vec![0xA5; bytes.len()],
    ];
    for damage in damages {
        let stage = Stage::filled(256 << 10, 200).await;
        let path = stage.path(1);
        let changed = damage(fs::read(&path).unwrap());
        fs::write(&path, &changed).unwrap();
        let spool = stage.open();
        append(&spool, [201]).await;
        let served = drain(&spool).await;
        assert!(served.is_sorted() && served.contains(&1) && served.ends_with(&[200, 201]));
        assert!((100..200).contains(&served.len()), "{}", served.len());
        assert_eq!(spool.status().files_set_aside, 1);
        let aside = stage.files();
        assert_eq!(aside.len(), 1);
        assert!(aside[0].contains(".redb.corrupt-2026"), "{aside:?}");
        drop(spool);
        assert_eq!(stage.open().status().files_set_aside, 1);
    }
}

/// What a closed file uses lies at its beginning and, mostly one page, at its end.
#[tokio::test]
async fn a_file_that_lost_its_second_half_gives_all_that_was_in_the_first() {
    let stage = Stage::filled(256 << 10, 200).await;
    let bytes = fs::read(stage.path(1)).unwrap();
    fs::write(stage.path(1), &bytes[..bytes.len() / 2]).unwrap();
    let spool = stage.open();
    let served = drain(&spool).await;
    assert!(served.is_sorted() && served.ends_with(&[200]));
    assert!((190..200).contains(&served.len()), "{}", served.len());
    assert_eq!(spool.status().files_set_aside, 1);
}

/// Whatever bit flips: what comes out is what went in, in order, and what does not come out is in
/// a file that was set aside.
#[tokio::test]
async fn a_flipped_bit_loses_nothing_without_a_word() {
    let whole = Stage::filled(FILE_BYTES, 40).await;
    let name = whole.files().remove(0);
    let bytes = fs::read(whole.path(0)).unwrap();
    let used = bytes.iter().rposition(|it| *it != 0).unwrap() + 1;
    let (mut aside, mut short) = (0, 0);
    for round in 0..160_usize {
        let mut flipped = bytes.clone();
        // Every third in the first pages, where the structure is; the others anywhere.
        let end = if round % 3 == 0 { 8192 } else { used };
        flipped[round * 7919 * 13 % end] ^= 1 << (round % 8);
        // Every fourth as a crash leaves it that came while the file grew, or shrank.
        match round % 8 {
            1 => flipped.extend([0; 3 * 4096]),
            5 => flipped.truncate(bytes.len() - 4096),
            _ => {}
        }
        let (lost, kept) = what_is_missing(&name, &flipped, 40).await;
        short += usize::from(lost);
        aside += usize::from(kept);
    }
    assert!(
        short > 10 && aside >= short && aside < 160,
        "{short} {aside}"
    );
}

/// Opens a file with records from 1 to `count` that was damaged, and empties it in two runs: whether
/// some of them are missing, and whether it was set aside, which has to be if some are.
async fn what_is_missing(name: &str, bytes: &[u8], count: u64) -> (bool, bool) {
    let stage = Stage::new();
    drop(stage.open());
    fs::write(stage.settings.dir.join(name), bytes).unwrap();
    let before = drain_some(&stage.open()).await;
    let spool = stage.open();
    let after = drain(&spool).await;
    assert!(before.is_sorted() && after.is_sorted(), "{after:?}");
    let mut served = [before, after].concat();
    if spool.status().files_set_aside == 1 {
        // What was removed before may come out again.
        served.sort_unstable();
        served.dedup();
    }
    let lost = served.len() as u64 != count;
    let status = spool.status();
    let aside = status.files_set_aside == 1;
    assert!(!lost || aside, "{served:?} {status:?}");
    assert_eq!(status.records, 0);
    append(&spool, [count + 1]).await;
    assert_eq!(drain(&spool).await, [count + 1]);
    (lost, aside)
}

/// The page of pages leads to one that is not there, the more so the longer it is said to be; the
/// others it leads to are as they were.
#[tokio::test]
async fn a_page_that_lies_behind_the_end_of_its_file_costs_what_is_on_it() {
    // 16 MiB, and 4 GiB.
    for power in [12, 20] {
        let stage = Stage::filled(FILE_BYTES, 12).await;
        let mut bytes = fs::read(stage.path(0)).unwrap();
        let pages = bytes.chunks_exact_mut(4096);
        for page in pages.filter(|it| it[0] == BRANCH) {
            // After 8 bytes come the checksums of its pages, then their numbers with their length
            // on top (the design of redb, "Branch page").
            let pages = usize::from(page[2]) + 1;
            let numbers = page[8 + 16 * pages..].chunks_exact_mut(8).take(pages);
            let ninth = numbers.skip(8).take(1);
            ninth.for_each(|it| it.copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, power << 3]));
        }
        fs::write(stage.path(0), &bytes).unwrap();
        let served = drain(&stage.open()).await;
        assert_eq!(served, [range(1, 8), range(10, 12)].concat());
        assert_eq!(stage.open().status().files_set_aside, 1);
    }
}

/// It has a page to itself, which leads nowhere.
#[tokio::test]
async fn a_record_that_is_not_as_it_was_written_costs_itself() {
    let stage = Stage::filled(FILE_BYTES, 12).await;
    let mut bytes = fs::read(stage.path(0)).unwrap();
    for page in bytes.chunks_exact_mut(4096) {
        if page[0] != BRANCH && page[2048..2056] == [8; 8] {
            page[2048] = 0;
        }
    }
    fs::write(stage.path(0), &bytes).unwrap();
    let served = drain(&stage.open()).await;
    assert_eq!(served, [range(1, 7), range(9, 12)].concat());
    assert_eq!(stage.open().status().files_set_aside, 1);
}

/// What was noticed in one run is passed over in the next.
#[tokio::test]
async fn a_file_in_which_a_page_was_passed_over_is_kept_over_a_restart() {
    let stage = Stage::filled(FILE_BYTES, 12).await;
    let mut bytes = fs::read(stage.path(0)).unwrap();
    let mut pages = bytes.chunks_exact_mut(4096);
    let third = pages.find(|it| it[0] != BRANCH && it[2048..2056] == [3; 8]);
    third.unwrap().fill(0);
    fs::write(stage.path(0), &bytes).unwrap();
    for through in [2, 5, 11] {
        let spool = stage.open();
        let found = spool.read(None, 12).await.unwrap();
        let removed = found.iter().rfind(|it| it.0.record <= through);
        spool.remove(removed.unwrap().0).await.unwrap();
    }
    drain(&stage.open()).await;
    assert_eq!(stage.open().status().files_set_aside, 1);
}

/// What redb begins a page of records with, and one of pages.
const LEAF: u8 = 1;
const BRANCH: u8 = 2;

/// Records that share pages: a page has their count, the end of each, their numbers (the design of
/// redb, "Leaf page").
#[tokio::test]
async fn a_damaged_page_of_records_costs_those_that_are_damaged() {
    let stage = Stage::new();
    let spool = stage.open();
    let all = range(1, 40);
    for number in &all {
        let record = record(*number, vec![7; 300]);
        spool.append(&record).await.unwrap();
    }
    drop(spool);
    let name = stage.files().remove(0);
    let bytes = fs::read(stage.path(0)).unwrap();
    let mut cases = 0;
    for (at, page) in (0..).step_by(4096).zip(bytes.chunks_exact(4096)) {
        let count = usize::from(page[2]);
        let is_shared = page[0] == LEAF && page[3] == 0 && count > 4;
        for index in (0..count).filter(|_| is_shared) {
            let [end, number] = [4 + 4 * index, 4 + 4 * count + 8 * index];
            // A number that is too high would hide all up to it.
            for (at, cost) in [(at + number, 0), (at + number + 1, 0), (at + end, 2)] {
                let mut damaged = bytes.clone();
                damaged[at] ^= if index % 2 == 0 { 2 } else { 64 };
                let stage = Stage::new();
                drop(stage.open());
                fs::write(stage.settings.dir.join(&name), &damaged).unwrap();
                let spool = stage.open();
                let served = spool.read(None, 100).await.unwrap();
                let served: Vec<_> = served
                    .iter()
                    .map(|(_, it)| it.envelope.id.as_u128())
                    .collect();
                assert!(
                    served.is_sorted() && served.len() + cost >= all.len(),
                    "{served:?}"
                );
                cases += 1;
            }
        }
    }
    assert!(cases > 100, "{cases}");
}

/// Where redb says in a bit which of its two last commits is the last, and where these are.
const FLAGS: usize = 9;
const COMMITS: [usize; 2] = [64, 192];

/// The header of a file that a crash left, which is all that says what was written last.
#[tokio::test]
async fn a_damaged_header_costs_the_last_commit_at_most_and_says_so() {
    let stage = Stage::new();
    let spool = stage.open();
    for number in 1..=5 {
        append(&spool, [number]).await;
    }
    let (name, bytes) = (stage.files().remove(0), fs::read(stage.path(0)).unwrap());
    let flipped = |at: usize, bits: u8| {
        let mut bytes = bytes.clone();
        bytes[at] ^= bits;
        bytes
    };
    let (last, other) = match bytes[FLAGS] & 1 {
        0 => (COMMITS[0], COMMITS[1]),
        _ => (COMMITS[1], COMMITS[0]),
    };
    for (what, damaged, expected) in [
        ("the bit", flipped(FLAGS, 1), (false, false)),
        ("the last commit", flipped(last + 20, 1), (true, true)),
        ("the one before", flipped(other + 20, 1), (false, false)),
        ("the bit of two phases", flipped(FLAGS, 4), (false, false)),
    ] {
        let found = what_is_missing(&name, &damaged, 5).await;
        assert_eq!(found, expected, "{what}");
    }
    // Where it is the first commit that is damaged, the one before has no record.
    let stage = Stage::new();
    let spool = stage.open();
    append(&spool, [1]).await;
    let mut bytes = fs::read(stage.path(0)).unwrap();
    let last = COMMITS[usize::from(bytes[FLAGS] & 1)];
    bytes[last + 20] ^= 1;
    assert_eq!(what_is_missing(&name, &bytes, 1).await, (true, true));
}

/// What a disk leaves that writes a page in another's place, or not at all: earlier versions of
/// pages are still around, and of the one that all hang from they show a whole file.
#[tokio::test]
async fn an_earlier_version_of_a_page_loses_nothing_without_a_word() {
    let stage = Stage::new();
    let spool = stage.open();
    for number in 1..=5 {
        append(&spool, [number]).await;
    }
    let (name, bytes) = (stage.files().remove(0), fs::read(stage.path(0)).unwrap());
    let pages: Vec<_> = bytes.chunks_exact(4096).collect();
    let names_the_table = |it: &usize| pages[*it].windows(7).any(|it| it == b"records");
    let roots: Vec<_> = (0..pages.len()).filter(names_the_table).collect();
    let (mut short, mut whole) = (0, 0);
    for (from, to) in roots
        .iter()
        .flat_map(|it| roots.iter().map(move |to| (it, to)))
    {
        let mut changed = bytes.clone();
        changed[to * 4096..][..4096].copy_from_slice(pages[*from]);
        let (lost, aside) = what_is_missing(&name, &changed, 5).await;
        short += usize::from(lost);
        whole += usize::from(!aside);
    }
    assert!(short > 0 && whole > 0, "{short} {whole}");
}

/// Writing in this file, be it to close it or because it is longer than it says, redb stumbles over
/// this byte, and once more on the way out, which ends the process. Reading it gives everything.
#[tokio::test]
async fn a_page_that_writing_stumbles_over_twice_is_not_written_over() {
    for grown in [0, 3 * 4096] {
        let stage = Stage::new();
        let spool = stage.open();
        for number in 1..=12 {
            let length = if number % 4 == 0 { 9000 } else { 300 };
            let record = record(number, vec![7; length]);
            spool.append(&record).await.unwrap();
        }
        drop(spool);
        let mut bytes = fs::read(stage.path(0)).unwrap();
        bytes[8250] ^= 0x41;
        bytes.resize(bytes.len() + grown, 0);
        fs::write(stage.path(0), &bytes).unwrap();
        let spool = stage.open();
        let found = spool.read(None, 20).await.unwrap();
        assert_eq!(found.len(), 12);
        spool.remove(found[5].0).await.unwrap();
        drop(spool);
        assert_eq!(fs::read(stage.path(0)).unwrap(), bytes);
        assert_eq!(stage.open().status().records, 6);
    }
}

const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");

/// Changes a file behind the spool's back.
fn change(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let write = Database::open(path).unwrap();
    let write = write.begin_write().unwrap();
    change(&write);
    write.commit().unwrap();
}

/// Puts `bytes` where record `number` is.
fn overwrite(path: &Path, number: u64, bytes: &[u8]) {
    change(path, |write| {
        let mut records = write.open_table(RECORDS).unwrap();
        records.insert(number, bytes).unwrap();
    });
}

#[tokio::test]
async fn a_file_in_which_records_are_missing_is_served_and_kept() {
    for missing in [1, 3, 5] {
        let stage = Stage::filled(FILE_BYTES, 5).await;
        let path = stage.path(0);
        change(&path, |write| {
            let mut records = write.open_table(RECORDS).unwrap();
            records.remove(missing).unwrap();
            records.insert(6, &*numbered(6).encode().unwrap()).unwrap();
        });
        let spool = stage.open();
        let served: Vec<_> = range(1, 6)
            .into_iter()
            .filter(|it| *it != missing)
            .collect();
        assert_eq!(drain(&spool).await, served);
        assert_eq!(spool.status().files_set_aside, 1);
        assert!(stage.files()[0].contains(".redb.corrupt-"));
    }
}

/// Makes `changed` of the number that a record of a closed file has; it stands before the record.
fn renumber(path: &Path, number: u64, changed: u64) {
    let mut bytes = fs::read(path).unwrap();
    let record = numbered(number).encode().unwrap();
    let places: Vec<_> = (8..bytes.len() - record.len())
        .filter(|at| bytes[*at..].starts_with(&record))
        .filter(|at| bytes[at - 8..*at] == number.to_le_bytes())
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at - 8..at].copy_from_slice(&changed.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

/// The pages above say which it is. Neither the thread nor a count goes over the largest number, none
/// comes again for ever, and none hides those behind it.
#[tokio::test]
async fn a_number_that_cannot_be_costs_nothing() {
    for (number, changed) in [
        (9, u64::MAX),
        (9, u64::MAX - 1),
        (9, 0),
        (9, 5),
        (5, u64::MAX),
        (5, 6),
        (5, 2),
        (1, 0),
    ] {
        let case = format!("{number} is {changed}");
        let stage = Stage::filled(FILE_BYTES, 9).await;
        renumber(&stage.path(0), number, changed);
        let spool = stage.open();
        append(&spool, 10..=11).await;
        let waiting = spool.status().records;
        assert!((2..100_000).contains(&waiting), "{case}: {waiting}");
        assert_eq!(drain(&spool).await, range(1, 11), "{case}");
        let status = spool.status();
        assert_eq!((status.records, status.files_set_aside), (0, 1), "{case}");
        assert_eq!(status.obstacle, None, "{case}");
    }
}

#[tokio::test]
async fn a_note_of_what_was_removed_counts_for_the_record_that_it_names() {
    let mut stage = Stage::filled(FILE_BYTES, 5).await;
    let spool = stage.open();
    let found = spool.read(None, 3).await.unwrap();
    spool.remove(found[2].0).await.unwrap();
    drop(spool);
    let note = fs::read(stage.settings.dir.join("removed")).unwrap();
    assert_eq!(drain(&stage.open()).await, [4, 5]);
    // A file of the same number in another life of the directory.
    stage.settings.dir = stage.home.path().join("another");
    append(&stage.open(), 11..=15).await;
    fs::write(stage.settings.dir.join("removed"), &note).unwrap();
    assert_eq!(drain(&stage.open()).await, range(11, 15));
}

/// Somebody else deleted it, or the disk failed right behind the deletion.
#[tokio::test]
async fn a_file_that_is_gone_when_it_has_to_go_is_in_nobodys_way() {
    let stage = Stage::filled(256 << 10, 200).await;
    let spool = stage.open();
    let found = spool.read(None, 200).await.unwrap();
    let mut places = found.into_iter().map(|(place, _)| place);
    let first = places.next().unwrap();
    let last = places.take_while(|it| it.file == first.file).last();
    fs::remove_file(stage.path(0)).unwrap();
    spool.remove(last.unwrap()).await.unwrap();
    let left = drain(&spool).await;
    assert_eq!(left, range(last.unwrap().record + 1, 200));
}

/// Somebody made room on the disk by hand.
#[tokio::test]
async fn a_file_that_somebody_deleted_is_missed_and_in_the_way_of_no_other() {
    let stage = Stage::filled(256 << 10, 300).await;
    let spool = stage.open();
    let files = stage.files().len();
    assert!(files >= 4, "{files}");
    fs::remove_file(stage.path(1)).unwrap();
    let left = drain(&spool).await;
    assert!(left.is_sorted() && left.len() < 300 && left.ends_with(&[299, 300]));
    assert_eq!(spool.status().files_set_aside, 1);
    assert_eq!((spool.status().records, spool.status().bytes), (0, 0));
}

#[tokio::test]
async fn a_damaged_note_of_what_was_removed_removes_nothing() {
    for damage in [&[][..], &[0; 40], &[0xFF; 40], &[0; 400]] {
        let stage = Stage::filled(FILE_BYTES, 5).await;
        let spool = stage.open();
        let found = spool.read(None, 3).await.unwrap();
        spool.remove(found[2].0).await.unwrap();
        drop(spool);
        fs::write(stage.settings.dir.join("removed"), damage).unwrap();
        assert_eq!(drain(&stage.open()).await, range(1, 5));
    }
}

#[tokio::test]
async fn what_is_set_aside_in_the_same_second_takes_another_name() {
    let stage = Stage::filled(FILE_BYTES, 1).await;
    let path = stage.path(0);
    for _ in 0..3 {
        fs::write(&path, "no database").unwrap();
        stage.open();
    }
    assert_eq!(stage.files().len(), 3);
    assert_eq!(stage.open().status().files_set_aside, 3);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_passed_over_and_kept() {
    let stage = Stage::filled(FILE_BYTES, 5).await;
    let bytes = numbered(2).encode().unwrap();
    for number in [1, 3, 5] {
        overwrite(&stage.path(0), number, b"not a record");
    }
    let spool = stage.open();
    let found = spool.read(None, 1).await.unwrap();
    assert_eq!(found[0].1, numbered(2));
    spool.remove(found[0].0).await.unwrap();
    // What was passed over is known in the next run, too.
    drop(spool);
    let spool = stage.open();
    assert_eq!(drain(&spool).await, [4]);
    let status = spool.status();
    assert_eq!(
        (
            status.records,
            status.files_set_aside,
            status.records_set_aside
        ),
        (0, 1, 2)
    );
    drop(spool);
    let aside = stage.path(0);
    assert!(
        aside.to_string_lossy().contains(".redb.unreadable-"),
        "{aside:?}"
    );
    // Mended and named as before, it is read again from the first that could not be.
    let mended = stage.settings.dir.join("spool-0000000001.redb");
    fs::rename(&aside, &mended).unwrap();
    for number in [1, 3, 5] {
        overwrite(&mended, number, &bytes);
    }
    assert_eq!(drain(&stage.open()).await, [2, 2, 2, 4, 2]);
}

#[tokio::test]
async fn files_of_which_nothing_can_be_read_are_not_in_the_way() {
    let stage = Stage::filled(256 << 10, 200).await;
    let newer = [&[9_u8; 40][..]].concat();
    (1..=30).for_each(|number| overwrite(&stage.path(0), number, &newer));
    let last = stage.files().len() - 1;
    overwrite(&stage.path(last), 1, &newer);
    let spool = stage.open();
    let served = drain(&spool).await;
    assert!(served.is_sorted() && served.len() > 150);
    assert_eq!(spool.status().records, 0);
    assert_eq!(spool.status().files_set_aside, 2);
}
