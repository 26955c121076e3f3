//! Ownership of files and directories: system users, and lock files that name their process.
//!
//! A lock belongs to the open file, so it ends with its process, even after a crash. A lock file
//! left behind blocks no other process.

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

/// A locked file. Its first line is the process id of the owner.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// Reason why a file could not be locked.
#[derive(Debug)]
pub enum Refused {
    /// Another process holds the lock.
    Locked {
        /// Process id of the owner, if the file contains one.
        pid: Option<u32>,
    },
    /// The file cannot be used.
    Unusable {
        /// Operation that failed.
        what: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
}

impl Lock {
    /// Locks the file at `path`, creating it with `mode` if missing, and writes the id of this
    /// process and a `note`. A full disk does not prevent locking.
    pub fn take(path: &Path, mode: u32, note: &str) -> Result<Self, Refused> {
        let unusable = |what| move |source| Refused::Unusable { what, source };
        let mut file = open(path, mode).map_err(unusable("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = pid(&read(&mut file));
                return Err(Refused::Locked { pid });
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
    /// Unlocks explicitly. Closing the file is not enough, since a child process that is just being
    /// spawned may hold the file open a moment longer.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Opens without following a link: the directory may belong to another user, and root must not be
/// redirected.
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

/// Reads the text of a lock file.
pub fn read(file: &mut File) -> String {
    const LONGEST: u64 = 64;
    let mut text = String::new();
    let _ = file.take(LONGEST).read_to_string(&mut text);
    text
}

/// Parses the process id in the text of a lock file.
pub fn pid(text: &str) -> Option<u32> {
    text.lines().next()?.parse().ok().filter(|pid| *pid > 0)
}

/// True if the disk or quota is full.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// Owner of a path, if it exists.
pub fn owner(path: &Path) -> Option<(Uid, Gid)> {
    let metadata = fs::metadata(path).ok()?;
    Some((Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid())))
}

/// Owner of a directory, if its mode is 0700.
pub fn private_owner(path: &Path) -> Option<Uid> {
    let metadata = fs::symlink_metadata(path).ok()?;
    let private = metadata.is_dir() && metadata.mode() & 0o777 == 0o700;
    private.then(|| Uid::from_raw(metadata.uid()))
}

/// Looks up a user by id.
pub fn by_uid(uid: Uid) -> Option<User> {
    User::from_uid(uid).ok().flatten()
}

/// Looks up a user by name.
pub fn by_name(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

/// Name of a user, or the id if the user is unknown.
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
        assert!(matches!(second, Err(Refused::Locked { pid: Some(pid) }) if pid == own));
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
