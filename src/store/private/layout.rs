//! Where the files of one private Postgres are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{At, Error};
use crate::ownership::{Lock, Refused, owner};

/// The file that whoever starts and stops the server of a directory holds locked.
const LOCK: &str = "lock";

/// The number in the socket's name. No TCP port is opened.
pub(super) const PORT: u16 = 5432;

/// The longest path of a socket that every system takes: macOS has 104 bytes with the final
/// zero, Linux 108.
const SOCKET_LIMIT: usize = 103;

/// The paths of one private Postgres, all absolute and without links.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The directory that holds everything else.
    pub(super) root: PathBuf,
    /// The data directory of Postgres.
    pub(super) data: PathBuf,
    /// The directory of the socket, which only the user who runs Postgres can enter.
    pub(super) socket: PathBuf,
    /// What Postgres says.
    pub(super) log: PathBuf,
}

impl Layout {
    /// The layout below a directory that exists.
    pub(super) fn below(dir: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(dir).at("find", dir)?;
        Ok(Self {
            data: root.join("data"),
            socket: socket_dir(&root),
            log: root.join("pg.log"),
            root,
        })
    }

    /// Makes the directory of the socket, or checks that the one there is ours.
    pub(super) fn prepare_socket_dir(&self, account: &Account) -> Result<(), Error> {
        let is_ours = |dir: &Path| owner(dir).is_some_and(|(uid, _)| uid == Uid::effective());
        if !self.socket.exists() {
            account.make_private_dir(&self.socket)?;
        } else if self.socket.starts_with(&self.root) && is_ours(&self.root) {
            // Nobody else can have put anything there. The data may have changed hands, though.
            account.claim_dir(&self.socket)?;
        }
        if account.has_private_dir(&self.socket) {
            Ok(())
        } else {
            Err(Error::SocketDir {
                dir: self.socket.clone(),
            })
        }
    }

    /// Removes the directory of the socket if it is not among our own files.
    pub(super) fn remove_outer_socket_dir(&self) {
        if !self.socket.starts_with(&self.root) {
            // Not empty while a server still runs, and then it has to stay.
            let _ = fs::remove_dir(&self.socket);
        }
    }
}

/// Takes the right to start and stop the server of a directory.
pub(super) fn lock(dir: &Path) -> Result<Lock, Error> {
    let path = dir.join(LOCK);
    Lock::take(&path, 0o644, "").map_err(|refused| match refused {
        Refused::Held { pid } => Error::Held {
            dir: dir.to_owned(),
            pid,
        },
        Refused::Unusable { what, source } => Error::File {
            action: what,
            path,
            source,
        },
    })
}

/// Makes a directory with its parents, so that the user who runs Postgres can pass through them:
/// mode 0711 if this process is root, else 0700. Every directory above the private Postgres
/// should be made by it.
///
/// # Errors
/// When one of them cannot be made.
pub fn make_dir(dir: &Path) -> Result<(), Error> {
    let is_root = Uid::effective().is_root();
    let mode = if is_root { 0o711 } else { 0o700 };
    let missing = dir
        .ancestors()
        .take_while(|path| !path.exists() && !path.as_os_str().is_empty());
    for path in missing.collect::<Vec<_>>().into_iter().rev() {
        fs::create_dir(path).at("make", path)?;
        set_mode(path, mode)?;
    }
    let ours = owner(dir).is_some_and(|(uid, _)| uid.is_root());
    if is_root && ours {
        set_mode(dir, mode)
    } else {
        Ok(())
    }
}

/// Set afterwards, because the mask of this process takes rights away from a new directory.
fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).at("open", path)
}

fn socket_dir(root: &Path) -> PathBuf {
    let inside = root.join("socket");
    if socket_file(&inside).as_os_str().len() <= SOCKET_LIMIT {
        return inside;
    }
    let hash = hex::encode(Sha256::digest(root.as_os_str().as_encoded_bytes()));
    Path::new("/tmp").join(format!("hookshelf-{}", &hash[..16]))
}

/// The path of the socket in its directory, as Postgres names it.
pub(super) fn socket_file(dir: &Path) -> PathBuf {
    dir.join(format!(".s.PGSQL.{PORT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket_of_its_own() {
        let short = Path::new("/var/lib/hookshelf/postgres");
        assert_eq!(socket_dir(short), short.join("socket"));

        let long = PathBuf::from(format!("/{}", "x".repeat(100)));
        let other = PathBuf::from(format!("/{}", "y".repeat(100)));
        assert!(socket_file(&socket_dir(&long)).as_os_str().len() <= SOCKET_LIMIT);
        assert_eq!(socket_dir(&long), socket_dir(&long));
        assert_ne!(socket_dir(&long), socket_dir(&other));
    }

    #[test]
    fn the_longest_path_that_fits_stays_inside() {
        let most = SOCKET_LIMIT - "/socket/.s.PGSQL.5432".len();
        let fits = PathBuf::from(format!("/{}", "x".repeat(most - 1)));
        let too_long = PathBuf::from(format!("/{}", "x".repeat(most)));
        assert!(socket_dir(&fits).starts_with(&fits));
        assert!(!socket_dir(&too_long).starts_with(&too_long));
    }
}
