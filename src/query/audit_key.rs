//! Key of the hashes in the audit, kept in a file.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::{SecretString, zeroize::Zeroizing};

use crate::{config::Token, meta::signature::Signer, secret_file};

/// Minimum length of the key in bytes. A crash may leave an empty file behind.
const SHORTEST: usize = 64;

/// Key of the hashes. Clones share it. Without its file, as on a full disk, the server runs and
/// shows no content; each use tries to create the file again.
#[derive(Clone)]
pub struct AuditKey(Arc<KeyFile>);

struct KeyFile {
    path: PathBuf,
    signer: Mutex<Option<Signer>>,
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

impl AuditKey {
    /// The key in the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        let signer = Mutex::new(None);
        Self(Arc::new(KeyFile { path, signer }))
    }

    /// Reads the file, and creates it at the first start.
    ///
    /// # Errors
    /// If the file can be neither read nor created, or has no key.
    pub fn load(&self) -> io::Result<()> {
        self.signer().map(drop)
    }

    fn signer(&self) -> io::Result<Signer> {
        let mut signer = self.0.signer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = signer.as_ref() {
            return Ok(signer.clone());
        }
        let key = read_or_create(&self.0.path)?;
        let key = SecretString::from(key.as_str());
        Ok(signer.insert(Signer::new(&key)).clone())
    }

    /// Hash of the id of a person, an account or a server: 32 hexadecimal digits.
    ///
    /// # Errors
    /// If there is no key.
    pub fn hash(&self, id: &str) -> io::Result<String> {
        let signature = self.signer()?.signature(id.as_bytes());
        let digits = signature.trim_start_matches("sha256=");
        Ok(digits.chars().take(32).collect())
    }
}

fn read_or_create(path: &Path) -> io::Result<Zeroizing<String>> {
    match fs::read_to_string(path).map(Zeroizing::new) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let key = Token::generate().map_err(io::Error::other)?;
            secret_file::replace(path, key.as_bytes())?;
            Ok(key)
        }
        Ok(key) if key.len() < SHORTEST => Err(io::Error::other(
            "the file is too short for a key; delete it",
        )),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_then_kept() {
        let dir = TempDir::new().unwrap();
        let key = || AuditKey::new(dir.path().join("audit.key"));
        let hash = key().hash("7001").unwrap();
        assert_eq!(hash.len(), 32);
        assert_eq!(key().hash("7001").unwrap(), hash);
        assert_ne!(key().hash("7002").unwrap(), hash);
    }

    #[test]
    fn a_file_without_a_key_is_kept_and_used_once_it_is_gone() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("audit.key");
        fs::write(&path, "").unwrap();
        let key = AuditKey::new(path.clone());
        assert!(key.load().is_err() && key.hash("7001").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"");
        fs::remove_file(path).unwrap();
        assert!(key.hash("7001").is_ok());
    }
}
