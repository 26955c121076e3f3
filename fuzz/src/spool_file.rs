//! Whatever is damaged in a file of the spool: nothing comes out that was not put in, what does not
//! come out is set aside or was the end of its file, and what is in other files is served.
//!
//! The first byte chooses one of four files as the spool leaves them, the rest is what happens to
//! it. Files are small and lie in a directory in memory where there is one; `fuzz/run` clears away
//! what a run leaves there that is stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::{
    clock::Clock,
    envelope::Envelope,
    spool::{FILE_BYTES, Obstacle, Record, Settings, Spool},
};

/// How many records the file has that is damaged, and the one behind it.
const DAMAGED: u64 = 12;
const BEHIND: u64 = 2;

/// Up to which record the damaged file was emptied, in half of its forms.
const REMOVED: u64 = 3;

/// After how many readings the spool is closed and opened again.
const RESTART: u64 = 1;

/// So many bytes at the end of a closed file say that it was closed. Without them it may have been cut
/// off by a crash.
const END: usize = 64;

/// The unit in which a disk writes.
const PAGE: usize = 4096;

/// What happens to one file at most: more is another file.
const BLOWS: usize = 24;

/// Makes the files, so that no input is blamed for the time.
pub fn begin() {
    LazyLock::force(&FORMS);
}

/// Damages a file as `data` says, and lets the spool have it.
pub fn check(data: &[u8]) {
    let Some((form, blows)) = data.split_first() else {
        return;
    };
    let form = &FORMS[usize::from(*form) % FORMS.len()];
    let mut bytes = form.bytes.clone();
    damage(&mut bytes, blows);
    let place = TempDir::new("try");
    fs::write(place.file(1), &bytes).unwrap();
    fs::write(place.file(2), &OTHER.bytes).unwrap();
    if let Some(note) = &form.note {
        fs::write(place.note(), note).unwrap();
    }
    RUNTIME.block_on(serve(&place, form, &bytes));
}

async fn serve(place: &TempDir, form: &Form, bytes: &[u8]) {
    let mut spool = place.open();
    let waiting = spool.status().records;
    let possible = BEHIND..=BEHIND + DAMAGED;
    assert!(possible.contains(&waiting), "{waiting}");
    let (mut served, mut reads) = (Vec::new(), 0);
    loop {
        reads += 1;
        assert!(reads <= 2 * (DAMAGED + BEHIND), "the end is never reached");
        let found = spool.read(None, 7).await.unwrap();
        let Some((last, _)) = found.last() else { break };
        for (_, record) in &found {
            let number = u64::try_from(record.envelope.id.as_u128()).unwrap();
            assert_eq!(*record, numbered(number));
            served.push(number);
        }
        spool.remove(*last).await.unwrap();
        if reads == RESTART {
            drop(spool);
            spool = place.open();
        }
    }
    assert!(served.ends_with(&[DAMAGED + 1, DAMAGED + BEHIND]));
    let waiting = form.removed + 1..=DAMAGED;
    let lost = waiting.clone().filter(|it| !served.contains(it));
    let lost: Vec<_> = lost.collect();
    let status = spool.status();
    let aside = place.set_aside();
    assert_eq!(status.files_set_aside, aside);
    // A restart where something is missing gives records twice, which their ids make harmless.
    let in_order = served.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(in_order || aside == 1, "{served:?}");
    let is_end = !is_closed(form, bytes)
        && waiting
            .clone()
            .rev()
            .zip(lost.iter().rev())
            .all(|(it, lost)| it == *lost);
    assert!(
        lost.is_empty() || aside == 1 || is_end,
        "{served:?} {status:?}"
    );
    if *bytes == form.bytes {
        assert_eq!(
            (served.len(), aside),
            (waiting.count() + BEHIND as usize, 0)
        );
    }
    assert_eq!((status.records, status.files, status.bytes), (0, 0, 0));
    assert_eq!(status.obstacle, None::<Obstacle>);
    drop(spool);
}

/// True if `bytes` still end as the closed file did.
fn is_closed(form: &Form, bytes: &[u8]) -> bool {
    let end = &form.bytes[form.bytes.len() - END..];
    form.closed && bytes.len() == form.bytes.len() && bytes.ends_with(end)
}

