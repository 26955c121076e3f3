//! Who runs Postgres: this user, or, because Postgres refuses root, the user that root drops to.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid};
use tokio::process::Command;

use super::error::{At, Error};
use crate::ownership::{by_name, by_uid, name_of, owner, private_owner};

/// The users root drops to when none is named, the better one first.
const FALLBACKS: [&str; 2] = ["postgres", "nobody"];

/// The user that owns the data and runs every program of Postgres.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// The user's name, for messages.
    pub(super) name: String,
    uid: Uid,
    gid: Gid,
    /// Whether this process is root and has to change to that user.
    dropped: bool,
}

impl Account {
    /// Chooses the owner of existing data, else `run_as`, else a fallback; without root only
    /// this user itself is possible.
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

    /// A command that runs as this user, with nothing of our environment or working directory:
    /// both may be closed to that user, and `PG*` variables would change what the program does.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir("/");
        // Ctrl-C goes to the whole process group of the terminal; Postgres has to outlive our
        // own orderly stop, so it gets a group of its own.
        command.process_group(0);
        if self.dropped {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Makes sure that this user can get to a directory, by sending a shell there.
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
            // Nothing else is judged here: where there is no shell, the next step tells.
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

    /// Makes an empty directory that only this user can enter.
    pub(super) fn make_private_dir(&self, path: &Path) -> Result<(), Error> {
        fs::create_dir(path).at("make", path)?;
        self.claim_dir(path)
    }

    /// Gives an existing directory to this user alone.
    pub(super) fn claim_dir(&self, path: &Path) -> Result<(), Error> {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).at("close", path)?;
        if self.dropped {
            self.give(path).at("give away", path)
        } else {
            Ok(())
        }
    }

    /// Gives data that root owns (a copy made by root, usually) to this user.
    pub(super) fn claim_data(&self, data: &Path) -> Result<(), Error> {
        let by_root = owner(data).is_some_and(|(uid, _)| uid.is_root());
        if self.dropped && by_root {
            self.give_tree(data).at("give away", data)
        } else {
            Ok(())
        }
    }

    /// Whether `path` is a real directory of this user that nobody else can enter.
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

/// The topmost directory on the way to `dir` that is closed to others, which is the likeliest
/// reason why another user cannot get there.
fn closed_ancestor(dir: &Path) -> PathBuf {
    let mut way: Vec<&Path> = dir.ancestors().collect();
    way.reverse();
    let closed = |path: &&&Path| fs::metadata(path).is_ok_and(|it| it.mode() & 0o001 == 0);
    way.iter()
        .find(closed)
        .map_or_else(|| dir.to_owned(), |path| path.to_path_buf())
}
