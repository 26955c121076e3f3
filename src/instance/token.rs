//! The server's own token for its admin listener, in its data directory.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use secrecy::zeroize::Zeroizing;

use crate::config::Token;

/// Name of the file in the data directory.
const FILE: &str = "serve.token";

/// Makes a token and replaces the file.
pub(super) fn make(dir: &Path) -> io::Result<Zeroizing<String>> {
    let token = Token::generate().map_err(io::Error::other)?;
    let (path, temporary) = (dir.join(FILE), dir.join(".serve.token"));
    // A file left behind by a crash may have another mode.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(token.as_bytes())?;
    fs::rename(&temporary, &path)?;
    Ok(token)
}

/// The token of the server that uses `dir`; `None` if this user cannot read it.
pub fn token(dir: &Path) -> Option<Zeroizing<String>> {
    fs::read_to_string(dir.join(FILE)).ok().map(Zeroizing::new)
}
