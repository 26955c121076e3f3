//! Files changed from outside: readable records come out, unreadable ones are set aside, and no
//! file blocks another.

use proptest::prelude::*;

use super::{
    super::segment::{Segment, Taken, Writer},
    *,
};

/// Writes a file of these records, one commit each, and closes it if `is_closed`. Returns the
/// length after creation and the end offset of each frame.
fn write(path: &Path, records: &[Vec<u8>], is_closed: bool) -> Vec<usize> {
    let mut writer = Writer::create(path).unwrap();
    let length = || fs::read(path).unwrap().len();
    let mut ends = vec![length()];
    for record in records {
        writer = writer.append(std::slice::from_ref(record)).unwrap();
        ends.push(length());
    }
    if is_closed {
        writer.close().unwrap();
    }
    ends
}

/// Reads the file at `path`: returns the record numbers, and true if the file is damaged.
fn read(path: &Path) -> (Vec<u64>, bool) {
    let mut segment = Segment::adopt(1, path).unwrap();
    let mut taken = Taken::nothing(usize::MAX, usize::MAX);
    assert!(segment.read(path, 0, &mut taken).unwrap());
    let number = |record: &Record| u64::try_from(record.envelope.id.as_u128()).unwrap();
    let numbers = taken.records.iter().map(|(place, record)| {
        assert_eq!(place.record, number(record));
        number(record)
    });
    (numbers.collect(), segment.damaged)
}

/// Encoded records with bodies of these lengths.
fn encoded(lengths: &[usize]) -> Vec<Vec<u8>> {
    let records = (1..)
        .zip(lengths)
        .map(|(number, length)| record(number, vec![7; *length]));
    records.map(|it| it.encode().unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_changed_byte_costs_the_record_it_lies_in(
        lengths in prop::collection::vec(0..9000_usize, 1..20),
        at: prop::sample::Index, bits in 1..=255_u8, is_closed: bool,
    ) {
        let home = TempDir::new().unwrap();
        let path = home.path().join("file");
        let ends = write(&path, &encoded(&lengths), is_closed);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        fs::write(&path, bytes).unwrap();
        let last = lengths.len();
        let lost = ends.partition_point(|end| *end <= at);
        let mut expected = range(1, last as u64);
        let is_record = (1..=last).contains(&lost);
        expected.retain(|it| !is_record || *it != lost as u64);
        let (served, is_damaged) = read(&path);
        prop_assert_eq!(served, expected);
        // The last record could be a torn end that a crash left.
        let is_seen = lost < last || is_closed && is_record;
        prop_assert_eq!(is_damaged, is_seen, "{} of {}", lost, last);
    }

    #[test]
    fn a_file_that_was_cut_off_gives_all_up_to_there(
        lengths in prop::collection::vec(0..9000_usize, 1..20),
        at: prop::sample::Index, is_closed: bool, zeros in 0..9000_usize,
    ) {
        let home = TempDir::new().unwrap();
        let path = home.path().join("file");
        let ends = write(&path, &encoded(&lengths), is_closed);
        let before = fs::read(&path).unwrap();
        let at = at.index(before.len());
        let mut bytes = before[..at].to_vec();
        bytes.resize(at + zeros, 0);
        fs::write(&path, &bytes).unwrap();
        let is_there = |end: &usize| bytes.get(..*end) == before.get(..*end);
        let left = ends[1..].partition_point(is_there) as u64;
        prop_assert_eq!(read(&path), (range(1, left), at < ends[0]));
    }

    /// Simulates a disk that writes a block in another's place, or not at all.
    #[test]
    fn exchanged_blocks_cost_the_records_they_lie_in(
        lengths in prop::collection::vec(0..9000_usize, 4..20),
        from: prop::sample::Index, to: prop::sample::Index, is_kept: bool,
    ) {
        const BLOCK: usize = 4096;
        let home = TempDir::new().unwrap();
        let path = home.path().join("file");
        let ends = write(&path, &encoded(&lengths), true);
        let before = fs::read(&path).unwrap();
        let blocks = before.len().div_ceil(BLOCK);
        let mut bytes = before.clone();
        bytes.resize(blocks * BLOCK, 0);
        let [from, to] = [from, to].map(|it| it.index(blocks) * BLOCK);
        let block = bytes[from..from + BLOCK].to_vec();
        if is_kept {
            bytes.copy_within(to..to + BLOCK, from);
        }
        bytes[to..to + BLOCK].copy_from_slice(&block);
        bytes.truncate(before.len());
        fs::write(&path, &bytes).unwrap();
        let is_changed = |at: usize| before[ends[at - 1]..ends[at]] != bytes[ends[at - 1]..ends[at]];
        let expected = (1..=lengths.len()).filter(|it| !is_changed(*it)).map(|it| it as u64);
        let expected: Vec<_> = expected.collect();
        let is_end_kept = before[ends[lengths.len()]..] == bytes[ends[lengths.len()]..];
        let is_start_kept = before[..ends[0]] == bytes[..ends[0]];
        let (served, is_damaged) = read(&path);
        prop_assert_eq!(&served, &expected);
        if is_end_kept {
            prop_assert_eq!(is_damaged, served.len() < lengths.len() || !is_start_kept);
        }
    }
}

/// An attacker who knows the format may send us a body with frames.
#[tokio::test]
async fn frames_in_a_body_are_no_records() {
    let inner = Stage::filled(FILE_BYTES, 3).await;
    let inner = fs::read(inner.path(0)).unwrap();
    let home = TempDir::new().unwrap();
    let path = home.path().join("file");
    let record = |number| record(number, inner.clone()).encode().unwrap();
    let ends = write(&path, &[record(11), record(12), record(13)], true);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        // All heads and ends, and a sample of the bytes between.
        if ends.iter().all(|end| at.abs_diff(*end) > 40) && at % 97 > 0 {
            continue;
        }
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        let mut segment = Segment::adopt(1, &path).unwrap();
        let mut taken = Taken::nothing(usize::MAX, usize::MAX);
        segment.read(&path, 0, &mut taken).unwrap();
        let served = taken.records;
        assert!(served.len() >= 2, "{at}");
        assert!(
            served
                .iter()
                .all(|(_, it)| (11..=13).contains(&it.envelope.id.as_u128()))
        );
    }
}

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_set_aside_and_the_rest_is_served() {
    let damages: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| Vec::new(),
        |bytes| bytes[..7].to_vec(),
        |bytes| vec![0; bytes.len()],
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
        assert!(aside[0].contains(".segment.corrupt-2026"), "{aside:?}");
        drop(spool);
        assert_eq!(stage.open().status().files_set_aside, 1);
    }
}

