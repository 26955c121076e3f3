//! The spool through its own door, in directories that go away: what it keeps, in which order, what
//! it refuses, and what it does with files that somebody damaged.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use redb::{Database, TableDefinition};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;

const MIB: u64 = 1 << 20;

/// A record that `number` tells from others.
pub(super) fn record(number: u64, body: impl Into<Bytes>) -> Record {
    Record {
        id: Uuid::from_u128(number.into()),
        received_at: at(number),
        app: "default".into(),
        headers: r#"{"user-agent":"a"}"#.to_owned(),
        remote_addr: Some([192, 0, 2, 7].into()),
        simulated: false,
        secret: "instagram".into(),
        body: body.into(),
    }
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + i64::try_from(number).unwrap()).unwrap()
}

/// A directory for a spool, and what is asked of it.
struct Stage {
    home: TempDir,
    settings: Settings,
}

impl Stage {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let settings = Settings {
            dir: home.path().join("spool"),
            max_bytes: 64 * MIB,
            reserve: 0,
            file_bytes: FILE_BYTES,
        };
        Self { home, settings }
    }

    fn open(&self) -> Spool {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Spool, Error> {
        let (clock, _) = Clock::manual(at(0));
        Spool::open(&self.settings, clock)
    }

    /// The names in the directory that begin like a file with records, sorted.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.settings.dir).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|it| it.starts_with("spool-")).collect();
        names.sort();
        names
    }

    fn path(&self, index: usize) -> PathBuf {
        self.settings.dir.join(&self.files()[index])
    }

    /// Files of a few records each, `records` in all, and nobody who has them open.
    async fn filled(file_bytes: u64, records: u64) -> Self {
        let mut stage = Self::new();
        stage.settings.file_bytes = file_bytes;
        let spool = stage.open();
        append(&spool, 1..=records).await;
        stage
    }
}

async fn append(spool: &Spool, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        spool.append(&numbered(number)).await.unwrap();
    }
}

/// A record of about a page, so that a file that is changed anywhere is changed in one.
fn numbered(number: u64) -> Record {
    record(number, vec![number.to_le_bytes()[0]; 3000])
}

/// Reads and removes everything as a drainer does, a few at a time, and says what it was.
async fn drain(spool: &Spool) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        let found = spool.read(None, 7).await.unwrap();
        let Some((last, _)) = found.last() else {
            return numbers;
        };
        for (_, record) in &found {
            let number = u64::try_from(record.id.as_u128()).unwrap();
            assert_eq!(*record, numbered(number));
            numbers.push(number);
        }
        spool.remove(*last).await.unwrap();
    }
}

