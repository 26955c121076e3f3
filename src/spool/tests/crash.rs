//! A segment file after a crash at any moment: every record is readable whose commit returned,
//! whatever happened to the other bytes.

use proptest::prelude::*;

use super::{
    super::segment::{Segment, Taken, Writer},
    *,
};

/// Page size of disk writes.
const PAGE: usize = 4096;

/// Record `number`, with a body of `length` bytes.
fn of_length(number: u64, length: usize) -> Record {
    record(number, vec![number.to_le_bytes()[0]; length])
}

/// Writes a file with these commits, given as lengths of record bodies, and returns its length
/// after each commit.
fn written(path: &Path, commits: &[Vec<usize>]) -> Vec<usize> {
    let mut writer = Writer::create(path).unwrap();
    let mut ends = vec![fs::read(path).unwrap().len()];
    for commit in commits {
        let numbers = writer.end.number + 1..;
        let records = numbers
            .zip(commit)
            .map(|(number, length)| of_length(number, *length));
        let records: Vec<_> = records.map(|it| it.encode().unwrap()).collect();
        writer = writer.append(&records).unwrap();
        ends.push(fs::read(path).unwrap().len());
    }
    ends
}

/// The file after a power cut: the first `synced` bytes of `written` are intact; of the rest
/// `length` bytes remain, with zeros in place of the `lost` pages.
fn cut(written: &[u8], synced: usize, length: usize, lost: &[bool]) -> Vec<u8> {
    let mut disk = written[..synced + length].to_vec();
    for (page, is_lost) in (synced / PAGE..).zip(lost) {
        let end = ((page + 1) * PAGE).min(disk.len());
        if let Some(page) = disk
            .get_mut((page * PAGE).max(synced)..end)
            .filter(|_| *is_lost)
        {
            page.fill(0);
        }
    }
    disk
}

/// Reads all records of the file at `path`, and asserts that it is not damaged.
fn whole(path: &Path) -> Vec<Record> {
    let mut segment = Segment::adopt(1, path).unwrap();
    let mut taken = Taken::nothing(usize::MAX, usize::MAX);
    assert!(segment.read(path, 0, &mut taken).unwrap() && !segment.damaged);
    taken
        .records
        .into_iter()
        .map(|(_, record)| record)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_crash_at_any_moment_loses_nothing_that_was_acknowledged(
        commits in prop::collection::vec(prop::collection::vec(0..9000_usize, 1..6), 1..6),
        acked: prop::sample::Index, length: prop::sample::Index,
        lost in prop::collection::vec(any::<bool>(), 20),
    ) {
        let home = TempDir::new().unwrap();
        let path = home.path().join("file");
        let ends = written(&path, &commits);
        let acked = acked.index(commits.len());
        let bytes = fs::read(&path).unwrap();
        let (synced, end) = (ends[acked], ends[acked + 1]);
        let left = cut(&bytes[..end], synced, length.index(end - synced + 1), &lost);
        fs::write(&path, left).unwrap();
        let lengths: Vec<_> = commits[..=acked].concat();
        let acked = commits[..acked].concat().len();
        let all = (1..).zip(&lengths).map(|(number, length)| of_length(number, *length));
        let all: Vec<_> = all.collect();
        let served = whole(&path);
        prop_assert_eq!(&served[..acked], &all[..acked]);
        // A record that was written but not synced may be there or not.
        prop_assert!(served.iter().all(|it| all.contains(it)));
        prop_assert!(served.is_sorted_by_key(|it| it.envelope.id));
    }
}

#[tokio::test]
async fn a_file_that_a_crash_left_is_served_and_not_written_again() {
    let stage = Stage::filled(FILE_BYTES, 5).await;
    let bytes = fs::read(stage.path(0)).unwrap();
    // Cut in the middle of the last record.
    fs::write(stage.path(0), &bytes[..bytes.len() - 1000]).unwrap();
    let left = fs::read(stage.path(0)).unwrap();
    let spool = stage.open();
    assert_eq!(spool.status().records, 4);
    append(&spool, [6]).await;
    assert_eq!(fs::read(stage.path(0)).unwrap(), left);
    assert_eq!(drain(&spool).await, [1, 2, 3, 4, 6]);
    assert_eq!(spool.status().files_set_aside, 0);
}
