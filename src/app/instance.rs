//! One server a data directory, and how another process finds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::Error;
use crate::store::private;

/// The file that the server holds locked and writes its process id into.
const FILE: &str = "serve.pid";

/// The claim on a data directory; it goes with the process, however that ends.
#[derive(Debug)]
pub(super) struct Instance {
    file: File,
}

impl Instance {
    /// Makes the directory if it is missing, and claims it.
    pub(super) fn claim(dir: &Path) -> Result<Self, Error> {
        private::make_dir(dir)?;
        let mut file = open(dir).map_err(|source| unusable(dir, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Held {
                    dir: dir.to_owned(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(dir, source)),
        }
        let written = file.set_len(0);
        let written = written.and_then(|()| writeln!(file, "{}", std::process::id()));
        match written {
            // The lock holds without it, and the spool may have room where this disk has none.
            Err(error) if !is_full(&error) => Err(unusable(dir, error)),
            _ => Ok(Self { file }),
        }
    }
}

impl Drop for Instance {
    /// Closing the file would not do: a child that is just about to start may hold it open a
    /// moment longer.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Asks the server of `dir` to read its apps again, and says which process it is.
///
/// # Errors
/// None is running there, or it does not take signals from this user.
pub fn signal_reload(dir: &Path) -> Result<i32, Error> {
    let absent = || Error::NotServing {
        dir: dir.to_owned(),
    };
    let mut file = File::open(dir.join(FILE)).map_err(|_| absent())?;
    // A lock that can be had belongs to nobody: the process id is of one that has ended.
    if file.try_lock_shared().is_ok() {
        return Err(absent());
    }
    let pid = holder(&mut file).ok_or_else(absent)?;
    kill(Pid::from_raw(pid), Signal::SIGHUP).map_err(|source| Error::Signal { pid, source })?;
    Ok(pid)
}

fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

fn open(dir: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644);
    options.open(dir.join(FILE))
}

fn holder(file: &mut File) -> Option<i32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn unusable(dir: &Path, source: std::io::Error) -> Error {
    Error::DataDir {
        dir: PathBuf::from(dir),
        source,
    }
}
