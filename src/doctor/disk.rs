//! Space and inodes that are left where data are kept, and whether a restart takes them away.

use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::finding::{Check, Finding};
use crate::amounts::size;

const MIB: u64 = 1024 * 1024;

/// Below it Postgres may stop at any moment: its log alone takes files of 16 MiB.
const LEAST_BYTES: u64 = 256 * MIB;

/// Below it somebody should make room.
const LITTLE_BYTES: u64 = 2 * 1024 * MIB;

/// Below it somebody should make room, however large the disk.
const LITTLE_PERCENT: u64 = 5;

/// A new file takes one; Postgres makes some for each table.
const LEAST_INODES: u64 = 1_000;

/// Consequence of a full disk.
const FULL: &str =
    "a full disk stops Postgres; deliveries go into the spool, and get 503 when that is full";

/// Free space of a file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) bytes: u64,
    of_bytes: u64,
    /// None where the file system does not count them.
    inodes: Option<u64>,
}

/// Looks at the file system of `path`, which people know as `name`.
pub(super) fn check(name: &str, path: &Path) -> Finding {
    match left(path) {
        Ok((place, left)) => judge(name, &place, left),
        Err(error) => {
            let why = format!("failed to read {name} {}: {error}", path.display());
            Finding::unchecked(Check::Disk, why)
        }
    }
}

/// Nearest existing ancestor, in which a directory that is missing will be made.
pub(super) fn nearest(path: &Path) -> &Path {
    let there = path.ancestors().find(|path| path.exists());
    there.unwrap_or(path)
}

/// The space left where `path` is or will be made.
pub(super) fn left(path: &Path) -> nix::Result<(PathBuf, Left)> {
    let there = nearest(path);
    let stat = statvfs(there)?;
    // How wide these numbers are differs from system to system.
    #[expect(
        clippy::useless_conversion,
        reason = "narrower on other systems than this one"
    )]
    let [block, free, blocks, inodes, all_inodes]: [u64; 5] = [
        stat.fragment_size().into(),
        stat.blocks_available().into(),
        stat.blocks().into(),
        stat.files_available().into(),
        stat.files().into(),
    ];
    let left = Left {
        bytes: free.saturating_mul(block),
        of_bytes: blocks.saturating_mul(block),
        inodes: (all_inodes > 0).then_some(inodes),
    };
    Ok((there.to_owned(), left))
}

/// Objects to a directory, known as `name`, that is in memory: it syncs, and proves nothing by it.
pub(super) fn in_memory(check: Check, name: &str, path: &Path) -> Option<Finding> {
    let found = format!("{name} is in memory (tmpfs): {}", path.display());
    is_in_memory(nearest(path)).then(|| {
        Finding::warning(check, found)
            .means("deliveries that got 200 are lost when this machine or its container restarts")
            .remedy("choose a directory on a disk that survives a restart")
    })
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    use nix::sys::statfs::{TMPFS_MAGIC, statfs};
    statfs(path).is_ok_and(|it| it.filesystem_type() == TMPFS_MAGIC)
}

/// Elsewhere the system does not say it by a number.
#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

fn judge(name: &str, place: &Path, left: Left) -> Finding {
    let percent = left.bytes.saturating_mul(100) / left.of_bytes.max(1);
    let (bytes, place) = (size(left.bytes), place.display());
    let found = format!("{bytes} ({percent} %) are free for {name} at {place}");
    let mut remedy = "make room, or move the data to a larger disk";
    let finding = if let Some(inodes) = left.inodes.filter(|inodes| *inodes < LEAST_INODES) {
        let found = format!("only {inodes} inodes are free for {name} at {place}");
        remedy = "remove files from this file system, or move the data to another one";
        Finding::wrong(Check::Disk, found)
    } else if left.bytes < LEAST_BYTES {
        Finding::wrong(Check::Disk, found)
    } else if left.bytes < LITTLE_BYTES || percent < LITTLE_PERCENT {
        Finding::warning(Check::Disk, found)
    } else {
        return Finding::ok(Check::Disk, found);
    };
    finding.means(FULL).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn verdict(bytes: u64, of_bytes: u64, inodes: Option<u64>) -> Verdict {
        let left = Left {
            bytes,
            of_bytes,
            inodes,
        };
        judge("data_dir", Path::new("/data"), left).verdict
    }

    #[test]
    fn little_space_warns_and_next_to_none_is_wrong() {
        let gib = 1024 * MIB;
        assert_eq!(verdict(50 * gib, 100 * gib, Some(1_000_000)), Verdict::Ok);
        assert_eq!(verdict(4 * gib, 100 * gib, None), Verdict::Warning);
        assert_eq!(verdict(gib, 4 * gib, None), Verdict::Warning);
        assert_eq!(verdict(100 * MIB, 4 * gib, None), Verdict::Wrong);
        assert_eq!(verdict(50 * gib, 100 * gib, Some(3)), Verdict::Wrong);
        assert_eq!(verdict(0, 0, None), Verdict::Wrong);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_in_memory_is_told_from_what_is_not() {
        let found = in_memory(Check::Spool, "the spool", Path::new("/dev/shm/not/yet"));
        assert_eq!(found.unwrap().verdict, Verdict::Warning);
        for other in ["/proc", "/sys"] {
            assert!(in_memory(Check::Spool, "the spool", Path::new(other)).is_none());
        }
    }

    #[test]
    fn what_is_not_there_yet_is_judged_by_what_is() {
        let directory = tempfile::TempDir::new().unwrap();
        let finding = check("data_dir", &directory.path().join("not/yet"));
        assert_ne!(finding.verdict, Verdict::Unchecked);
        let there = directory.path().display().to_string();
        assert!(finding.found.contains(&there), "{}", finding.found);
    }
}
