//! A digest of what a JSON text says, whatever its key order, white space and escapes.
//!
//! One pass over text that is known to be JSON: reading it level by level would go over the inner
//! levels of four nested megabytes sixty-four times.

use std::{borrow::Cow, collections::BTreeMap};

use sha2::{Digest, Sha256};

use super::hash::Sum;
use crate::meta::json;

/// The digest of `text`, which is JSON of [`json::MAX_DEPTH`] levels at most.
pub(super) fn digest(text: &str) -> Sum {
    Scanner { text, at: 0 }.value()
}

/// Where the pass has come to.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self) -> Sum {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.list(),
            Some(b'"') => sum(b's', self.string().as_bytes()),
            _ => sum(b'p', self.plain().as_bytes()),
        }
    }

    /// The pairs in the order of their keys, the last of a repeated key only.
    fn object(&mut self) -> Sum {
        let mut pairs = BTreeMap::new();
        self.at += 1;
        while self.peek() == Some(b'"') {
            pairs.insert(self.string(), self.value());
        }
        self.at += 1;
        let mut hash = Sha256::new_with_prefix(b"o");
        for (key, value) in pairs {
            hash.update(sum(b's', key.as_bytes()));
            hash.update(value);
        }
        hash.finalize().into()
    }

    fn list(&mut self) -> Sum {
        let mut hash = Sha256::new_with_prefix(b"l");
        self.at += 1;
        while !matches!(self.peek(), None | Some(b']')) {
            hash.update(self.value());
        }
        self.at += 1;
        hash.finalize().into()
    }

    /// What a string spells.
    fn string(&mut self) -> Cow<'a, str> {
        let mut escaped = true;
        let end = self.rest().bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let token = self.take(end.map_or(usize::MAX, |end| end + 1));
        json::string(token).unwrap_or(Cow::Borrowed(token))
    }

    /// A number, `true`, `false` or `null`.
    fn plain(&mut self) -> &'a str {
        let end = self.rest().find(|char| " \t\r\n,:]}".contains(char));
        self.take(end.unwrap_or(usize::MAX).max(1))
    }

    /// The next byte that is neither white space nor between two values.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        self.at += rest.len()
            - rest
                .trim_start_matches([' ', '\t', '\r', '\n', ',', ':'])
                .len();
        self.rest().bytes().next()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let rest = self.rest();
        let taken = rest.get(..length).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

fn sum(tag: u8, content: &[u8]) -> Sum {
    let hash = Sha256::new_with_prefix([tag]);
    hash.chain_update(content).finalize().into()
}
