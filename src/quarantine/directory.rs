//! Quarantine directory: one file per delivery, unreadable for other users.
//!
//! A file gets its name only when it is complete, so that a reader beside a running server never
//! sees a partial file. Nothing is synced: no answer promised durability, and a flood must not slow
//! down the disk for commits. The checksum detects a file that a power cut left incomplete.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{Name, QUEUE_BYTES};

/// Name of an incomplete file. Only the server writes, so there is at most one.
const UNFINISHED: &str = "unfinished";

/// Mode of the directory: access for the owner only.
const OWN: u32 = 0o700;

/// Maximum number of bytes read of a file: more than any quarantined delivery has.
const LONGEST: u64 = 2 * QUEUE_BYTES as u64;

/// The quarantine directory.
#[derive(Clone, Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// The directory at `path`, which may be missing.
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Creates the directory if missing, restricts its mode, and deletes an incomplete file.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(OWN).create(&self.0)?;
        if fs::metadata(&self.0)?.permissions().mode() & 0o777 != OWN {
            fs::set_permissions(&self.0, Permissions::from_mode(OWN))?;
        }
        gone_is_fine(fs::remove_file(self.0.join(UNFINISHED)))
    }

    /// Names of the quarantined files, unordered; empty if the directory is missing. Links, pipes
    /// and files with other names are skipped.
    pub(super) fn names(&self) -> io::Result<Vec<Name>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_str().and_then(Name::parse);
            names.extend(name.filter(|_| entry.file_type().is_ok_and(|it| it.is_file())));
        }
        Ok(names)
    }

    /// Length of a file in bytes; `None` if the file is gone.
    pub(super) fn length(&self, name: &Name) -> io::Result<Option<u64>> {
        match fs::metadata(self.file(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(|it| Some(it.len())),
        }
    }

    /// Bytes of a file; `None` if the file is gone. An oversized file is truncated, and then fails
    /// its checksum.
    pub(super) fn read(&self, name: &Name) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.file(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &Name, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.0.join(UNFINISHED);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let written = options
            .open(&unfinished)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&unfinished, self.file(name)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Deletes a file, which may be gone.
    pub(super) fn remove(&self, name: &Name) -> io::Result<()> {
        gone_is_fine(fs::remove_file(self.file(name)))
    }

    /// Path of the directory.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &Name) -> PathBuf {
        self.0.join(name.to_string())
    }
}

fn gone_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
