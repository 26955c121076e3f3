//! The directory of the spool: whose it is, what is in it, and that it keeps what is written.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::error::{At, Error};
use crate::ownership::{Lock, Refused};

/// What is locked, with the process id of who holds it.
const LOCK: &str = "lock";
/// What is written and renamed at start to see that it can be.
const PROBE: &str = "probe";
const PROBED: &str = "probe.renamed";
/// How much is written for it: a new file with a few records takes less.
const PROBE_BYTES: usize = 256 << 10;
/// What a file is called until it is whole.
pub(super) const UNFINISHED: &str = ".new";

/// A directory that this process alone uses.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: Lock,
    /// What the disk said when the directory was opened, where it had no room.
    pub(super) full: Option<Error>,
}

/// What is in a directory.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// The numbers of the files with records, lowest first.
    pub(super) numbers: Vec<u64>,
    /// The highest number that was ever used, as far as it shows.
    pub(super) highest: u64,
    /// How many files were set aside.
    pub(super) set_aside: u64,
}

impl Directory {
    /// Makes `path` if it is missing, claims it and tries what the spool will do in it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        make(path)?;
        check_owner(path)?;
        let lock = lock(path)?;
        let mut directory = Self {
            path: path.to_owned(),
            _lock: lock,
            full: None,
        };
        // A disk that is full now is another matter: what the spool holds has to come out all the
        // same, and whoever brings more is told.
        match directory.probe() {
            Err(error) if error.is_full() => directory.full = Some(error),
            tried => tried?,
        }
        Ok(directory)
    }

    /// Where the file `number` is.
    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("spool-{number:010}.segment"))
    }

    /// Where the file `number` is until it is whole.
    pub(super) fn unfinished(&self, number: u64) -> PathBuf {
        self.path
            .join(format!("spool-{number:010}.segment{UNFINISHED}"))
    }

    /// Where `name` is.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes durable which files there are.
    pub(super) fn sync(&self) -> Result<(), Error> {
        sync(&self.path).at("sync", &self.path)
    }

    /// Gives the file `number`, which is whole now, its name.
    pub(super) fn finish(&self, number: u64) -> Result<(), Error> {
        let path = self.file(number);
        fs::rename(self.unfinished(number), &path).at("rename", &path)?;
        self.sync()
    }

    /// Deletes the file `number`, which may be gone; durably with the next [`sync`](Self::sync).
    pub(super) fn delete(&self, number: u64) -> Result<(), Error> {
        let path = self.file(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            deleted => deleted.at("delete", &path),
        }
    }

    /// Renames the file `number`, which may be gone, so that it is kept for a person and read no
    /// more; durably with the next [`sync`](Self::sync).
    pub(super) fn set_aside(&self, number: u64, why: &str, now: Timestamp) -> Result<(), Error> {
        let path = self.file(number);
        let aside = format!(
            "{}.{why}-{}",
            path.display(),
            now.strftime("%Y%m%dT%H%M%SZ")
        );
        // Nothing that was set aside before is written over.
        let others = (2..1000).map(|n| format!("{aside}-{n}"));
        let mut free = std::iter::once(aside.clone()).chain(others);
        let free = free.find(|it| !Path::new(it).exists());
        match fs::rename(&path, free.unwrap_or(aside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.at("rename", &path),
        }
    }

    /// What is in the directory. What was never finished holds nothing that was acked, and goes.
    pub(super) fn inventory(&self) -> Result<Inventory, Error> {
        let mut found = Inventory::default();
        for entry in fs::read_dir(&self.path).at("read", &self.path)? {
            let entry = entry.at("read", &self.path)?;
            let name = entry.file_name();
            let Some((number, ending)) = name.to_str().and_then(parse) else {
                continue;
            };
            found.highest = found.highest.max(number);
            match ending {
                "" => found.numbers.push(number),
                UNFINISHED => fs::remove_file(entry.path()).at("delete", &entry.path())?,
                _ => found.set_aside += 1,
            }
        }
        found.numbers.sort_unstable();
        Ok(found)
    }

    /// Tries what is needed: writes, syncs, renames and deletes a file, and syncs the directory.
    pub(super) fn probe(&self) -> Result<(), Error> {
        let (probe, renamed) = (self.join(PROBE), self.join(PROBED));
        let mut file = create(&probe).at("create", &probe)?;
        let written = file.write_all(&vec![0; PROBE_BYTES]);
        let written = written.and_then(|()| file.sync_all());
        // What is left of it would take room that there is not.
        let written = written.inspect_err(|_| drop(fs::remove_file(&probe)));
        written.at("write and sync", &probe)?;
        fs::rename(&probe, &renamed).at("rename", &probe)?;
        self.sync()?;
        fs::remove_file(&renamed).at("delete", &renamed)?;
        self.sync()
    }
}

/// A file of our own, emptied if it is there already, that nobody else may read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.mode(0o600).open(path)
}

/// The number of a file and what follows `spool-<number>.segment` in its name.
pub(super) fn parse(name: &str) -> Option<(u64, &str)> {
    let (number, ending) = name.strip_prefix("spool-")?.split_once(".segment")?;
    let digits = number.len() >= 10 && number.bytes().all(|it| it.is_ascii_digit());
    let number = digits.then(|| number.parse().ok())??;
    (ending.is_empty() || ending.starts_with('.')).then_some((number, ending))
}

/// Makes the directory and what is missing above it, durably.
fn make(path: &Path) -> Result<(), Error> {
    let missing = path.ancestors().take_while(|it| !it.exists());
    let missing: Vec<_> = missing.filter(|it| !it.as_os_str().is_empty()).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).at("make", path)?;
    for made in missing {
        let above = made.parent().filter(|it| !it.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        sync(above).at("sync", above)?;
    }
    Ok(())
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn check_owner(dir: &Path) -> Result<(), Error> {
    let metadata = fs::metadata(dir).at("look at", dir)?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        let dir = dir.to_owned();
        return Err(Error::OpenToOthers { dir, mode });
    }
    let own = nix::unistd::geteuid();
    if own.is_root() || metadata.uid() == own.as_raw() {
        return Ok(());
    }
    Err(Error::Owner {
        dir: dir.to_owned(),
        owner: metadata.uid(),
    })
}

fn lock(dir: &Path) -> Result<Lock, Error> {
    let path = dir.join(LOCK);
    Lock::take(&path, 0o600, "").map_err(|refused| match refused {
        Refused::Held { pid } => Error::Held {
            dir: dir.to_owned(),
            pid,
        },
        Refused::Unusable { what, source } => Error::Directory { what, path, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_spool_gives_are_its_own() {
        assert_eq!(parse("spool-0000000012.segment"), Some((12, "")));
        assert_eq!(
            parse("spool-0000000012.segment.new"),
            Some((12, UNFINISHED))
        );
        let aside = "spool-0000000012.segment.corrupt-20261121T101112Z";
        assert_eq!(parse(aside), Some((12, ".corrupt-20261121T101112Z")));
        for other in [
            "spool-1.segment",
            "spool-+000000001.segment",
            "lock",
            "reserve",
            "spool-0000000012.segmentx",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
