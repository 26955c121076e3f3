//! Reader of the quarantine, for commands with or without a running server.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use super::{Name, Record, directory::Directory, thread::is_old};
use crate::codec::Unreadable;

/// Name of the quarantine directory in the data directory.
const DIRECTORY: &str = "rejections";

/// Error on reading or deleting quarantined files.
#[derive(Debug, thiserror::Error)]
#[error(
    "quarantined deliveries in {} cannot be {what}; run this as root or as the user that runs the \
     server",
    .dir.display()
)]
pub struct Error {
    what: &'static str,
    dir: PathBuf,
    #[source]
    source: io::Error,
}

/// Content of one file.
#[derive(Debug)]
pub enum Found {
    /// A delivery.
    Record(Record),
    /// Unreadable: damaged, or written by a newer program.
    Unreadable(Unreadable),
    /// The file was deleted in the meantime.
    Gone,
}

/// Files of quarantined deliveries.
#[derive(Clone, Debug)]
pub struct QuarantineReader {
    directory: Directory,
    hold_for: SignedDuration,
}

impl QuarantineReader {
    /// The quarantine below `data_dir`, limited to deliveries no older than `hold_for`.
    pub fn new(data_dir: &Path, hold_for: SignedDuration) -> Self {
        Self {
            directory: Directory::at(directory(data_dir)),
            hold_for,
        }
    }

    /// Names of the quarantined deliveries, in the order of arrival.
    ///
    /// # Errors
    /// If this user lacks the permission to read the directory, or the read fails.
    pub fn names(&self, now: Timestamp) -> Result<Vec<Name>, Error> {
        let mut names = self.directory.names().map_err(self.cannot_be("read"))?;
        names.retain(|name| !is_old(name, self.hold_for, now));
        names.sort_unstable();
        Ok(names)
    }

    /// Reads one file. A disk error counts as an unreadable file, so that it does not block the
    /// others.
    ///
    /// # Errors
    /// If this user lacks the permission to read the file.
    pub fn read(&self, name: &Name) -> Result<Found, Error> {
        let bytes = match self.directory.read(name) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                return Ok(Found::Unreadable(Unreadable::Damaged));
            }
            read => read.map_err(self.cannot_be("read"))?,
        };
        Ok(match bytes.map(|bytes| Record::decode(&bytes)) {
            None => Found::Gone,
            Some(Err(why)) => Found::Unreadable(why),
            // The file name must match the content.
            Some(Ok(record)) if Name::of(&record).as_ref() == Some(name) => Found::Record(record),
            Some(Ok(_)) => Found::Unreadable(Unreadable::Damaged),
        })
    }

    /// Total size of the files `names`, in bytes.
    ///
    /// # Errors
    /// If a file cannot be examined.
    pub fn bytes(&self, names: &[Name]) -> Result<u64, Error> {
        let length = |name| self.directory.length(name).map(Option::unwrap_or_default);
        let lengths: io::Result<Vec<_>> = names.iter().map(length).collect();
        Ok(lengths.map_err(self.cannot_be("read"))?.iter().sum())
    }

    /// Deletes one file, which may be gone.
    ///
    /// # Errors
    /// If the file cannot be deleted.
    pub fn remove(&self, name: &Name) -> Result<(), Error> {
        let removed = self.directory.remove(name);
        removed.map_err(self.cannot_be("deleted"))
    }

    fn cannot_be(&self, what: &'static str) -> impl FnOnce(io::Error) -> Error {
        let dir = self.directory.path().to_owned();
        move |source| Error { what, dir, source }
    }
}

/// Path of the quarantine directory.
pub(super) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY)
}
