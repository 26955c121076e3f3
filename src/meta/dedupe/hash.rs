//! SHA-256 over parts that cannot run into each other.

use sha2::{Digest, Sha256};

use super::content;
use crate::meta::json;

/// A SHA-256.
pub(super) type Sum = [u8; 32];

#[derive(Clone, Debug, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    /// Adds a text with its length, or its absence.
    pub(super) fn part(&mut self, part: Option<&str>) -> &mut Self {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(length.to_be_bytes());
        self.0.update(part.unwrap_or_default());
        self
    }

    /// Adds texts in their order.
    pub(super) fn parts(&mut self, parts: &[Option<&str>]) -> &mut Self {
        parts.iter().fold(self, |hash, part| hash.part(*part))
    }

    /// Adds bytes of a known length.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// Adds the content of a JSON text, whatever its key order, white space and escapes; if it is
    /// nested too deep, the text.
    pub(super) fn content(&mut self, text: &str) -> &mut Self {
        if json::too_deep(text) {
            self.part(Some(text))
        } else {
            self.bytes(&content::digest(text))
        }
    }

    pub(super) fn finish(self) -> Sum {
        self.0.finalize().into()
    }
}
