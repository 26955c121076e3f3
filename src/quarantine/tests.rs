//! Tests of the whole quarantine: round trip, size limit and expiry.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use secrecy::SecretString;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::{
    clock::ManualClock,
    envelope::Envelope,
    meta::signature::{Secrets, sign},
};

/// The `number`th delivery from `address`, one second after the delivery before it.
pub(super) fn record(number: u32, address: &str, body: &str) -> Record {
    let seconds = 1_795_000_000 + u64::from(number);
    let id = uuid::Builder::from_unix_timestamp_millis(seconds * 1000, &[7; 10]);
    Record {
        envelope: Envelope {
            id: id.into_uuid(),
            received_at: Timestamp::from_second(seconds.try_into().unwrap()).unwrap(),
            app: "default".into(),
            headers: r#"{"user-agent":"a"}"#.to_owned(),
            remote_addr: Some(address.parse().unwrap()),
        },
        signature: Bytes::from(sign(&secret(), body.as_bytes())),
        mark: Bytes::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// Name of such a record.
pub(super) fn name(number: u32, address: &str) -> Name {
    name_for("default", number, address)
}

pub(super) fn name_for(app: &str, number: u32, address: &str) -> Name {
    let body = format!("{{\"number\":{number}}}");
    let mut record = record(number, address, &body);
    record.envelope.app = app.into();
    Name::of(&record).unwrap()
}

fn secret() -> SecretString {
    SecretString::from("the secret that comes later")
}

const META: &str = "173.252.95.16";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A data directory, and a clock set to the time of record 0.
struct TestQuarantine {
    dir: TempDir,
    clock: Clock,
    time: ManualClock,
}

impl TestQuarantine {
    fn new() -> Self {
        let (clock, time) = Clock::manual(record(0, META, "").envelope.received_at);
        let dir = TempDir::new().unwrap();
        Self { dir, clock, time }
    }

    fn start(&self, max_bytes: u64) -> Quarantine {
        let settings = Settings::new(self.dir.path(), max_bytes, HOUR, 1);
        Quarantine::start(settings, self.clock.clone())
    }

    /// Quarantines `records` in one run of the server.
    fn run(&self, max_bytes: u64, records: impl IntoIterator<Item = Record>) {
        let quarantine = self.start(max_bytes);
        for record in records {
            // The queue is bounded; retry until every record has entered.
            let from = record.envelope.remote_addr.unwrap();
            while !quarantine.0.enter(from, record.size(), || record.clone()) {
                std::thread::yield_now();
            }
        }
    }

    fn reader(&self) -> QuarantineReader {
        QuarantineReader::new(self.dir.path(), HOUR)
    }

    /// Contents of all files.
    fn contents(&self) -> Vec<Found> {
        let read = |name: &Name| self.reader().read(name).unwrap();
        self.names().iter().map(read).collect()
    }

    fn names(&self) -> Vec<Name> {
        self.reader().names(self.clock.now()).unwrap()
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("rejections")
    }

    fn file(&self, name: &Name) -> PathBuf {
        self.path().join(name.to_string())
    }

    /// Disk space used by the files.
    fn taken(&self) -> u64 {
        let files = fs::read_dir(self.path()).unwrap();
        let length = |it: fs::DirEntry| name::cost(it.metadata().unwrap().len());
        files.map(|it| length(it.unwrap())).sum()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_held_comes_out_as_it_came_and_in_order_after_a_restart() {
    let place = TestQuarantine::new();
    let records = [3, 1, 2].map(|number| record(number, META, &format!("{{\"a\":{number}}}")));
    place.run(1 << 20, records.clone());
    place.run(1 << 20, []);
    let names = place.names();
    assert_eq!(names.len(), 3);
    let reader = place.reader();
    let found: Vec<_> = names
        .iter()
        .map(|name| match reader.read(name).unwrap() {
            Found::Record(record) => record,
            other => panic!("{other:?}"),
        })
        .collect();
    let [third, first, second] = records;
    assert_eq!(found, [first, second, third]);
    assert_eq!(
        (mode(&place.path()), mode(&place.file(&names[0]))),
        (0o700, 0o600)
    );

    let wrong = SecretString::from("another");
    let secrets = |secret| Secrets::new([("app", secret)]);
    assert!(found[0].verify(&secrets(&wrong)).is_err());
    assert!(found[0].verify(&secrets(&secret())).is_ok());
}

#[test]
fn what_is_sent_again_is_held_once_also_after_a_restart() {
    let place = TestQuarantine::new();
    let again = |number| Record {
        envelope: record(number, META, "").envelope,
        ..record(1, META, "{}")
    };
    place.run(1 << 20, [again(1), again(2)]);
    place.run(1 << 20, [again(3)]);
    assert_eq!(place.names().len(), 1);
}

#[test]
fn what_is_too_old_is_not_shown_and_then_deleted() {
    let place = TestQuarantine::new();
    place.run(1 << 20, [record(0, META, "a"), record(60, META, "b")]);
    place.time.set(record(3630, META, "").envelope.received_at);
    assert_eq!(place.names().len(), 1, "the first is an hour and more old");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    let quarantine = place.start(1 << 20);
    quarantine.tidy();
    drop(quarantine);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn a_flood_stays_within_its_share_and_the_directory_within_its_size() {
    let place = TestQuarantine::new();
    let limit = 1 << 20;
    let metas = (0..20).map(|number| record(number, META, &format!("{{\"a\":{number}}}")));
    place.run(limit, metas);
    let flood = (100..3000_u32).map(|number| {
        let [_, network, ..] = number
            .to_be_bytes()
            .map(u32::from)
            .map(|it| it + number % 40);
        record(
            number,
            &format!("198.51.{network}.7"),
            &format!("{{\"b\":{number}}}"),
        )
    });
    place.run(limit, flood);
    let names = place.names();
    assert_eq!(names.iter().filter(|it| it.is_from_meta()).count(), 20);
    assert!(names.len() > 40 && place.taken() <= limit);
    place.run(limit / 2, []);
    assert!(place.taken() <= limit / 2, "a smaller one deletes");
    let names = place.names();
    assert_eq!(names.iter().filter(|it| it.is_from_meta()).count(), 20);
    place.run(0, [record(5000, META, "{}")]);
    assert_eq!(place.taken(), 0, "and none deletes everything");
}

#[test]
fn damage_is_told_and_in_nobodys_way() {
    let place = TestQuarantine::new();
    let [a, b, c] = [1, 2, 3].map(|number| record(number, META, &format!("{{\"a\":{number}}}")));
    place.run(1 << 20, [a, b, c]);
    let names = place.names();
    fs::write(place.file(&names[0]), b"").unwrap();
    fs::rename(place.file(&names[1]), place.file(&names[2])).unwrap();
    fs::write(place.path().join("unfinished"), b"half").unwrap();
    place.run(1 << 20, [record(4, META, "{}")]);
    let found = place.contents();
    assert!(
        matches!(
            found[..],
            [Found::Unreadable(_), Found::Unreadable(_), Found::Record(_)]
        ),
        "{found:?}"
    );
    assert!(!place.path().join("unfinished").exists());
    assert!(matches!(
        place.reader().read(&names[1]).unwrap(),
        Found::Gone
    ));
}

/// Entries with a valid name that are not regular files written by the server.
#[test]
fn what_is_no_file_of_its_own_is_in_nobodys_way() {
    let place = TestQuarantine::new();
    place.run(1 << 20, [record(1, META, "{}")]);
    let [directory, pipe, link, huge] = [2, 3, 4, 5].map(|number| place.file(&name(number, META)));
    fs::create_dir(directory).unwrap();
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let elsewhere = place.dir.path().join("of another");
    fs::write(&elsewhere, "a text").unwrap();
    std::os::unix::fs::symlink(&elsewhere, link).unwrap();
    fs::File::create(huge).unwrap().set_len(1 << 40).unwrap();
    let found = place.contents();
    assert!(
        matches!(found[..], [Found::Record(_), Found::Unreadable(_)]),
        "{found:?}"
    );
    place.run(1 << 20, [record(6, META, "[]")]);
    let names = place.names();
    assert_eq!(names.len(), 2, "and what is too large goes");
    fs::remove_file(place.file(&names[0])).unwrap();
    fs::create_dir(place.file(&names[0])).unwrap();
    let found = place.reader().read(&names[0]).unwrap();
    assert!(
        matches!(found, Found::Unreadable(_)),
        "the disk cannot read it"
    );
    place.run(0, []);
    assert_eq!(place.names(), []);
    assert_eq!(fs::read(elsewhere).unwrap(), b"a text");
}

/// Number of copies accepted before the thread writes one.
fn enter(thread: &ThreadHandle, address: &str, body: &str) -> usize {
    let record = record(1, address, body);
    let mut entered = 0;
    let from = record.envelope.remote_addr.unwrap();
    while thread.enter(from, record.size(), || record.clone()) {
        entered += 1;
    }
    entered
}

#[test]
fn a_flood_that_waits_leaves_half_of_the_queue_to_meta() {
    for body in ["{}", &" ".repeat(1 << 20)] {
        let (tasks, asked) = sync_channel(QUEUE);
        let thread = ThreadHandle {
            tasks: Some(tasks),
            waiting: Arc::default(),
            holds: true,
            running: None,
        };
        let of_others = enter(&thread, "198.51.100.7", body);
        assert_eq!(enter(&thread, "2001:db8::1", body), 0);
        let of_meta = enter(&thread, META, body);
        assert!(
            0 < of_others && of_others <= of_meta,
            "{of_others} {of_meta}"
        );
        assert_eq!(asked.try_iter().count(), of_others + of_meta);
        let most = (of_others + of_meta) * record(1, META, body).size();
        assert!(of_others + of_meta <= QUEUE && most <= QUEUE_BYTES);
    }
}

#[test]
fn what_others_deleted_makes_room() {
    let place = TestQuarantine::new();
    let quarantine = place.start(1 << 20);
    let offered = |number| record(number, META, "{}");
    quarantine.offer(META.parse().unwrap(), 0, || offered(1));
    while place.names().is_empty() {
        std::thread::yield_now();
    }
    place.reader().remove(&place.names()[0]).unwrap();
    quarantine.tidy();
    quarantine.offer(META.parse().unwrap(), 0, || offered(2));
    drop(quarantine);
    assert_eq!(
        place.names()[0].received_at(),
        offered(2).envelope.received_at
    );
}

#[test]
fn a_place_that_cannot_be_used_is_in_nobodys_way() {
    let place = TestQuarantine::new();
    fs::write(place.path(), b"a file where the directory should be").unwrap();
    place.run(1 << 20, [record(1, META, "{}")]);
    assert!(place.reader().names(place.clock.now()).is_err());
    fs::remove_file(place.path()).unwrap();
    fs::create_dir(place.path()).unwrap();
    fs::set_permissions(place.path(), Permissions::from_mode(0o777)).unwrap();
    place.run(1 << 20, [record(1, META, "{}")]);
    assert_eq!((place.names().len(), mode(&place.path())), (1, 0o700));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_file_with_a_good_name_is_read_without_a_panic(bytes: Vec<u8>, number in 0..60_u32) {
        let place = TestQuarantine::new();
        fs::create_dir(place.path()).unwrap();
        let name = name(number, META);
        fs::write(place.file(&name), bytes).unwrap();
        prop_assert_eq!(place.names(), vec![name.clone()]);
        let found = place.reader().read(&name).unwrap();
        prop_assert!(matches!(found, Found::Unreadable(_)));
    }
}

#[test]
fn an_id_of_another_version_is_no_moment_of_now() {
    let mut record = record(1, META, "");
    record.envelope.id = Uuid::from_u128(7);
    assert_eq!(
        Name::of(&record).unwrap().received_at(),
        Timestamp::UNIX_EPOCH
    );
}
