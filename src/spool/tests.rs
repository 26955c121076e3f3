//! Tests of the spool through its public interface, in temporary directories: order, durability and
//! refusals.

mod crash;
mod damage;

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{clock::Clock, envelope::Envelope};

const MIB: u64 = 1 << 20;

/// A record with an id made of `number`.
pub(super) fn record(number: u64, body: impl Into<Bytes>) -> Record {
    Record {
        envelope: Envelope {
            id: Uuid::from_u128(number.into()),
            received_at: at(number),
            app: "default".into(),
            headers: r#"{"user-agent":"a"}"#.to_owned(),
            remote_addr: Some([192, 0, 2, 7].into()),
        },
        simulated: false,
        secret: "instagram".into(),
        body: body.into(),
    }
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + i64::try_from(number).unwrap()).unwrap()
}

/// A temporary directory for a spool, and its settings.
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

    /// Names in the directory that begin with `spool-`, sorted.
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

    /// A closed spool with `records` records, in files of `file_bytes`.
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

/// A record of about a page.
fn numbered(number: u64) -> Record {
    record(number, vec![number.to_le_bytes()[0]; 3000])
}

/// Reads and removes all records in small batches, as the drain does, and returns their numbers.
async fn drain(spool: &Spool) -> Vec<u64> {
    let mut numbers = Vec::new();
    loop {
        let some = drain_some(spool).await;
        if some.is_empty() {
            return numbers;
        }
        numbers.extend(some);
    }
}

async fn drain_some(spool: &Spool) -> Vec<u64> {
    let found = spool.read(None, 7).await.unwrap();
    let mut numbers = Vec::new();
    for (_, record) in &found {
        let number = u64::try_from(record.envelope.id.as_u128()).unwrap();
        assert_eq!(*record, numbered(number));
        numbers.push(number);
    }
    if let Some((last, _)) = found.last() {
        spool.remove(*last).await.unwrap();
    }
    numbers
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
    let ids: Vec<_> = found
        .iter()
        .map(|(_, it)| it.envelope.id.as_u128())
        .collect();
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
    // Removing a removed record changes nothing.
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
    assert!((3..=10).contains(&files), "{files}");
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
    assert!(matches!(held, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()));
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
    fs::write(dir.join("spool-0000000009.segment.new"), "half").unwrap();
    fs::write(dir.join("notes.txt"), "of a person").unwrap();
    assert_eq!(drain(&stage.open()).await, [1, 2, 3]);
    assert!(stage.files().is_empty());
    assert!(dir.join("notes.txt").exists());
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

/// Makes appends fail: a directory stands in place of the next file.
async fn refuses(stage: &Stage, spool: &Spool) -> PathBuf {
    let in_the_way = stage.settings.dir.join("spool-0000000001.segment.new");
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

/// A load balancer sends nothing to a server whose spool is in trouble.
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
