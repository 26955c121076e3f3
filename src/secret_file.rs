//! Files with a secret: whole or absent, durable, and readable only by this user.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Writes the file at `path`, in place of an existing one.
///
/// # Errors
/// If the file cannot be written; an existing one stays.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    write(path, text, |temporary| fs::rename(temporary, path))
}

/// Writes the file at `path` unless there is one. Returns true if the file was written.
///
/// # Errors
/// If the file cannot be written.
pub fn create(path: &Path, text: &[u8]) -> io::Result<bool> {
    // A link, unlike a rename, does not replace a file that appeared meanwhile.
    write(path, text, |temporary| {
        match fs::hard_link(temporary, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            linked => linked.map(|()| true),
        }
    })
}

/// Writes a file beside `path`, which `publish` gives its name.
fn write<T>(
    path: &Path,
    text: &[u8],
    publish: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    // A crash may have left a file behind, with another mode.
    remove(&temporary)?;
    let published = write_new(&temporary, text).and_then(|()| publish(&temporary));
    let removed = remove(&temporary);
    let published = published?;
    removed?;
    // The parent of a bare name is empty.
    let dir = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(published)
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_file_is_only_for_this_user_and_leaves_no_other_behind() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("key");
        let left_behind = dir.path().join(format!(".key.{}", std::process::id()));
        fs::write(&left_behind, "half").unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"other").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"other");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_exists_is_not_created_again() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("key");
        assert!(create(&path, b"one").unwrap());
        assert!(!create(&path, b"other").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_is_taken_by_a_directory_leaves_no_file_behind() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("key");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"one").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