/// Damages these records of the file at `path`, in the middle.
fn hurt(path: &Path, numbers: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    for number in numbers {
        let at = bytes.windows(3000).position(|it| it == [*number; 3000]);
        bytes[at.unwrap() + 1500] ^= 1;
    }
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_damaged_record_costs_itself_and_its_file_is_kept() {
    for hurting in [&[1][..], &[8], &[12], &[3, 4, 5], &[1, 6, 12]] {
        let stage = Stage::filled(FILE_BYTES, 12).await;
        hurt(&stage.path(0), hurting);
        let spool = stage.open();
        append(&spool, [13]).await;
        let mut expected = range(1, 13);
        expected.retain(|it| hurting.iter().all(|hurt| u64::from(*hurt) != *it));
        assert_eq!(drain(&spool).await, expected);
        let status = spool.status();
        assert_eq!((status.records, status.files_set_aside), (0, 1));
    }
}

/// Damage noticed in one run is skipped in the next.
#[tokio::test]
async fn a_file_in_which_a_record_was_passed_over_is_kept_over_a_restart() {
    let stage = Stage::filled(FILE_BYTES, 12).await;
    hurt(&stage.path(0), &[3]);
    for through in [2, 5, 11] {
        let spool = stage.open();
        let found = spool.read(None, 12).await.unwrap();
        let removed = found.iter().rfind(|it| it.0.record <= through);
        spool.remove(removed.unwrap().0).await.unwrap();
    }
    drain(&stage.open()).await;
    assert_eq!(stage.open().status().files_set_aside, 1);
}

/// The drain reads a few records at a time; a listing may start anywhere.
#[tokio::test]
async fn a_record_is_found_by_its_place_whatever_is_damaged_before_it() {
    let stage = Stage::filled(FILE_BYTES, 30).await;
    hurt(&stage.path(0), &[4, 5, 20]);
    let spool = stage.open();
    let all = spool.read(None, 100).await.unwrap();
    assert_eq!(all.len(), 27);
    for (index, (place, _)) in all.iter().enumerate() {
        for most in [1, 5] {
            let found = spool.read(Some(*place), most).await.unwrap();
            let behind = all[index + 1..].iter().take(most);
            assert!(behind.eq(&found));
        }
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
    // A file with the same number in a different directory.
    stage.settings.dir = stage.home.path().join("another");
    append(&stage.open(), 11..=15).await;
    fs::write(stage.settings.dir.join("removed"), &note).unwrap();
    assert_eq!(drain(&stage.open()).await, range(11, 15));
}

/// The file was deleted from outside, or the disk failed right after the deletion.
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

/// An operator freed disk space by deleting a file.
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
        fs::write(&path, "no spool").unwrap();
        stage.open();
    }
    assert_eq!(stage.files().len(), 3);
    assert_eq!(stage.open().status().files_set_aside, 3);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_passed_over_and_kept() {
    let stage = Stage::new();
    drop(stage.open());
    let path = stage.settings.dir.join("spool-0000000001.segment");
    let newer = |number: u64| match number {
        2 | 4 => numbered(number).encode().unwrap(),
        _ => b"not a record".to_vec(),
    };
    let records: Vec<_> = (1..=5).map(newer).collect();
    write(&path, &records, true);
    let spool = stage.open();
    let found = spool.read(None, 1).await.unwrap();
    assert_eq!(found[0].1, numbered(2));
    spool.remove(found[0].0).await.unwrap();
    // The next run knows the skipped records, too.
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
        aside.to_string_lossy().contains(".segment.unreadable-"),
        "{aside:?}"
    );
    // With its old name, the file is read again from its start.
    fs::rename(&aside, &path).unwrap();
    assert_eq!(drain(&stage.open()).await, [2, 4]);
}

#[tokio::test]
async fn files_of_which_nothing_can_be_read_are_not_in_the_way() {
    let stage = Stage::filled(256 << 10, 200).await;
    let newer = vec![vec![9_u8; 40]; 30];
    for index in [0, stage.files().len() - 1] {
        write(&stage.path(index), &newer, index == 0);
    }
    let spool = stage.open();
    let served = drain(&spool).await;
    assert!(served.is_sorted() && served.len() > 50);
    assert_eq!(spool.status().records, 0);
    assert_eq!(spool.status().files_set_aside, 2);
}
