//! Owners of files and directories: users of the system, and the process that holds a lock.
//!
//! A lock belongs to the open file, so it goes with its process however that ends, and a file left
//! behind holds nobody up.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use nix::{
    fcntl::OFlag,
    unistd::{Gid, Uid, User},
};

/// A locked file. Its first line is the id of the process that holds it.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Why a file could not be locked.
#[derive(Debug)]
pub enum Refused {
    /// Another process holds it.
    Held {
        /// Its id, if it could write that down.
        pid: Option<u32>,
    },
    /// The file cannot be used.
    Unusable {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Lock {
    /// Locks the file at `path`, made with `mode` if it is missing, and writes the id of this
    /// process and a `note` into it. A disk that is full keeps no lock from being taken.
    pub fn take(path: &Path, mode: u32, note: &str) -> Result<Self, Refused> {
        let unusable = |what| move |source| Refused::Unusable { what, source };
        let mut file = open(path, mode).map_err(unusable("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = pid(&read(&mut file));
                return Err(Refused::Held { pid });
            }
            Err(TryLockError::Error(source)) => return Err(unusable("lock")(source)),
        }
        let text = format!("{}\n{note}", std::process::id());
        let written = file.set_len(0);
        match written.and_then(|()| file.write_all(text.as_bytes())) {
            Err(error) if !is_full(&error) => Err(unusable("write")(error)),
            _ => Ok(Self { file }),
        }
    }
}

impl Drop for Lock {
    /// Closing the file would not do: a child that another thread is just about to start may hold
    /// it open a moment longer.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// A directory may belong to another user than root, so root must not follow a link in it.
fn open(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(mode)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
}

/// The text of a locked file.
pub fn read(file: &mut File) -> String {
    const LONGEST: u64 = 64;
    let mut text = String::new();
    let _ = file.take(LONGEST).read_to_string(&mut text);
    text
}

/// The process id in the text of a locked file.
pub fn pid(text: &str) -> Option<u32> {
    text.lines().next()?.parse().ok().filter(|pid| *pid > 0)
}

/// True if the disk has no room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// The owner of a path, unless it does not exist.
pub fn owner(path: &Path) -> Option<(Uid, Gid)> {
    let metadata = fs::metadata(path).ok()?;
    Some((Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid())))
}

/// The owner of a directory that only its owner can enter.
pub fn private_owner(path: &Path) -> Option<Uid> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let private = metadata.is_dir() && metadata.mode() & 0o777 == 0o700;
    private.then(|| Uid::from_raw(metadata.uid()))
}

/// The user with an id, if the system knows one.
pub fn by_uid(uid: Uid) -> Option<User> {
    User::from_uid(uid).ok().flatten()
}

/// The user of a name, if the system knows one.
pub fn by_name(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

/// The name of a user, or its number.
pub fn name_of(uid: Uid) -> String {
    by_uid(uid).map_or_else(|| uid.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::take(&path, 0o600, "more\n").unwrap();
        let own = std::process::id();
        let second = Lock::take(&path, 0o600, "");
        assert!(matches!(second, Err(Refused::Held { pid: Some(pid) }) if pid == own));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{own}\nmore\n"));
        drop(lock);
        Lock::take(&path, 0o600, "").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (dir.path().join("lock"), dir.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let refused = Lock::take(&path, 0o600, "");
        assert!(matches!(
            refused,
            Err(Refused::Unusable { what: "open", .. })
        ));
        assert!(!elsewhere.exists());
    }
}
