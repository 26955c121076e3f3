//! The clock of Hookshelf: libfaketime between it and the system, told by a file.

use std::path::{Path, PathBuf};

use anyhow::bail;
use tokio::process::Command;

/// Where the systems put it.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

/// A clock that can be set.
#[derive(Debug)]
pub(crate) struct FalseClock {
    library: &'static str,
    file: PathBuf,
}

impl FalseClock {
    /// One that is right, told by a file in `dir`.
    pub(crate) fn new(dir: &Path) -> anyhow::Result<Self> {
        let Some(library) = PLACES.into_iter().find(|it| Path::new(it).exists()) else {
            bail!("libfaketime is not there: install it (Debian's package is `libfaketime`)");
        };
        let clock = Self {
            library,
            file: dir.join("clock"),
        };
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it off by so many seconds from now on.
    pub(crate) fn set(&self, seconds: i64) -> anyhow::Result<()> {
        // Renamed, so that nobody reads half of it.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n"))?;
        Ok(std::fs::rename(next, &self.file)?)
    }

    /// Gives it to a program. What measures spans of time stays right, as it does on a machine whose
    /// clock is set.
    pub(crate) fn give(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_CACHE_DURATION", "1")
            .env("NO_FAKE_STAT", "1")
            .env("FAKETIME_DISABLE_SHM", "1");
    }
}
