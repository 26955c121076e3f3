//! Pages of the documentation that a test writes: held against what is in the repository, or
//! written anew with `INSTA_UPDATE=always`, as the snapshots are.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

/// Whether pages are to be written.
pub(crate) fn is_writing() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|it| it == "always")
}

/// The page as it is in the repository; empty where there is none yet.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// Holds `text` against the page, or writes it.
pub(crate) fn hold(path: &str, text: &str) {
    if is_writing() {
        // At once: another test may be reading it.
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let mut new = tempfile::NamedTempFile::new_in(page.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut new, text.as_bytes()).unwrap();
        std::fs::set_permissions(new.path(), Permissions::from_mode(0o644)).unwrap();
        new.persist(page).unwrap();
        return;
    }
    let page = read(path);
    let differing = page.lines().zip(text.lines()).position(|(a, b)| a != b);
    let line = differing.unwrap_or(page.lines().count().min(text.lines().count()));
    assert!(
        page == text,
        "{path} is not what it has to be, from line {}:\n  there:     {}\n  should be: {}\n\
         look at the difference with INSTA_UPDATE=always",
        line + 1,
        page.lines().nth(line).unwrap_or("(its end)"),
        text.lines().nth(line).unwrap_or("(its end)"),
    );
}
