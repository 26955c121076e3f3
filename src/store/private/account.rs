//! Operating system user of Postgres: this user, or a fallback for root, because Postgres refuses
//! root.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid};
use tokio::process::Command;

use super::error::{At, Error};
use crate::ownership::{by_name, by_uid, name_of, owner, private_owner};

/// Users for root if the configuration names none, the preferred one first.
const FALLBACKS: [&str; 2] = ["postgres", "nobody"];

/// Owner of the data; runs all Postgres programs.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// User name, for messages.
    pub(super) name: String,
    uid: Uid,
    gid: Gid,
    /// True if this process is root and has to change to this user.
    dropped: bool,
}

impl Account {
    /// Chooses the owner of existing data, else `run_as`, else a fallback user. Without root, only
    /// the current user is possible.
    pub(super) fn choose(run_as: Option<&str>, data: &Path) -> Result<Self, Error> {
        if Uid::effective().is_root() {
            Self::below_root(run_as, data)
        } else {
            Self::own(run_as, data)
        }
    }

    fn own(run_as: Option<&str>, data: &Path) -> Result<Self, Error> {
        let uid = Uid::effective();
        let user = by_uid(uid).ok_or(Error::NamelessUser { uid: uid.as_raw() })?;
        if let Some(name) = run_as.filter(|name| *name != user.name) {
            return Err(Error::CannotSwitch {
                name: name.to_owned(),
                own: user.name,
            });
        }
        if let Some((owner, _)) = owner(data).filter(|(owner, _)| *owner != uid) {
            let data = data.to_owned();
            return Err(Error::ForeignData {
                data,
                owner: name_of(owner),
                own: user.name,
            });
        }
        Ok(Self {
            name: user.name,
            uid,
            gid: Gid::effective(),
            dropped: false,
        })
    }

    fn below_root(run_as: Option<&str>, data: &Path) -> Result<Self, Error> {
        if let Some((uid, gid)) = owner(data).filter(|(uid, _)| !uid.is_root()) {
            return Ok(Self {
                name: name_of(uid),
                uid,
                gid,
                dropped: true,
            });
        }
        let user = match run_as {
            Some(name) => by_name(name),
            None => FALLBACKS.into_iter().find_map(by_name),
        };
        user.filter(|user| !user.uid.is_root())
            .map(|user| Self {
                name: user.name,
                uid: user.uid,
                gid: user.gid,
                dropped: true,
            })
            .ok_or_else(|| Error::NoAccount {
                name: run_as.unwrap_or(FALLBACKS[0]).to_owned(),
            })
    }

    /// Builds a command that runs as this user, without our environment and working directory. This
    /// user may have no access to our directory, and `PG*` variables would change the program's
    /// behaviour.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/");
        // Ctrl-C goes to the whole process group of the terminal. Postgres has to outlive our
        // orderly stop, so Postgres gets a process group of its own.
        command.process_group(0);
        if self.dropped {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Checks that this user can enter a directory, by running a shell in it.
    pub(super) async fn check_reach(&self, dir: &Path) -> Result<(), Error> {
        if !self.dropped {
            return Ok(());
        }
        let mut probe = self.command(Path::new("/bin/sh"));
        match probe
            .args(["-c", ":"])
            .current_dir(dir)
            .kill_on_drop(true)
            .status()
            .await
        {
            // Ignore other errors: without a shell, the next step reports the problem.
            Err(error) if error.raw_os_error() == Some(Errno::EACCES as i32) => {
                let (dir, user) = (dir.to_owned(), self.name.clone());
                Err(Error::Unreachable {
                    at: closed_ancestor(&dir),
                    dir,
                    user,
                })
            }
            _ => Ok(()),
        }
    }

    /// Creates an empty directory with access for this user only.
    pub(super) fn make_private_dir(&self, path: &Path) -> Result<(), Error> {
        fs::create_dir(path).at("make", path)?;
        self.claim_dir(path)
    }

    /// Gives an existing directory to this user, without access for others.
    pub(super) fn claim_dir(&self, path: &Path) -> Result<(), Error> {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).at("close", path)?;
        if self.dropped {
            self.give(path).at("give away", path)
        } else {
            Ok(())
        }
    }

    /// Gives data owned by root to this user. Root usually owns a copy of the data.
    pub(super) fn claim_data(&self, data: &Path) -> Result<(), Error> {
        let by_root = owner(data).is_some_and(|(uid, _)| uid.is_root());
        if self.dropped && by_root {
            self.give_tree(data).at("give away", data)
        } else {
            Ok(())
        }
    }

    /// True if `path` is a real directory of this user, without access for others.
    pub(super) fn has_private_dir(&self, path: &Path) -> bool {
        private_owner(path) == Some(self.uid)
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
    }

    fn give_tree(&self, path: &Path) -> io::Result<()> {
        self.give(path)?;
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.give_tree(&entry?.path())?;
            }
        }
        Ok(())
    }
}

/// Topmost directory on the path to `dir` without access for others: the most likely reason if
/// another user cannot enter `dir`.
fn closed_ancestor(dir: &Path) -> PathBuf {
    let mut way: Vec<&Path> = dir.ancestors().collect();
    way.reverse();
    let closed = |path: &&&Path| fs::metadata(path).is_ok_and(|it| it.mode() & 0o001 == 0);
    way.iter()
        .find(closed)
        .map_or_else(|| dir.to_owned(), |path| path.to_path_buf())
}