/// Changes `bytes` blow by blow: what it does, where, and with what.
fn damage(bytes: &mut Vec<u8>, mut blows: &[u8]) {
    for _ in 0..BLOWS {
        let Some(([kind, high, middle, low], rest)) = blows.split_first_chunk() else {
            return;
        };
        blows = rest;
        let wide = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        let at = wide % bytes.len().max(1);
        let page = |byte: u8| usize::from(byte) % bytes.len().div_ceil(PAGE).max(1) * PAGE;
        let (from, to) = (page(*middle), page(*low));
        match kind % 8 {
            0 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|it| *it ^= kind | 1),
            1 => {
                let count = usize::from(kind >> 3) + 1;
                let (given, rest) = blows.split_at(count.min(blows.len()));
                let there = bytes.iter_mut().skip(at);
                there.zip(given).for_each(|(it, new)| *it = *new);
                blows = rest;
            }
            2 => {
                let copied = bytes.iter().skip(from).take(PAGE).copied();
                let copied: Vec<_> = copied.collect();
                let there = bytes.iter_mut().skip(to);
                there.zip(copied).for_each(|(it, new)| *it = new);
            }
            3 => bytes.iter_mut().skip(to).take(PAGE).for_each(|it| *it = 0),
            4 => bytes.truncate(at),
            5 => bytes.resize(bytes.len() + wide % (64 * PAGE), *kind),
            6 => bytes
                .iter_mut()
                .skip(at)
                .take(8)
                .for_each(|it| *it = kind >> 3),
            _ => (0..PAGE).for_each(|it| {
                if from.max(to) + it < bytes.len() {
                    bytes.swap(from + it, to + it);
                }
            }),
        }
    }
}

/// A file as the spool leaves it, and its note of what was removed.
struct Form {
    bytes: Vec<u8>,
    closed: bool,
    note: Option<Vec<u8>>,
    removed: u64,
}

/// Closed or copied from under the spool's hands, as a crash leaves it; whole or emptied in part.
static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let forms = [(true, 0), (true, REMOVED), (false, 0), (false, REMOVED)];
    let forms = forms.map(|(closed, removed)| form(1..=DAMAGED, closed, removed));
    forms.into()
});

/// A file behind the one that is damaged.
static OTHER: LazyLock<Form> = LazyLock::new(|| form(DAMAGED + 1..=DAMAGED + BEHIND, true, 0));

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());

/// A file that the spool made of these records, one by one so that it is always the same.
fn form(numbers: impl Iterator<Item = u64>, closed: bool, removed: u64) -> Form {
    let place = TempDir::new("form");
    let mut spool = Some(place.open());
    RUNTIME.block_on(async {
        let spool = spool.as_ref().unwrap();
        for number in numbers {
            spool.append(&numbered(number)).await.unwrap();
        }
        if removed > 0 {
            let found = spool.read(None, removed as usize).await.unwrap();
            spool.remove(found[found.len() - 1].0).await.unwrap();
        }
    });
    if closed {
        spool.take();
    }
    Form {
        bytes: fs::read(place.file(1)).unwrap(),
        closed,
        note: fs::read(place.note()).ok(),
        removed,
    }
}

/// A record that `number` tells from others: some fill pages, some share one.
fn numbered(number: u64) -> Record {
    let second = 1_795_000_000 + i64::try_from(number).unwrap();
    let length = if number % 4 == 0 { 9000 } else { 300 };
    Record {
        envelope: Envelope {
            id: Uuid::from_u128(number.into()),
            received_at: Timestamp::from_second(second).unwrap(),
            app: "default".into(),
            headers: r#"{"user-agent":"a"}"#.to_owned(),
            remote_addr: Some([192, 0, 2, 7].into()),
        },
        simulated: false,
        secret: "app".into(),
        body: vec![number as u8; length].into(),
    }
}

/// A directory for a spool that goes away.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let home = std::env::var_os("FUZZ_MEMORY").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = home.join(format!("hookshelf-fuzz-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.0.join(format!("spool-{number:010}.segment"))
    }

    fn note(&self) -> PathBuf {
        self.0.join("removed")
    }

    fn open(&self) -> Spool {
        let settings = Settings {
            dir: self.0.clone(),
            max_bytes: 64 << 20,
            reserve: 0,
            file_bytes: FILE_BYTES,
        };
        let (clock, _) = Clock::manual(Timestamp::UNIX_EPOCH);
        Spool::open(&settings, clock).unwrap()
    }

    fn set_aside(&self) -> u64 {
        let entries = fs::read_dir(&self.0).unwrap();
        let name = |it: fs::DirEntry| it.file_name().into_string().unwrap();
        let is_aside =
            |it: &String| it.contains(".segment.") && Path::new(it).extension().is_some();
        entries.map(|it| name(it.unwrap())).filter(is_aside).count() as u64
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
