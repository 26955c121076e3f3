//! A data directory that is deleted after its test, together with any private Postgres in it.
//!
//! A private Postgres outlives its process by design, so a killed test would leave it running. A
//! guard process waits for the end of a pipe, stops the servers below the directory and deletes it.

use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Shell script of the guard. It signals a process only if its working directory is the directory
/// of the pid file: an old pid may have been reused.
const GUARD: &str = r#"
lives() { kill -0 "$1" 2>/dev/null && { [ ! -d /proc/self ] || [ "$(readlink "/proc/$1/cwd")" = "$2" ]; }; }
echo ready
cat >/dev/null
find "$1" -name postmaster.pid | while read -r file; do
    pid=$(sed -n 1p "$file"); socket=$(sed -n 5p "$file"); data=$(dirname "$file")
    lives "$pid" "$data" && kill -QUIT "$pid" && kill -CONT "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    for _ in $(seq 500); do lives "$pid" "$data" || break; sleep 0.02; done
    rmdir "$socket" 2>/dev/null
done
for _ in $(seq 50); do rm -rf "$1" && break; sleep 0.1; done
"#;

/// A directory that every user can traverse, as required for Postgres' own user.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    guard: Child,
}

impl Directory {
    /// Creates a directory and its guard.
    pub(crate) fn create() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("hookshelf-test-")
            .tempdir_in(open_temp_dir())
            .unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap();
        let path = dir.path().canonicalize().unwrap();
        let mut guard = Command::new("sh");
        guard
            .args(["-c", GUARD, "guard"])
            .arg(&path)
            .current_dir("/");
        // Ctrl-C signals the whole process group; the guard must survive it.
        guard
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut guard = guard.spawn().unwrap();
        // From now on the guard deletes the directory.
        guard
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut [0; 6])
            .unwrap();
        let _ = dir.keep();
        Self { path, guard }
    }

    /// Creates a directory of another user.
    pub(crate) fn of_user(uid: u32, gid: u32) -> Self {
        let this = Self::create();
        chown(&this.path, Some(uid), Some(gid)).unwrap();
        this
    }

    /// Path of the directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file in the directory.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// True if every user can reach the path.
pub(crate) fn is_open_to_all(path: &Path) -> bool {
    let open = |dir: &Path| std::fs::metadata(dir).is_ok_and(|it| it.mode() & 0o001 != 0);
    path.ancestors().all(open)
}

fn open_temp_dir() -> PathBuf {
    let usual = std::env::temp_dir();
    if is_open_to_all(&usual) {
        usual
    } else {
        "/tmp".into()
    }
}
