//! A look at the directory of a spool from outside, which claims and changes nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::directory::{UNFINISHED, parse};

/// What is in a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// How many files hold deliveries, unless a server is just about to delete one.
    pub files: u64,
    /// How many were set aside.
    pub set_aside: u64,
}

/// Counts the files in `dir`; one that is not there has none.
///
/// # Errors
/// It cannot be listed.
pub fn glance(dir: &Path) -> io::Result<Glance> {
    let mut found = Glance::default();
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

/// Those of `dirs` that hold deliveries, but for `used`, whatever it is called there, and those that
/// cannot be looked at.
pub fn left_behind(dirs: Vec<PathBuf>, used: Option<&Path>) -> Vec<PathBuf> {
    let same = |dir: &Path, other: &Path| {
        let real = [dir, other].map(|it| fs::canonicalize(it).ok());
        real[0].is_some() && real[0] == real[1]
    };
    let mut found: Vec<PathBuf> = Vec::new();
    for dir in dirs {
        let is_known = used.into_iter().chain(found.iter().map(PathBuf::as_path));
        let is_known = is_known.into_iter().any(|other| same(&dir, other));
        if !is_known && glance(&dir).is_ok_and(|it| it.files > 0) {
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
        assert_eq!(glance(&missing).unwrap(), Glance::default());
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
        assert_eq!(glance(dir.path()).unwrap(), Glance { files, set_aside });
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
