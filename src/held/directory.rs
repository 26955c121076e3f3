//! The directory of held deliveries: a file each, which nobody else can read.
//!
//! A file has its name only when it is whole, so that whoever reads beside a running server never
//! sees a part of one. Nothing is synced: no answer promised that it stays, and a flood must not
//! keep the disk from those who commit. What a power cut leaves half is noticed by its checksum.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{Name, QUEUE_BYTES};

/// What a file is called until it is whole; only the server writes, so there is one at most.
const UNFINISHED: &str = "unfinished";

/// What the owner may do, and nobody else anything.
const OWN: u32 = 0o700;

/// What is read of a file at most: more than any delivery that is waited for may have.
const LONGEST: u64 = 2 * QUEUE_BYTES as u64;

/// Where deliveries are held.
#[derive(Clone, Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// The directory at `path`, which need not be there.
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes it where it is missing, keeps others out, and takes away what was never finished.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(OWN).create(&self.0)?;
        if fs::metadata(&self.0)?.permissions().mode() & 0o777 != OWN {
            fs::set_permissions(&self.0, Permissions::from_mode(OWN))?;
        }
        gone_is_fine(fs::remove_file(self.0.join(UNFINISHED)))
    }

    /// The files that are there, in no order; none where the directory is not. A link, a pipe and
    /// whatever else the server does not write is none of them.
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

    /// How many bytes a file has; `None` where it is gone.
    pub(super) fn length(&self, name: &Name) -> io::Result<Option<u64>> {
        match fs::metadata(self.file(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            found => found.map(|it| Some(it.len())),
        }
    }

    /// The bytes of a file; `None` where it is gone. Of one that is longer than any that was
    /// written only the start, which its checksum does not hold for.
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

    /// Deletes a file; one that is gone is deleted.
    pub(super) fn remove(&self, name: &Name) -> io::Result<()> {
        gone_is_fine(fs::remove_file(self.file(name)))
    }

    /// Where it is.
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
