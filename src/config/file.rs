//! Reads small files of text: the configuration and the secrets that keys ending in `_file` name.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

/// The text of a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<String, Error> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        let problem = format!("it is larger than {limit} bytes");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    let not_utf8 = |_| Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(bytes).map_err(not_utf8)
}
