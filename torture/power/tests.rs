//! Tests of the spool on a disk with unreadable pages, or without syncs. They mount the disk in
//! their own namespaces, so `cargo test` skips them; `.ci/torture.sh` runs them.

use std::{
    fs,
    ops::{Range, RangeInclusive},
};

use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    spool::{FILE_BYTES, Record, Refused, Settings, Spool},
};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::{runtime::Builder, task::JoinSet};
use uuid::Uuid;

use super::*;
use crate::{inside::unshare, power::tree::PAGE};

/// Variable that tells a test that it runs in its own namespaces.
const INSIDE: &str = "HOOKSHELF_TORTURE_TEST_INSIDE";

/// Numbers of the records in the file.
const ALL: RangeInclusive<u8> = 1..=20;

/// Bytes of a record beside its body.
const AROUND: usize = 256;

/// Runs the test of this name again in its own namespaces, and there runs `test`.
fn inside(name: &str, test: impl AsyncFnOnce(Stage)) {
    if std::env::var_os(INSIDE).is_none() {
        let ended = unshare()
            .args(["--propagation", "private"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg(format!("power::tests::{name}"))
            .env(INSIDE, "1")
            .status();
        assert!(ended.unwrap().success());
        return;
    }
    let home = TempDir::new().unwrap();
    let disk = PowerDisk::mount(&home.path().join("disk")).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(Stage { disk }));
}

/// A spool on such a disk.
struct Stage {
    disk: PowerDisk,
}

impl Stage {
    fn open(&self) -> Spool {
        let settings = Settings {
            dir: self.disk.path().to_owned(),
            max_bytes: 64 << 20,
            reserve: 0,
            file_bytes: FILE_BYTES,
        };
        Spool::open(&settings, Clock::system()).unwrap()
    }

    /// Paths of the spool's files, set aside or not, sorted.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.disk.path()).unwrap();
        let paths = entries.map(|it| it.unwrap().path());
        let is_ours = |it: &PathBuf| {
            let name = it.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("spool-")
        };
        let mut paths: Vec<_> = paths.filter(is_ours).collect();
        paths.sort();
        paths
    }

    /// Makes exactly these pages of a file unreadable.
    fn break_pages(&self, path: &Path, pages: impl IntoIterator<Item = usize>) {
        let mut tree = lock(&self.disk.tree);
        let number = tree.find(path.file_name().unwrap()).unwrap();
        tree.unreadable = pages.into_iter().map(|page| (number, page)).collect();
    }
}

/// A record of about one page; every fifth has three.
fn record(number: u8) -> Record {
    let length = if number.is_multiple_of(5) {
        11_000
    } else {
        3000
    };
    Record {
        envelope: Envelope {
            id: Uuid::from_u128(number.into()),
            received_at: Timestamp::UNIX_EPOCH,
            app: "default".into(),
            headers: "{}".to_owned(),
            remote_addr: None,
        },
        simulated: false,
        secret: "app".into(),
        body: vec![number; length].into(),
    }
}

async fn append(spool: &Spool, numbers: impl IntoIterator<Item = u8>) {
    let mut waiting = JoinSet::new();
    for number in numbers {
        let spool = spool.clone();
        waiting.spawn(async move { spool.append(&record(number)).await.unwrap() });
    }
    waiting.join_all().await;
}

async fn drain(spool: &Spool) -> Vec<u8> {
    let mut numbers = Vec::new();
    loop {
        let found = spool.read(None, 4).await.unwrap();
        let Some((last, _)) = found.last() else {
            return numbers;
        };
        for (_, read) in &found {
            let number = u8::try_from(read.envelope.id.as_u128()).unwrap();
            assert_eq!(*read, record(number));
            numbers.push(number);
        }
        spool.remove(*last).await.unwrap();
    }
}

