//! Names whose address a test changes while a server runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::preload;

/// Address of all names that end in `.test`, for one server.
#[derive(Debug)]
pub(crate) struct MovedNames {
    library: PathBuf,
    file: PathBuf,
}

impl MovedNames {
    /// Makes the names in a directory. They have no address yet.
    pub(crate) fn create(directory: &Path) -> Self {
        let this = Self {
            library: preload(directory, "names"),
            file: directory.join("names"),
        };
        this.move_to("");
        this
    }

    /// Variables of a server with these names.
    pub(crate) fn variables(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &*self.library), ("NAMES", &*self.file)]
    }

    /// Lets the names have this address; if it is empty, no name server answers.
    pub(crate) fn move_to(&self, address: &str) {
        // A server reads the file at any moment, so it is replaced at once.
        let new = self.file.with_extension("new");
        fs::write(&new, address).unwrap();
        fs::rename(new, &self.file).unwrap();
    }
}
