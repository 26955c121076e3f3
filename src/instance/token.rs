//! The server's own token for its admin listener, in its data directory.

use std::{fs, io, path::Path};

use secrecy::zeroize::Zeroizing;

use crate::{config::Token, secret_file};

/// Name of the file in the data directory.
const FILE: &str = "serve.token";

/// Makes a token and replaces the file.
pub(super) fn make(dir: &Path) -> io::Result<Zeroizing<String>> {
    let token = Token::generate().map_err(io::Error::other)?;
    secret_file::replace(&dir.join(FILE), token.as_bytes())?;
    Ok(token)
}

/// The token of the server that uses `dir`; `None` if this user cannot read it.
pub fn token(dir: &Path) -> Option<Zeroizing<String>> {
    fs::read_to_string(dir.join(FILE)).ok().map(Zeroizing::new)
}
