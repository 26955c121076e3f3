//! Generated documentation pages: compared with the files of the repository, or rewritten with
//! `INSTA_UPDATE=always`, like snapshots.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

/// True if pages are to be rewritten.
pub(crate) fn is_writing() -> bool {
    std::env::var_os("INSTA_UPDATE").is_some_and(|it| it == "always")
}

/// Text of a page in the repository; empty if the page does not exist.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

/// Compares `text` with the page, or rewrites the page.
pub(crate) fn hold(path: &str, text: &str) {
    if is_writing() {
        // Replaces the file atomically: another test may be reading it.
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
