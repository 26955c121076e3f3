//! A look at the directory of a spool from outside, which claims and changes nothing.

use std::{fs, io, path::Path};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_those_that_were_set_aside_and_from_others() {
        let dir = tempfile::TempDir::new().unwrap();
        let missing = dir.path().join("missing");
        assert_eq!(glance(&missing).unwrap(), Glance::default());
        for name in [
            "spool-0000000001.redb",
            "spool-0000000002.redb",
            "spool-0000000003.redb.new",
            "spool-0000000004.redb.corrupt-20261121T101112Z",
            "lock",
            "reserve",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let (files, set_aside) = (2, 1);
        assert_eq!(glance(dir.path()).unwrap(), Glance { files, set_aside });
    }
}