/// Records on one of these pages: certain ones, and possible ones.
fn lie_on(bytes: &[u8], pages: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let overlaps = |it: Range<usize>| {
        let mut pages = pages.iter().map(|page| page * PAGE..(page + 1) * PAGE);
        pages.any(|page| it.start < page.end && page.start < it.end)
    };
    let body = |number: &u8| {
        let body = record(*number).body;
        let at = bytes.windows(body.len()).position(|it| it == body);
        at.unwrap()..at.unwrap() + body.len()
    };
    let around = |it: Range<usize>| it.start.saturating_sub(AROUND)..it.end + AROUND;
    let certain = ALL.filter(|it| overlaps(body(it)));
    let possible = ALL.filter(|it| overlaps(around(body(it))));
    (certain.collect(), possible.collect())
}

#[test]
#[ignore = "mounts a disk: needs /dev/fuse and root or user namespaces"]
fn unreadable_pages_cost_the_records_on_them() {
    inside("unreadable_pages_cost_the_records_on_them", async |stage| {
        let spool = stage.open();
        append(&spool, ALL).await;
        let path = stage.files().remove(0);
        // The file as a crash leaves it, and as an orderly close does.
        let running = fs::read(&path).unwrap();
        drop(spool);
        let closed = fs::read(&path).unwrap();
        for bytes in [running, closed] {
            let count = bytes.len().div_ceil(PAGE);
            let each = (0..count).map(|page| vec![page]);
            // More pages than one read tolerates.
            let some = (1..count).step_by(4).collect();
            for pages in each.chain([some]) {
                fs::write(&path, &bytes).unwrap();
                stage.break_pages(&path, pages.iter().copied());
                let spool = stage.open();
                let served = drain(&spool).await;
                let lost: Vec<_> = ALL.filter(|it| !served.contains(it)).collect();
                let (certain, possible) = lie_on(&bytes, &pages);
                let case = format!("{pages:?}: {lost:?}");
                assert!(certain.iter().all(|it| lost.contains(it)), "{case}");
                assert!(lost.iter().all(|it| possible.contains(it)), "{case}");
                let status = spool.status();
                assert!(lost.is_empty() || status.files_set_aside == 1, "{case}");
                assert_eq!((status.records, status.bytes), (0, 0), "{case}");
                drop(spool);
                for aside in stage.files() {
                    stage.break_pages(&aside, []);
                    fs::remove_file(aside).unwrap();
                }
            }
        }
    });
}

#[test]
#[ignore = "mounts a disk: needs /dev/fuse and root or user namespaces"]
fn a_file_that_cannot_be_read_is_set_aside_and_is_in_nobodys_way() {
    let name = "a_file_that_cannot_be_read_is_set_aside_and_is_in_nobodys_way";
    inside(name, async |stage| {
        append(&stage.open(), ALL).await;
        let path = stage.files().remove(0);
        let pages = fs::read(&path).unwrap().len().div_ceil(PAGE);
        for (first, last) in [(2, pages), (0, 2 * pages)] {
            append(&stage.open(), [21]).await;
            stage.break_pages(&path, first..last);
            let spool = stage.open();
            append(&spool, [22]).await;
            let served = drain(&spool).await;
            assert!(
                served.ends_with(&[21, 22]) && served.len() < 8,
                "{served:?}"
            );
            assert_eq!(spool.status().files_set_aside, 1);
            stage.break_pages(&stage.files()[0], []);
            drop(spool);
            fs::rename(&stage.files()[0], &path).unwrap();
        }
        assert_eq!(drain(&stage.open()).await.len(), 20, "the disk reads again");
    });
}

#[test]
#[ignore = "mounts a disk: needs /dev/fuse and root or user namespaces"]
fn a_file_is_not_written_again_when_a_sync_failed() {
    let name = "a_file_is_not_written_again_when_a_sync_failed";
    inside(name, async |stage| {
        let spool = stage.open();
        append(&spool, 1..=3).await;
        stage.disk.lose_power();
        assert_eq!(spool.append(&record(4)).await, Err(Refused::Failed));
        lock(&stage.disk.tree).has_power = true;
        let path = stage.files().remove(0);
        let left = fs::read(&path).unwrap();
        while spool.append(&record(5)).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!((fs::read(&path).unwrap(), stage.files().len()), (left, 2));
        assert_eq!(drain(&spool).await, [1, 2, 3, 5]);
        assert_eq!(
            (spool.status().files_set_aside, stage.files().len()),
            (0, 0)
        );
    });
}