fn range(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

#[tokio::test]
async fn what_was_taken_comes_out_in_order_in_this_run_and_in_the_next() {
    let stage = Stage::new();
    let spool = stage.open();
    append(&spool, 1..=10).await;
    let found = spool.read(None, 4).await.unwrap();
    let ids: Vec<_> = found.iter().map(|(_, it)| it.id.as_u128()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    let more = spool.read(Some(found[3].0), 100).await.unwrap();
    assert_eq!(more.len(), 6);
    assert!(more[0].0 > found[3].0);
    drop(spool);
    let again = stage.open();
    assert_eq!(again.status().records, 10);
    append(&again, 11..=12).await;
    assert_eq!(drain(&again).await, range(1, 12));
}

#[tokio::test]
async fn what_was_removed_stays_away_and_an_emptied_file_goes() {
    let stage = Stage::new();
    let spool = stage.open();
    append(&spool, 1..=5).await;
    let found = spool.read(None, 100).await.unwrap();
    spool.remove(found[2].0).await.unwrap();
    // Removing what is removed changes nothing.
    spool.remove(found[0].0).await.unwrap();
    assert_eq!(spool.status().records, 2);
    assert_eq!(spool.status().oldest, Some(at(4)));
    drop(spool);
    let again = stage.open();
    assert_eq!(
        (again.status().records, again.status().oldest),
        (2, Some(at(4)))
    );
    assert_eq!(drain(&again).await, [4, 5]);
    assert!(stage.files().is_empty());
    let status = again.status();
    assert_eq!((status.records, status.bytes, status.files), (0, 0, 0));
    assert_eq!((status.oldest, status.obstacle), (None, None));
    append(&again, 6..=6).await;
    assert_eq!(again.status().oldest, Some(at(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_many_tasks_are_all_kept_once() {
    let stage = Stage::new();
    let spool = stage.open();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let spool = spool.clone();
            tokio::spawn(async move { append(&spool, task * 100 + 1..=task * 100 + 50).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut numbers = drain(&spool).await;
    for task in 0..16 {
        let of_it = |number: &&u64| (**number - 1) / 100 == task;
        let of_it: Vec<u64> = numbers.iter().filter(of_it).copied().collect();
        assert_eq!(
            of_it,
            range(task * 100 + 1, task * 100 + 50),
            "in the order of each task"
        );
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 800);
}

#[tokio::test]
async fn files_are_rolled_and_go_one_by_one() {
    let stage = Stage::filled(256 << 10, 200).await;
    let files = stage.files().len();
    assert!((4..=10).contains(&files), "{files}");
    let spool = stage.open();
    let before = spool.status();
    let found = spool.read(None, 100).await.unwrap();
    assert_eq!(found.len(), 100);
    spool.remove(found[99].0).await.unwrap();
    assert!(stage.files().len() < files);
    assert!(spool.status().bytes < before.bytes);
    assert_eq!(drain(&spool).await, range(101, 200));
    assert!(stage.files().is_empty());
}

#[tokio::test]
async fn a_read_takes_a_bounded_part() {
    let stage = Stage::new();
    let spool = stage.open();
    for number in 1..=12 {
        spool
            .append(&record(number, vec![7; 1 << 20]))
            .await
            .unwrap();
    }
    let found = spool.read(None, 100).await.unwrap();
    assert_eq!(found.len(), 8);
    assert_eq!(spool.read(None, 0).await.unwrap().len(), 0);
    assert_eq!(spool.read(Some(found[7].0), 100).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_full_spool_refuses_at_once_and_takes_again_when_room_came_back() {
    let mut stage = Stage::new();
    stage.settings.max_bytes = MIB;
    let spool = stage.open();
    let mut taken = 0;
    let refused = loop {
        match spool.append(&numbered(taken + 1)).await {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, Refused::Full);
    assert!(taken > 100, "{taken}");
    let status = spool.status();
    assert_eq!(status.obstacle, Some(Obstacle::Full));
    let path = |index| fs::metadata(stage.path(index)).unwrap().blocks() * 512;
    let on_disk: u64 = (0..stage.files().len()).map(path).sum();
    assert!(on_disk <= 2 * MIB, "{on_disk} of {}", status.bytes);
    let found = spool.read(None, 100).await.unwrap();
    spool.remove(found[99].0).await.unwrap();
    assert_eq!(spool.status().obstacle, None);
    append(&spool, [taken + 1]).await;
    assert_eq!(drain(&spool).await, range(101, taken + 1));
}

#[tokio::test]
async fn a_spool_that_may_have_less_than_it_holds_keeps_it_and_takes_again_when_there_is_room() {
    let mut stage = Stage::filled(256 << 10, 300).await;
    stage.settings.max_bytes = MIB / 2;
    stage.settings.reserve = MIB / 4;
    let spool = stage.open();
    let status = spool.status();
    assert_eq!(status.obstacle, Some(Obstacle::Full));
    assert!(status.bytes > status.max_bytes && status.records == 300);
    assert_eq!(spool.append(&numbered(301)).await, Err(Refused::Full));
    assert_eq!(drain(&spool).await, range(1, 300));
    let status = spool.status();
    assert_eq!((status.obstacle, status.reserved), (None, MIB / 4));
    append(&spool, [301]).await;
    assert_eq!(drain(&spool).await, [301]);
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused() {
    let stage = Stage::new();
    let spool = stage.open();
    let long = record(1, vec![0; LONGEST]);
    assert_eq!(spool.append(&long).await, Err(Refused::TooLong));
    assert_eq!(spool.status().bytes, 0);
}

#[tokio::test]
async fn one_process_at_a_time_uses_a_directory() {
    let stage = Stage::new();
    let spool = stage.open();
    let held = stage.try_open().unwrap_err();
    assert!(matches!(held, Error::Held { pid: Some(pid), .. } if pid == std::process::id()));
    drop(spool);
    stage.open();
}

#[tokio::test]
async fn directory_and_files_are_the_owners_alone() {
    let stage = Stage::filled(FILE_BYTES, 3).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&stage.settings.dir), 0o700);
    assert_eq!(mode(&stage.path(0)), 0o600);
    for unsafe_mode in [0o777, 0o770, 0o702] {
        fs::set_permissions(&stage.settings.dir, Permissions::from_mode(unsafe_mode)).unwrap();
        let refused = stage.try_open().unwrap_err();
        assert!(matches!(refused, Error::OpenToOthers { mode, .. } if mode == unsafe_mode));
    }
    fs::set_permissions(&stage.settings.dir, Permissions::from_mode(0o750)).unwrap();
    assert_eq!(drain(&stage.open()).await, [1, 2, 3]);
}

#[tokio::test]
async fn what_cannot_be_a_directory_is_refused_with_its_name() {
    let mut stage = Stage::new();
    stage.settings.dir = stage.home.path().join("file");
    fs::write(&stage.settings.dir, "").unwrap();
    let refused = stage.try_open().unwrap_err();
    assert!(
        matches!(refused, Error::Directory { what: "make", .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("/file"));
}

#[tokio::test]
async fn what_was_never_finished_is_cleared_away_and_other_files_are_left_alone() {
    let stage = Stage::filled(FILE_BYTES, 3).await;
    let dir = &stage.settings.dir;
    fs::write(dir.join("spool-0000000009.redb.new"), "half").unwrap();
    fs::write(dir.join("notes.txt"), "of a person").unwrap();
    assert_eq!(drain(&stage.open()).await, [1, 2, 3]);
    assert!(stage.files().is_empty());
    assert!(dir.join("notes.txt").exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside_and_the_rest_is_served() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |bytes| bytes[..bytes.len() / 2].to_vec(),
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

/// Opens a file with records from 1 to `count` that was damaged, and empties it: whether some of
/// them are missing, and whether it was set aside, which has to be if some are.
async fn what_is_missing(name: &str, bytes: &[u8], count: u64) -> (bool, bool) {
    let stage = Stage::new();
    drop(stage.open());
    fs::write(stage.settings.dir.join(name), bytes).unwrap();
    let spool = stage.open();
    let served = drain(&spool).await;
    assert!(served.is_sorted(), "{served:?}");
    let lost = served.len() as u64 != count;
    let status = spool.status();
    let aside = status.files_set_aside == 1;
    assert!(!lost || aside, "{served:?} {status:?}");
    assert_eq!(status.records, 0);
    append(&spool, [count + 1]).await;
    assert_eq!(drain(&spool).await, [count + 1]);
    (lost, aside)
}

/// After an error redb refuses all else, and the last one before the damage cannot be read either.
#[tokio::test]
async fn a_page_that_lies_behind_the_end_of_its_file_ends_it_and_no_reading() {
    let stage = Stage::new();
    let spool = stage.open();
    for number in 1..=12 {
        // One on a page.
        let record = record(number.into(), vec![number; 9000]);
        spool.append(&record).await.unwrap();
    }
    drop(spool);
    let mut bytes = fs::read(stage.path(0)).unwrap();
    for page in bytes.chunks_exact_mut(4096) {
        if page[0] == 2 {
            // A page of pages: 8 bytes, their checksums, their numbers with their length on top
            // (the design of redb, "Branch page").
            let pages = usize::from(page[2]) + 1;
            let numbers = page[8 + 16 * pages..].chunks_exact_mut(8).take(pages);
            let ninth = numbers.skip(8).take(1);
            ninth.for_each(|it| it.copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0x60]));
        } else if page[2048..2056] == [8; 8] {
            page[2048] = 0;
        }
    }
    fs::write(stage.path(0), &bytes).unwrap();
    let (spool, mut served) = (stage.open(), 0);
    loop {
        let found = spool.read(None, 7).await.unwrap();
        let Some((last, _)) = found.last() else { break };
        served += found.len();
        spool.remove(*last).await.unwrap();
    }
    assert_eq!((served, spool.status().files_set_aside), (7, 1));
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

/// Neither the thread nor a count goes over the largest number, and no number comes again for ever.
#[tokio::test]
async fn a_number_that_cannot_be_ends_its_file_and_nothing_else() {
    for (number, changed) in [
        (9, u64::MAX),
        (9, u64::MAX - 1),
        (9, 0),
        (9, 5),
        (5, u64::MAX),
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
        let served = drain(&spool).await;
        assert!(
            served.is_sorted() && served.ends_with(&[10, 11]),
            "{case}: {served:?}"
        );
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

#[tokio::test]
async fn a_copy_of_the_directory_at_any_moment_has_all_that_was_taken_until_then() {
    let mut stage = Stage::new();
    stage.settings.file_bytes = 256 << 10;
    let spool = stage.open();
    for round in 0..20 {
        append(&spool, round * 11 + 1..=round * 11 + 11).await;
        if round % 5 == 4 {
            let found = spool.read(None, 9).await.unwrap();
            spool.remove(found[8].0).await.unwrap();
        }
        let copy = Stage {
            settings: Settings {
                dir: stage.home.path().join(format!("copy-{round}")),
                ..stage.settings.clone()
            },
            home: TempDir::new().unwrap(),
        };
        drop(copy.open());
        let note = stage.settings.dir.join("removed").exists();
        let note = note.then(|| "removed".to_owned());
        for name in stage.files().into_iter().chain(note) {
            fs::copy(
                stage.settings.dir.join(&name),
                copy.settings.dir.join(&name),
            )
            .unwrap();
        }
        let first = (round + 1) / 5 * 9 + 1;
        let copied = copy.open();
        assert_eq!(drain(&copied).await, range(first, round * 11 + 11));
        assert_eq!(copied.status().files_set_aside, 0);
    }
}

#[tokio::test]
async fn the_reserve_gives_way_to_records_and_is_taken_again() {
    let mut stage = Stage::new();
    stage.settings.reserve = 8 * MIB;
    let spool = stage.open();
    let reserve = || {
        fs::metadata(stage.settings.dir.join("reserve"))
            .unwrap()
            .blocks()
            * 512
    };
    assert!(reserve() >= 8 * MIB);
    assert_eq!(
        (spool.status().reserve, spool.status().reserved),
        (8 * MIB, 8 * MIB)
    );
    append(&spool, 1..=600).await;
    let status = spool.status();
    assert!(
        status.reserved <= 3 * MIB && reserve() <= 3 * MIB,
        "{status:?}"
    );
    assert_eq!(drain(&spool).await.len(), 600);
    assert!(reserve() >= 8 * MIB);
}

/// Has the disk refuse what comes, by a directory in the place of the file that is to be made.
async fn refuses(stage: &Stage, spool: &Spool) -> PathBuf {
    let in_the_way = stage.settings.dir.join("spool-0000000001.redb.new");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(spool.append(&numbered(1)).await, Err(Refused::Failed));
    in_the_way
}

#[tokio::test]
async fn what_the_disk_does_not_take_is_refused_and_said_until_it_does() {
    let stage = Stage::new();
    let spool = stage.open();
    let in_the_way = refuses(&stage, &spool).await;
    let status = spool.status();
    assert!(
        matches!(status.obstacle, Some(Obstacle::Disk(_))),
        "{status:?}"
    );
    assert_eq!((status.records, status.bytes), (0, 0));
    fs::remove_dir(&in_the_way).unwrap();
    while spool.append(&numbered(1)).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(spool.status().obstacle, None);
    assert_eq!(drain(&spool).await, [1]);
}

/// A balancer sends nothing to a server whose spool is in trouble.
#[tokio::test]
async fn a_disk_that_takes_again_is_noticed_though_nothing_comes() {
    let stage = Stage::new();
    let spool = stage.open();
    let in_the_way = refuses(&stage, &spool).await;
    spool.try_again();
    assert_eq!(spool.read(None, 1).await.unwrap(), []);
    assert_ne!(spool.status().obstacle, None);
    fs::remove_dir(&in_the_way).unwrap();
    let noticed = async {
        while spool.status().obstacle.is_some() {
            spool.try_again();
            tokio::task::yield_now().await;
        }
    };
    let noticed = tokio::time::timeout(Duration::from_secs(30), noticed);
    noticed.await.expect("it is noticed");
    assert_eq!((spool.status().files, spool.status().bytes), (0, 0));
    assert!(stage.files().is_empty());
    append(&spool, 1..=2).await;
    assert_eq!(drain(&spool).await, [1, 2]);
}
