//! One process at a time: the lock on the directory of the private Postgres.
//!
//! The lock belongs to the open file, so it goes with its process however that ends, and a file
//! left behind holds nobody up.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::error::{At, Error};

/// The name of the file that is locked.
pub(super) const FILE: &str = "lock";

/// The right to start and stop the server of one directory, for as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `dir` and writes this process down as its holder.
    pub(super) fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let mut file = open(&path).at("open", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Held {
                    dir: dir.to_owned(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(error).at("lock", &path),
        }
        file.set_len(0).at("empty", &path)?;
        writeln!(file, "{}", std::process::id()).at("write", &path)?;
        Ok(Self { file })
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
fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
