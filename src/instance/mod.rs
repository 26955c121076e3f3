//! A server process: its claim on a data directory, and the id by which verbs recognise it.
//!
//! The server holds `serve.pid` in its data directory locked and writes its process id and a random
//! id into it. A verb reads that id and names it with each request over HTTP: the server of another
//! data directory, found at the same address, does not take itself for the one that was meant. The
//! id is no secret and opens nothing.

mod error;
mod id;
mod reading;

use std::{
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

pub use error::Error;
pub use id::{HEADER, Id};
pub use reading::Reading;

use crate::ownership::{self, Lock, Refused};

/// The file that the server holds locked.
const FILE: &str = "serve.pid";

/// The claim of a server on a data directory; it ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim {
    dir: PathBuf,
    id: Id,
    _lock: Lock,
}

/// The server of a data directory, as another process sees it.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its process.
    pub pid: Option<i32>,
    /// Its id; none if the disk had no room for it.
    pub id: Option<Id>,
}

impl Claim {
    /// Claims a directory that exists.
    ///
    /// # Errors
    /// Another server has it, or it cannot be used.
    pub fn take(dir: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Unusable {
            dir: dir.to_owned(),
            source,
        };
        let id = Id::random().map_err(unusable)?;
        let lock = Lock::take(&dir.join(FILE), 0o644, &format!("{}\n", id.as_str()));
        let lock = lock.map_err(|refused| match refused {
            Refused::Held { pid } => Error::Held {
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

    /// Keeps what was read of the configuration, for `reload`. Without room for it the server goes
    /// on, and `reload` says that it does not know.
    pub fn note(&self, reading: Reading) {
        if let Err(error) = reading::write(&self.dir, self.id.as_str(), reading) {
            let dir = self.dir.display();
            tracing::warn!(%error, %dir, "cannot note for hookshelf reload how it went");
        }
    }
}

impl Running {
    /// The server of `dir`; none if no server uses the directory.
    ///
    /// # Errors
    /// This user may not look into the directory.
    pub fn find(dir: &Path) -> Result<Option<Self>, Error> {
        let mut file = match File::open(dir.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Error::hidden(dir, error));
            }
            Err(_) => return Ok(None),
        };
        // A lock that can be had belongs to nobody: the ids are of a server that has ended.
        if file.try_lock_shared().is_ok() {
            return Ok(None);
        }
        Ok(Some(read(&mut file)))
    }

    /// The server of `dir`.
    ///
    /// # Errors
    /// None uses the directory, or this user may not look into it.
    pub fn required(dir: &Path) -> Result<Self, Error> {
        let dir = dir.to_owned();
        Self::find(&dir)?.ok_or(Error::NotServing { dir })
    }

    /// The last reading of its configuration, if this user may see that.
    pub fn reading(&self, dir: &Path) -> Option<Reading> {
        reading::read(dir, self.id.as_ref()?.as_str())
    }

    /// Asks the server to read its apps again.
    ///
    /// # Errors
    /// It does not take signals from this user.
    pub fn signal_reload(&self, dir: &Path) -> Result<(), Error> {
        let absent = || Error::NotServing {
            dir: dir.to_owned(),
        };
        let pid = self.pid.ok_or_else(absent)?;
        kill(Pid::from_raw(pid), Signal::SIGHUP).map_err(|source| Error::Signal { pid, source })
    }

    /// True if an answer with this value of [`HEADER`] is from this server.
    pub fn answered(&self, header: Option<&[u8]>) -> bool {
        self.id
            .as_ref()
            .is_none_or(|id| header.is_some_and(|it| id.is(it)))
    }

    /// The process in words, for a message.
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
        assert!(matches!(Claim::take(dir.path()), Err(Error::Held { .. })));
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
