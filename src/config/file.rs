//! Reads small files of text: the configuration and the secrets that keys ending in `_file` name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The text of a file of at most `limit` bytes; the error completes a sentence about the file.
pub(super) fn read(path: &Path, limit: u64) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(format!("is larger than {limit} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}
