//! Keys of the admin listener: the server's own token, and the key of the audit.

use std::{net::SocketAddr, path::Path};

use super::Error;
use crate::{
    config::{Config, Token},
    instance::Claim,
    query::AuditKey,
    telemetry::{AuditKeyFailed, LogEvent, OwnTokenFailed},
};

/// Name of the key of the audit, in the data directory.
const FILE: &str = "audit.key";

/// Refuses an admin listener that other machines reach without a token or user.
pub(super) fn require_tokens(config: &Config, address: SocketAddr) -> Result<(), Error> {
    let is_local = address.ip().to_canonical().is_loopback();
    if config.admin.is_open() && !is_local {
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

/// The key of the audit in the data directory.
pub(super) fn audit_key(data_dir: &Path) -> AuditKey {
    AuditKey::new(data_dir.join(FILE))
}

/// The key of the audit, made at the first start. On a full disk the server starts without it, and
/// shows no content until the key can be written.
pub(super) fn load_audit_key(data_dir: &Path) -> AuditKey {
    let key = audit_key(data_dir);
    if let Err(error) = key.load() {
        AuditKeyFailed {
            cause: error.to_string(),
        }
        .emit();
    }
    key
}
