//! Result of the last reading of the configuration by a server, saved in its data directory for
//! `hookshelf reload`.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Name of the file in the data directory.
const FILE: &str = "serve.json";

/// Maximum size of the file. Ours stays far below, since faults quote keys, not files.
const LARGEST: u64 = 1 << 20;

/// Result of reading the apps, at start or on reload. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Start of the reading.
    pub begun: Timestamp,
    /// The configuration file; none if the server was started without a file.
    pub file: Option<PathBuf>,
    /// The file with the generated credentials, if no app is configured.
    pub credentials: Option<PathBuf>,
    /// Names of the accepted apps.
    pub apps: Vec<String>,
    /// Error of a failed reading, after which the old apps stay.
    pub fault: Option<String>,
}

/// A reading and the id of its server.
#[derive(Serialize, Deserialize)]
struct Record {
    instance: String,
    reading: Reading,
}

/// Replaces the file in `dir`, with mode 0600.
pub(super) fn write(dir: &Path, instance: &str, reading: Reading) -> io::Result<()> {
    let instance = instance.to_owned();
    let text = serde_json::to_vec(&Record { instance, reading })?;
    let temporary = dir.join(format!(".{FILE}"));
    let _ = fs::remove_file(&temporary);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600);
    file.open(&temporary)?.write_all(&text)?;
    fs::rename(&temporary, dir.join(FILE))
}

/// Reads the file in `dir`, if it is of this server and this user can read it.
pub(super) fn read(dir: &Path, instance: &str) -> Option<Reading> {
    let path = dir.join(FILE);
    let length = fs::metadata(&path).ok()?.len();
    let text = (length <= LARGEST).then(|| fs::read(&path).ok())??;
    let record: Record = serde_json::from_slice(&text).ok()?;
    (record.instance == instance).then_some(record.reading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_found_by_its_own_instance_alone() {
        let dir = tempfile::tempdir().unwrap();
        let reading = |fault: Option<&str>| Reading {
            begun: Timestamp::UNIX_EPOCH,
            file: Some("/etc/hookshelf.toml".into()),
            credentials: None,
            apps: vec!["default".to_owned()],
            fault: fault.map(str::to_owned),
        };
        assert_eq!(read(dir.path(), "one"), None);
        for fault in [None, Some("apps.a: has no secret")] {
            write(dir.path(), "one", reading(fault)).unwrap();
            assert_eq!(read(dir.path(), "one"), Some(reading(fault)));
        }
        assert_eq!(read(dir.path(), "another"), None);
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(read(dir.path(), "one"), None);
    }
}
