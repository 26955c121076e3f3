//! Read-only view of a spool directory, without taking its lock.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::directory::{UNFINISHED, parse};

/// Number of files in a spool directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirStats {
    /// Files with deliveries. The count may include a file that a server is just deleting.
    pub files: u64,
    /// Files that were set aside.
    pub set_aside: u64,
}

impl DirStats {
    /// Counts the files in `dir`; a missing directory has none.
    ///
    /// # Errors
    /// If `dir` cannot be listed.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let name = entry?.file_name();
            match name.to_str().and_then(parse) {
                Some((_, "")) => found.files += 1,
                Some((_, UNFINISHED)) | None => {}
                Some(_) => found.set_aside += 1,
            }
        }
        Ok(found)
    }
}

/// Returns the directories in `dirs` that hold deliveries. Skips `used`, also under another path,
/// and directories that cannot be listed.
pub fn left_behind(dirs: Vec<PathBuf>, used: Option<&Path>) -> Vec<PathBuf> {
    let same = |dir: &Path, other: &Path| {
        let real = [dir, other].map(|it| fs::canonicalize(it).ok());
        real[0].is_some() && real[0] == real[1]
    };
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in dirs {
        let is_known = used.into_iter().chain(found.iter().map(PathBuf::as_path));
        let is_known = is_known.into_iter().any(|other| same(&dir, other));
        if !is_known && DirStats::read(&dir).is_ok_and(|it| it.files > 0) {
            found.push(dir);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_those_that_were_set_aside_and_from_others() {
        let dir = tempfile::TempDir::new().unwrap();
        let missing = dir.path().join("missing");
        assert_eq!(DirStats::read(&missing).unwrap(), DirStats::default());
        for name in [
            "spool-0000000001.segment",
            "spool-0000000002.segment",
            "spool-0000000003.segment.new",
            "spool-0000000004.segment.corrupt-20261121T101112Z",
            "lock",
            "reserve",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let (files, set_aside) = (2, 1);
        assert_eq!(
            DirStats::read(dir.path()).unwrap(),
            DirStats { files, set_aside }
        );
    }

    #[test]
    fn what_is_left_behind_is_found_once_and_never_in_what_is_used() {
        let home = tempfile::TempDir::new().unwrap();
        let [full, empty, missing, link] =
            ["full", "empty", "missing", "link"].map(|name| home.path().join(name));
        for dir in [&full, &empty] {
            fs::create_dir(dir).unwrap();
        }
        fs::write(full.join("spool-0000000001.segment"), "").unwrap();
        std::os::unix::fs::symlink(&full, &link).unwrap();
        let all = vec![full.clone(), empty, missing, link.clone()];
        assert_eq!(left_behind(all.clone(), None), [full]);
        assert_eq!(left_behind(all, Some(&link)), [""; 0].map(PathBuf::from));
    }
}
