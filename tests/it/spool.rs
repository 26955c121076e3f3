//! The spool under kill -9 and write errors: every accepted record is there in the next run, in
//! order. A second process does the writing, so that it can be killed at any moment.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    spool::{FILE_BYTES, Record, Settings, Spool},
};
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

/// Variable with the spool directory for the second process.
const DIR: &str = "HOOKSHELF_TEST_SPOOL";
/// Variable with the first record number of each writer.
const FROM: &str = "HOOKSHELF_TEST_SPOOL_FROM";
/// Variable with the maximum size of a segment file.
const FILE: &str = "HOOKSHELF_TEST_SPOOL_FILE";

/// Number of concurrent writers.
const WRITERS: u64 = 6;

/// Runs a program with a limit of its file size, in blocks of 512 bytes. Ignoring SIGXFSZ turns an
/// excess into a write error.
const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#;

fn open(dir: &Path, file_bytes: u64) -> Spool {
    let settings = Settings {
        dir: dir.to_owned(),
        max_bytes: 1 << 30,
        reserve: 0,
        file_bytes,
    };
    Spool::open(&settings, Clock::system()).unwrap()
}

/// Record `number` of `writer`. Lengths vary up to a few pages.
fn record(writer: u64, number: u64) -> Record {
    let length = usize::try_from(number * 977 % 9000).unwrap();
    Record {
        envelope: Envelope {
            id: Uuid::from_u64_pair(writer, number),
            received_at: Timestamp::from_second(1_795_000_000).unwrap(),
            app: "default".into(),
            headers: "{}".to_owned(),
            remote_addr: None,
        },
        simulated: false,
        secret: "app".into(),
        body: vec![number.to_le_bytes()[0]; length].into(),
    }
}

/// Result of an append, as reported by the second process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// The record of this writer with this number was accepted.
    Taken(u64, u64),
    /// A record was refused.
    Refused,
}

/// The second process, which appends until it is killed and reports each result.
struct Writing {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writing {
    fn start(dir: &Path, from: u64, file_bytes: u64, limit: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", LIMITED, "writer", limit])
            .arg(program)
            .args(["--exact", "--ignored", "--nocapture", "spool::writer"])
            .env(DIR, dir)
            .env(FROM, from.to_string())
            .env(FILE, file_bytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Next reported result; `None` once the process has ended.
    fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next()?.unwrap();
            match *line.split(' ').collect::<Vec<_>>() {
                ["taken", writer, number] => {
                    return Some(Said::Taken(
                        writer.parse().unwrap(),
                        number.parse().unwrap(),
                    ));
                }
                ["refused", why] => {
                    assert_eq!(why, "Failed");
                    return Some(Said::Refused);
                }
                _ => {}
            }
        }
    }

    /// Reads `said` results and records the accepted ones in `ledger`.
    fn listen(&mut self, said: usize, ledger: &mut Ledger) {
        for _ in 0..said {
            note(self.next().unwrap(), ledger);
        }
    }

    /// Reads results up to a refusal, then until `taken` more records were accepted.
    fn listen_past_a_refusal(&mut self, taken: usize, ledger: &mut Ledger) {
        while note(self.next().unwrap(), ledger) != Said::Refused {}
        for _ in 0..taken {
            while note(self.next().unwrap(), ledger) == Said::Refused {}
        }
    }

