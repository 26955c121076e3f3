//! File layout of one private Postgres.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::error::{At, Error};
use crate::ownership::{Lock, Refused, owner};

/// Lock file of the process that starts and stops the server of a directory.
const LOCK: &str = "lock";

/// Port number in the socket's name. No TCP port is opened.
pub(super) const PORT: u16 = 5432;

/// Maximum length of a socket path on every system: macOS allows 104 bytes with the final zero,
/// Linux 108.
const SOCKET_LIMIT: usize = 103;

/// Paths of one private Postgres, all absolute and without symbolic links.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Directory that holds all others.
    pub(super) root: PathBuf,
    /// Data directory of Postgres.
    pub(super) data: PathBuf,
    /// Directory of the socket; only the user who runs Postgres can enter it.
    pub(super) socket: PathBuf,
    /// Log file of Postgres.
    pub(super) log: PathBuf,
}

impl Layout {
    /// Layout below an existing directory.
    pub(super) fn below(dir: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(dir).at("find", dir)?;
        Ok(Self {
            data: root.join("data"),
            socket: socket_dir(&root),
            log: root.join("pg.log"),
            root,
        })
    }

    /// Creates the directory of the socket, or checks the owner of an existing directory.
    pub(super) fn prepare_socket_dir(&self, account: &Account) -> Result<(), Error> {
        let is_ours = |dir: &Path| owner(dir).is_some_and(|(uid, _)| uid == Uid::effective());
        if !self.socket.exists() {
            account.make_private_dir(&self.socket)?;
        } else if self.socket.starts_with(&self.root) && is_ours(&self.root) {
            // No other user can have created files there, but the data may have got a new owner.
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

    /// Deletes the directory of the socket if it is outside the root directory.
    pub(super) fn remove_outer_socket_dir(&self) {
        if !self.socket.starts_with(&self.root) {
            // Fails if a server is still running and the directory is not empty; then it must stay.
            let _ = fs::remove_dir(&self.socket);
        }
    }
}

/// Locks a directory: only the holder of the lock starts and stops its server.
pub(super) fn lock(dir: &Path) -> Result<Lock, Error> {
    let path = dir.join(LOCK);
    Lock::take(&path, 0o644, "").map_err(|refused| match refused {
        Refused::Locked { pid } => Error::Locked {
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

/// Creates a directory with its parents so that the user who runs Postgres can traverse them: mode
/// 0711 if this process is root, else 0700. Use it for every directory above the private Postgres.
///
/// # Errors
/// If a directory cannot be created.
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

/// Sets the mode of a directory after its creation: the umask would remove bits from the mode
/// passed to `mkdir`.
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

/// Path of the socket in `dir`, as named by Postgres.
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
