//! A server process: its claim on a data directory, and the id by which commands recognise it.
//!
//! The server locks `serve.pid` in its data directory and writes its process id and a random id
//! into it. A command reads the random id and sends it with each HTTP request. A server of another
//! data directory, reached at the same address, refuses such a request. The id is not a secret and
//! authorises nothing.

mod error;
mod id;
mod reading;
mod token;

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use secrecy::zeroize::Zeroizing;

pub use error::Error;
pub use id::{HEADER, Id};
pub use reading::Reading;
pub use token::token;

use crate::ownership::{self, Lock, Refused};

/// Name of the lock file.
const FILE: &str = "serve.pid";

/// Claim of a server on a data directory. The claim ends with the process, even after a crash.
#[derive(Debug)]
pub struct Claim {
    dir: PathBuf,
    id: Id,
    _lock: Lock,
}

/// The server of a data directory, as another process sees it.
#[derive(Clone, Debug)]
pub struct Running {
    /// Process id of the server, if known.
    pub pid: Option<i32>,
    /// Id of the server; none if the disk was full when the server started.
    pub id: Option<Id>,
}

/// Name of a server that survives its restarts: the host name and the data directory.
pub fn name(dir: &Path) -> String {
    let host = nix::unistd::gethostname().unwrap_or_default();
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    format!("{}:{}", host.to_string_lossy(), dir.display())
}

impl Claim {
    /// Claims an existing directory.
    ///
    /// # Errors
    /// If another server has claimed it, or if it cannot be used.
    pub fn take(dir: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Unusable {
            dir: dir.to_owned(),
            source,
        };
        let id = Id::random().map_err(unusable)?;
        let lock = Lock::take(&dir.join(FILE), 0o644, &format!("{}\n", id.as_str()));
        let lock = lock.map_err(|refused| match refused {
            Refused::Locked { pid } => Error::Locked {
                dir: dir.to_owned(),
                pid,
            },
            Refused::Unusable { source, .. } => unusable(source),
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            id,
            _lock: lock,
        })
    }

    /// The id of this server.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Makes the server's own token for its admin listener, and keeps it for local commands in a
    /// file that only this user reads.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn make_token(&self) -> io::Result<Zeroizing<String>> {
        token::make(&self.dir)
    }

    /// Saves the result of reading the configuration, for `hookshelf reload`. On failure the server
    /// goes on, and `reload` reports that it does not know the result.
    pub fn note(&self, reading: Reading) {
        if let Err(error) = reading::write(&self.dir, self.id.as_str(), reading) {
            let dir = self.dir.display();
            tracing::warn!(
                target: "process",
                %error,
                %dir,
                "failed to save the result of the reload for `hookshelf reload`"
            );
        }
    }
}

impl Running {
    /// Finds the server of `dir`; none if no server uses the directory.
    ///
    /// # Errors
    /// If this user cannot read the directory.
    pub fn find(dir: &Path) -> Result<Option<Self>, Error> {
        let mut file = match File::open(dir.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Error::hidden(dir, error));
            }
            Err(_) => return Ok(None),
        };
        // The lock is free, so the ids are of a server that has ended.
        if file.try_lock_shared().is_ok() {
            return Ok(None);
        }
        Ok(Some(read(&mut file)))
    }

    /// Finds the server of `dir`.
    ///
    /// # Errors
    /// If no server uses the directory, or this user cannot read it.
    pub fn required(dir: &Path) -> Result<Self, Error> {
        let dir = dir.to_owned();
        Self::find(&dir)?.ok_or(Error::NotServing { dir })
    }

    /// Result of the last reading of the configuration, if this user can read it.
    pub fn reading(&self, dir: &Path) -> Option<Reading> {
        reading::read(dir, self.id.as_ref()?.as_str())
    }

    /// Sends SIGHUP, so that the server reloads its apps.
    ///
    /// # Errors
    /// If this user may not signal the server.
    pub fn signal_reload(&self, dir: &Path) -> Result<(), Error> {
        let absent = || Error::NotServing {
            dir: dir.to_owned(),
        };
        let pid = self.pid.ok_or_else(absent)?;
        kill(Pid::from_raw(pid), Signal::SIGHUP).map_err(|source| Error::Signal { pid, source })
    }

    /// True if a response with this value of [`HEADER`] is from this server.
    pub fn answered(&self, header: Option<&[u8]>) -> bool {
        self.id
            .as_ref()
            .is_none_or(|id| header.is_some_and(|it| id.is(it)))
    }

    /// The process id, formatted for a message.
    pub fn process(&self) -> String {
        self.pid
            .map_or_else(String::new, |pid| format!(" (process {pid})"))
    }
}

fn read(file: &mut File) -> Running {
    let text = ownership::read(file);
    let pid = ownership::pid(&text);
    Running {
        pid: pid.and_then(|pid| pid.try_into().ok()),
        id: text.lines().nth(1).and_then(Id::read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_its_ids_and_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Running::find(dir.path()).unwrap().is_none());
        let claim = Claim::take(dir.path()).unwrap();
        let found = Running::find(dir.path()).unwrap().unwrap();
        assert_eq!(found.id.as_ref(), Some(claim.id()));
        assert_eq!(found.pid.map(i64::from), Some(std::process::id().into()));
        let id = claim.id().as_str().as_bytes();
        assert!(found.answered(Some(id)));
        assert!(!found.answered(Some(b"another")) && !found.answered(None));
        assert!(matches!(Claim::take(dir.path()), Err(Error::Locked { .. })));
        drop(claim);
        assert!(Running::find(dir.path()).unwrap().is_none());
        let next = Claim::take(dir.path()).unwrap();
        assert_ne!(Some(next.id()), found.id.as_ref());
    }

    #[test]
    fn a_server_that_could_not_write_its_id_is_taken_at_its_word() {
        let dir = tempfile::tempdir().unwrap();
        let _claim = Claim::take(dir.path()).unwrap();
        std::fs::write(dir.path().join(FILE), "").unwrap();
        let found = Running::find(dir.path()).unwrap().unwrap();
        assert!(found.id.is_none() && found.pid.is_none());
        assert!(found.answered(None));
    }
}