    /// Kills the process and records its remaining results.
    fn kill(mut self, ledger: &mut Ledger) {
        self.process.kill().unwrap();
        while let Some(said) = self.next() {
            note(said, ledger);
        }
        self.process.wait().unwrap();
    }
}

fn note(said: Said, ledger: &mut Ledger) -> Said {
    if let Said::Taken(writer, number) = said {
        ledger.insert(writer, number);
    }
    said
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other process of tests that need one"]
async fn writer() {
    let number = |name| std::env::var_os(name)?.to_str()?.parse::<u64>().ok();
    let (Some(dir), Some(from)) = (std::env::var_os(DIR), number(FROM)) else {
        return;
    };
    let spool = open(Path::new(&dir), number(FILE).unwrap());
    for writer in 0..WRITERS {
        let spool = spool.clone();
        tokio::spawn(async move { write(&spool, writer, from).await });
    }
    // Waits for the end of the input, so that the process ends with the test.
    let input = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    input.await.unwrap();
}

async fn write(spool: &Spool, writer: u64, from: u64) {
    for number in from.. {
        while let Err(refused) = spool.append(&record(writer, number)).await {
            println!("refused {refused:?}");
            // Limits the output: a full disk refuses at once, and the parent reads every line.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        println!("taken {writer} {number}");
    }
}

/// Last accepted number of each writer.
type Ledger = BTreeMap<u64, u64>;

/// Reads and removes all records. Checks that each writer's numbers are complete and in order, from
/// `from` at least to the number in `ledger`. A refused record may have been written nevertheless;
/// it then occurs twice.
async fn drain(spool: &Spool, from: u64, ledger: &Ledger) -> u64 {
    let mut last = Ledger::new();
    let mut highest = from;
    loop {
        let found = spool.read(None, 50).await.unwrap();
        let Some((place, _)) = found.last() else {
            break;
        };
        for (_, read) in &found {
            let (writer, number) = read.envelope.id.as_u64_pair();
            assert_eq!(*read, record(writer, number));
            let before = last.insert(writer, number);
            let next = before.map_or(from, |before| before + 1);
            assert!(
                number == next || before == Some(number),
                "{writer}: {number}"
            );
            highest = highest.max(number);
        }
        spool.remove(*place).await.unwrap();
    }
    for (writer, number) in ledger {
        assert!(
            last.get(writer) >= Some(number),
            "{writer}: {last:?} {ledger:?}"
        );
    }
    let status = spool.status();
    assert_eq!((status.records, status.files_set_aside), (0, 0));
    highest + 1
}

#[tokio::test]
async fn what_was_taken_before_a_kill_is_there_in_order_after_it() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("spool");
    let mut from = 1;
    for round in 0..12_usize {
        // Small files, so that some kills hit the creation of a file.
        let file_bytes = if round % 2 == 0 {
            512 << 10
        } else {
            FILE_BYTES
        };
        let mut writing = Writing::start(&dir, from, file_bytes, "unlimited");
        let mut ledger = Ledger::new();
        writing.listen(40 + round * 53, &mut ledger);
        writing.kill(&mut ledger);
        assert_eq!(ledger.len() as u64, WRITERS);
        from = drain(&open(&dir, file_bytes), from, &ledger).await;
    }
}

#[tokio::test]
async fn a_spool_that_is_never_drained_keeps_what_every_killed_run_took() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("spool");
    let mut ledger = Ledger::new();
    let mut from = 1;
    for round in 0..8 {
        let mut writing = Writing::start(&dir, from, FILE_BYTES, "unlimited");
        writing.listen(30 + round * 31, &mut ledger);
        writing.kill(&mut ledger);
        // Each run starts above all numbers of earlier runs, accepted or not.
        from += 10_000;
    }
    let spool = open(&dir, FILE_BYTES);
    let mut seen = Ledger::new();
    while let Some((place, _)) = spool.read(None, 90).await.unwrap().last() {
        for (_, read) in spool.read(None, 90).await.unwrap() {
            let (writer, number) = read.envelope.id.as_u64_pair();
            assert_eq!(read, record(writer, number));
            let before = seen.insert(writer, number).unwrap_or(0);
            let begins_a_run = number % 10_000 == 1 && number > before;
            assert!(
                number == before + 1 || begins_a_run,
                "{writer}: {before} {number}"
            );
        }
        spool.remove(*place).await.unwrap();
    }
    for (writer, number) in ledger {
        assert!(seen[&writer] >= number);
    }
}

#[tokio::test]
async fn a_disk_that_refuses_to_let_a_file_grow_loses_nothing_and_a_new_file_is_begun() {
    let home = TempDir::new().unwrap();
    let dir = home.path().join("spool");
    // The limit is 4 MiB per file.
    let mut writing = Writing::start(&dir, 1, FILE_BYTES, "8192");
    let mut ledger = Ledger::new();
    for _ in 0..2 {
        writing.listen_past_a_refusal(100, &mut ledger);
    }
    writing.kill(&mut ledger);
    assert_eq!(ledger.len() as u64, WRITERS);
    drain(&open(&dir, FILE_BYTES), 1, &ledger).await;
}
