//! A system clock that a test moves while a server or a Postgres runs.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use super::preload;

/// The clock of a server. Time that only goes on is not affected.
#[derive(Debug)]
pub(crate) struct MovedClock {
    library: PathBuf,
    file: PathBuf,
}

impl MovedClock {
    /// Makes a clock in a directory.
    pub(crate) fn create(directory: &Path) -> Self {
        let this = Self {
            library: preload(directory, "clock"),
            file: directory.join("clock"),
        };
        this.move_by(0);
        this
    }

    /// Variables of a server with this clock.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &*self.library), ("CLOCK", &*self.file)]
    }

    /// Lets the clock differ from the right time by these hours.
    pub(crate) fn move_by(&self, hours: i64) {
        // Servers have mapped the file, so it is written in place.
        let mut options = fs::File::options();
        let options = options.write(true).create(true).truncate(false);
        let mut file = options.open(&self.file).unwrap();
        file.write_all(&(hours * 3600).to_ne_bytes()).unwrap();
    }
}
