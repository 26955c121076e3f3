//! Keys of the admin listener: the server's own token, and the key of the audit.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use secrecy::SecretString;

use super::Error;
use crate::{
    config::{Config, Token},
    instance::Claim,
    query::AuditKey,
    telemetry::{LogEvent, OwnTokenFailed},
};

/// Name of the key of the audit, in the data directory.
const FILE: &str = "audit.key";

/// Refuses an admin listener that other machines reach without a token.
pub(super) fn require_tokens(config: &Config, address: SocketAddr) -> Result<(), Error> {
    let is_local = address.ip().to_canonical().is_loopback();
    if config.admin.tokens.is_empty() && !is_local {
        return Err(Error::Unprotected(address));
    }
    Ok(())
}

/// Makes the server's own token, and returns its SHA-256. On a full disk the server starts without
/// one; local commands then need a configured token.
pub(super) fn make_own_token(claim: &Claim) -> Option<[u8; 32]> {
    match claim.make_token() {
        Ok(token) => Some(Token::digest(token.as_bytes())),
        Err(error) => {
            OwnTokenFailed {
                cause: error.to_string(),
            }
            .emit();
            None
        }
    }
}

/// Reads the key of the audit, and creates it at the first start.
pub(super) fn audit_key(data_dir: &Path) -> Result<AuditKey, Error> {
    let path = data_dir.join(FILE);
    let key = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(&path),
        read => read,
    };
    let key = key.and_then(|key| {
        let is_whole = key.len() >= 64;
        is_whole
            .then_some(key)
            .ok_or_else(|| io::Error::other("the file is too short for a key; delete it"))
    });
    let key = key.map_err(|source| Error::AuditKey { path, source })?;
    Ok(AuditKey::new(&SecretString::from(key)))
}

fn create(path: &Path) -> io::Result<String> {
    let key = Token::generate().map_err(io::Error::other)?;
    let temporary = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    Ok(key.to_string())
}
