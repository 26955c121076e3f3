//! Calls of a library that panics where its data is damaged: no defect, and not logged as one.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// A library gave up on what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GaveUp;

/// Calls into a library that panics where a file is damaged. That is not a defect and not called
/// one in the log; a panic of our own still is.
///
/// # Errors
/// It panicked.
pub fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, GaveUp> {
    let around = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(around);
    done.map_err(|_| GaveUp)
}

/// Whether this panic, of this thread, is that of a [`guarded`] library.
pub fn is_of_damage(panic: &PanicHookInfo<'_>) -> bool {
    let file = panic.location().map_or("", |it| it.file());
    GUARDED.get() && is_of_a_library(file)
}

/// Whether a source file is not one of ours. Cargo names those from the root of the package.
fn is_of_a_library(file: &str) -> bool {
    !file.is_empty() && !file.starts_with("src/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guarded_call_gives_its_value_or_says_that_it_gave_up() {
        assert_eq!(guarded(|| guarded(|| 7)), Ok(Ok(7)));
        let inner = guarded(|| {
            let inner = guarded(|| panic!("on purpose"));
            assert!(GUARDED.get());
            inner
        });
        assert_eq!(inner, Ok(Err::<(), _>(GaveUp)));
        assert!(!GUARDED.get());
    }

    #[test]
    fn only_sources_of_others_are_those_of_a_library() {
        assert!(is_of_a_library(
            "/home/a/.cargo/registry/src/b/redb-4.5.0/src/db.rs"
        ));
        assert!(is_of_a_library(
            "/rustc/0123/library/core/src/slice/index.rs"
        ));
        assert!(is_of_a_library("vendor/redb/src/db.rs"));
        assert!(!is_of_a_library(file!()));
        assert!(!is_of_a_library(""));
    }
}
