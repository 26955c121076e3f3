//! Id of a server process.

use std::{io, sync::Arc};

/// HTTP header with a server id: in a request the intended server, in a response the answering
/// server.
pub const HEADER: &str = "x-hookshelf-instance";

/// Random bytes of an id.
const BYTES: usize = 16;

/// The random id of a server process, in hexadecimal. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(Arc<str>);

impl Id {
    /// A new id.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes).into()))
    }

    /// Parses an id.
    pub(super) fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (digits && text.len() == 2 * BYTES).then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if a header value equals this id.
    pub fn is(&self, header: &[u8]) -> bool {
        self.0.as_bytes() == header
    }
}
