//! The spool directory: ownership check, lock, inventory and write probe.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::error::{At, Error};
use crate::ownership::{Lock, Refused};

/// Lock file, which contains the process id of its owner.
const LOCK: &str = "lock";
/// Probe file, written and renamed at start to test the disk.
const PROBE: &str = "probe";
const PROBED: &str = "probe.renamed";
/// Size of the probe file: larger than a new file with a few records.
const PROBE_BYTES: usize = 256 << 10;
/// Suffix of a file that is not yet complete.
pub(super) const UNFINISHED: &str = ".new";

/// A spool directory locked by this process.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: Lock,
    /// Error of the write probe, if the disk was full when the directory was opened.
    pub(super) full: Option<Error>,
}

/// Contents of a spool directory.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// Numbers of the segment files, ascending.
    pub(super) numbers: Vec<u64>,
    /// Highest file number in the directory, including files that were set aside.
    pub(super) highest: u64,
    /// Number of files that were set aside.
    pub(super) set_aside: u64,
}

impl Directory {
    /// Creates `path` if it is missing, locks it and tests it with [`probe`](Self::probe).
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        make(path)?;
        check_owner(path)?;
        let lock = lock(path)?;
        let mut directory = Self {
            path: path.to_owned(),
            _lock: lock,
            full: None,
        };
        // A full disk does not prevent opening: the spool must still be drained, and new records
        // are refused with an error.
        match directory.probe() {
            Err(error) if error.is_full() => directory.full = Some(error),
            tried => tried?,
        }
        Ok(directory)
    }

    /// Path of the complete file `number`.
    pub(super) fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("spool-{number:010}.segment"))
    }

    /// Path of the file `number` while it is incomplete.
    pub(super) fn unfinished(&self, number: u64) -> PathBuf {
        self.path
            .join(format!("spool-{number:010}.segment{UNFINISHED}"))
    }

    /// Path of `name` in the directory.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Fsyncs the directory, so that created, renamed and deleted names are durable.
    pub(super) fn sync(&self) -> Result<(), Error> {
        sync(&self.path).at("sync", &self.path)
    }

    /// Renames the completed file `number` to its final name, durably.
    pub(super) fn finish(&self, number: u64) -> Result<(), Error> {
        let path = self.file(number);
        fs::rename(self.unfinished(number), &path).at("rename", &path)?;
        self.sync()
    }

    /// Deletes the file `number`, which may be gone. The deletion is durable after the next
    /// [`sync`](Self::sync).
    pub(super) fn delete(&self, number: u64) -> Result<(), Error> {
        let path = self.file(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            deleted => deleted.at("delete", &path),
        }
    }

    /// Renames the file `number`, which may be gone, so that it is kept for the operator and no
    /// longer read. The rename is durable after the next [`sync`](Self::sync).
    pub(super) fn set_aside(&self, number: u64, why: &str, now: Timestamp) -> Result<(), Error> {
        let path = self.file(number);
        let aside = format!(
            "{}.{why}-{}",
            path.display(),
            now.strftime("%Y%m%dT%H%M%SZ")
        );
        // Never overwrite a file that was set aside earlier.
        let others = (2..1000).map(|n| format!("{aside}-{n}"));
        let mut free = std::iter::once(aside.clone()).chain(others);
        let free = free.find(|it| !Path::new(it).exists());
        match fs::rename(&path, free.unwrap_or(aside)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            renamed => renamed.at("rename", &path),
        }
    }

    /// Lists the directory and deletes incomplete files, which hold no acked record.
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

    /// Tests the directory: writes, syncs, renames and deletes a file, and syncs the directory.
    pub(super) fn probe(&self) -> Result<(), Error> {
        let (probe, renamed) = (self.join(PROBE), self.join(PROBED));
        let mut file = create(&probe).at("create", &probe)?;
        let written = file.write_all(&vec![0; PROBE_BYTES]);
        let written = written.and_then(|()| file.sync_all());
        // A partial probe file would occupy space on a full disk.
        let written = written.inspect_err(|_| drop(fs::remove_file(&probe)));
        written.at("write and sync", &probe)?;
        fs::rename(&probe, &renamed).at("rename", &probe)?;
        self.sync()?;
        fs::remove_file(&renamed).at("delete", &renamed)?;
        self.sync()
    }
}

/// Opens or creates a file with mode 0600 and truncates it.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.mode(0o600).open(path)
}

/// Parses a file name into its number and the suffix after `spool-<number>.segment`.
pub(super) fn parse(name: &str) -> Option<(u64, &str)> {
    let (number, ending) = name.strip_prefix("spool-")?.split_once(".segment")?;
    let digits = number.len() >= 10 && number.bytes().all(|it| it.is_ascii_digit());
    let number = digits.then(|| number.parse().ok())??;
    (ending.is_empty() || ending.starts_with('.')).then_some((number, ending))
}

/// Creates the directory and its missing parents, durably.
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
    let metadata = fs::metadata(dir).at("read", dir)?;
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
        Refused::Locked { pid } => Error::Locked {
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
