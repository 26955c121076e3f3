//! SHA-256 over parts that are delimited by their length.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub(super) type Sum = [u8; 32];

#[derive(Clone, Debug, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    /// Adds a text with its length, or a marker for none.
    pub(super) fn part(&mut self, part: Option<&str>) -> &mut Self {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(length.to_be_bytes());
        self.0.update(part.unwrap_or_default());
        self
    }

    /// Adds texts in order.
    pub(super) fn parts(&mut self, parts: &[Option<&str>]) -> &mut Self {
        parts.iter().fold(self, |hash, part| hash.part(*part))
    }

    /// Adds bytes of fixed length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    pub(super) fn finish(self) -> Sum {
        self.0.finalize().into()
    }
}
