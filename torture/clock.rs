//! Clock of Hookshelf: libfaketime, controlled by a file.

use std::path::{Path, PathBuf};

use anyhow::bail;
use tokio::process::Command;

/// Usual install locations of libfaketime.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];

/// A settable clock.
#[derive(Debug)]
pub(crate) struct FalseClock {
    library: &'static str,
    file: PathBuf,
}

impl FalseClock {
    /// A correct clock, controlled by a file in `dir`.
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

    /// Sets the offset from the real time in seconds.
    pub(crate) fn set(&self, seconds: i64) -> anyhow::Result<()> {
        // Renamed, so that a partial file is never read.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n"))?;
        Ok(std::fs::rename(next, &self.file)?)
    }

    /// Preloads libfaketime into a program. Monotonic time stays correct, as on a machine whose
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
