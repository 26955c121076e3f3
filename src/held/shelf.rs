//! What is held, for those who read beside the server or without one.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};

use super::{Name, Record, directory::Directory, keeper::is_old};
use crate::sealed::Unreadable;

/// Where in the data directory deliveries are held.
const DIRECTORY: &str = "rejections";

/// What is in the way of reading what is held.
#[derive(Debug, thiserror::Error)]
#[error(
    "what is held of refused deliveries in {} cannot be {what}; run this as root or as the user \
     that runs the server",
    .dir.display()
)]
pub struct Error {
    what: &'static str,
    dir: PathBuf,
    #[source]
    source: io::Error,
}

/// What one file holds.
#[derive(Debug)]
pub enum Found {
    /// A delivery.
    Record(Record),
    /// Nothing that can be read: it was damaged, or written by a newer program.
    Unreadable(Unreadable),
    /// Nothing any more: it was deleted in the meantime.
    Gone,
}

/// The files of held deliveries.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: Directory,
    hold_for: SignedDuration,
}

impl Shelf {
    /// What is held below `data_dir`, as far as it is no older than `hold_for`.
    pub fn new(data_dir: &Path, hold_for: SignedDuration) -> Self {
        Self {
            directory: Directory::at(place(data_dir)),
            hold_for,
        }
    }

    /// What is held, in the order of arrival.
    ///
    /// # Errors
    /// This user may not look.
    pub fn names(&self, now: Timestamp) -> Result<Vec<Name>, Error> {
        let mut names = self.directory.names().map_err(self.cannot_be("read"))?;
        names.retain(|name| !is_old(name, self.hold_for, now));
        names.sort_unstable();
        Ok(names)
    }

    /// What one file holds. One that the disk cannot read is in the way of no other.
    ///
    /// # Errors
    /// This user may not look.
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
            // A file goes by the name of what is in it.
            Some(Ok(record)) if Name::of(&record).as_ref() == Some(name) => Found::Record(record),
            Some(Ok(_)) => Found::Unreadable(Unreadable::Damaged),
        })
    }

    /// How many bytes all of `names` take.
    ///
    /// # Errors
    /// This user may not look.
    pub fn bytes(&self, names: &[Name]) -> Result<u64, Error> {
        let length = |name| self.directory.length(name).map(Option::unwrap_or_default);
        let lengths: io::Result<Vec<_>> = names.iter().map(length).collect();
        Ok(lengths.map_err(self.cannot_be("read"))?.iter().sum())
    }

    /// Deletes one file.
    ///
    /// # Errors
    /// This user may not delete it.
    pub fn remove(&self, name: &Name) -> Result<(), Error> {
        let removed = self.directory.remove(name);
        removed.map_err(self.cannot_be("deleted"))
    }

    fn cannot_be(&self, what: &'static str) -> impl FnOnce(io::Error) -> Error {
        let dir = self.directory.path().to_owned();
        move |source| Error { what, dir, source }
    }
}

/// Where deliveries are held.
pub(super) fn place(data_dir: &Path) -> PathBuf {
    data_dir.join(DIRECTORY)
}
