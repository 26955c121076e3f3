//! Files that verbs read: bodies and secrets.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, ensure};
use secrecy::{SecretString, zeroize::Zeroizing};

use crate::meta::signature::Secrets;

/// A file that is larger was not meant: no body may be.
const LARGEST: u64 = 64 * 1024 * 1024;

/// True if a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of a file or of standard input.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = || {
        let source: Box<dyn Read> = if is_stdin(path) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path)?)
        };
        let mut bytes = Vec::new();
        source.take(LARGEST + 1).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let bytes = read().with_context(|| format!("failed to read {}", path.display()))?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST);
    ensure!(
        fits,
        "{} is too large: a body has at most {LARGEST} bytes",
        path.display()
    );
    Ok(bytes)
}

/// The secret in a file; a newline at its end is no part of it.
pub(super) fn read_secret(path: &Path) -> anyhow::Result<SecretString> {
    let text = Zeroizing::new(read(path)?);
    let text = std::str::from_utf8(&text).with_context(|| {
        format!(
            "{} is not UTF-8 text; write the secret into it",
            path.display()
        )
    })?;
    let secret = text.strip_suffix('\n').unwrap_or(text);
    let secret = secret.strip_suffix('\r').unwrap_or(secret);
    ensure!(
        !secret.is_empty(),
        "{} is empty; write the secret into it",
        path.display()
    );
    ensure!(
        secret.trim() == secret && !secret.contains(['\n', '\r']),
        "{} has several lines, or white space around the secret; write the secret alone into it",
        path.display()
    );
    Ok(secret.into())
}

/// The names of the secrets that were tried.
pub(super) fn tried(secrets: &Secrets) -> String {
    secrets.names().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_file_holds_one_secret_and_a_newline_at_most() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secret");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_secret(&path)
        };
        for text in ["abc", "abc\n", "abc\r\n"] {
            assert_eq!(read(text).unwrap().expose_secret(), "abc");
        }
        for text in [
            "",
            "\n",
            "abc ",
            " abc",
            "abc\n\n",
            "abc\ndef\n",
            "abc\rdef",
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(!said.contains("abc"), "{said}");
        }
    }
}
