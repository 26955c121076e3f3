//! Index of a JSON text: the positions of all its values, found in one pass.
//!
//! The pass also validates the text (RFC 8259, as strict as `serde_json`). It is not recursive, so
//! deeply nested brackets use no extra stack.

use super::{
    node::{ESCAPED, Node},
    value::Value,
};

/// Positions of the values of a text, in pre-order, with each key before its value.
#[derive(Clone, Debug, Default)]
pub struct Index {
    nodes: Vec<Node>,
    depth: usize,
    has_escapes: bool,
}

/// Parent of the outermost value.
const NOTHING: u32 = u32::MAX;

/// Most bodies have at least this many bytes per node.
const BYTES_PER_NODE: usize = 12;

/// Maximum number of nodes to preallocate.
const NODES_AT_FIRST: usize = 4_096;

impl Index {
    /// Indexes `text`; `None` if it is not a single JSON value, or has 2 GiB or more.
    pub fn of(text: &str) -> Option<Self> {
        if text.len() >= ESCAPED as usize {
            return None;
        }
        let room = (text.len() / BYTES_PER_NODE).min(NODES_AT_FIRST);
        let mut pass = Pass {
            bytes: text.as_bytes(),
            at: 0,
            around: NOTHING,
            level: 0,
            found: Self {
                nodes: Vec::with_capacity(room),
                depth: 0,
                has_escapes: false,
            },
        };
        pass.document().map(|()| pass.found)
    }

    /// The outermost value of `text`, which must be the indexed text or a text with the same
    /// positions.
    pub fn root<'t, 'a>(&'t self, text: &'a str) -> Value<'t, 'a> {
        Value::new(text, &self.nodes)
    }

    /// Nesting depth of objects and lists.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// True if a string contains an escape.
    pub fn has_escapes(&self) -> bool {
        self.has_escapes
    }
}

/// Parser of a text. Each step returns `None` if the text is not valid JSON.
struct Pass<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Innermost open object or list. While it is open, its node has the index of its parent in
    /// `size`.
    around: u32,
    level: usize,
    found: Index,
}

/// Result of parsing a value.
enum Met {
    /// A complete value.
    Value,
    /// The start of an object or list that is not empty.
    Begin,
}

impl Pass<'_> {
    fn document(&mut self) -> Option<()> {
        loop {
            if let Met::Value = self.value()?
                && self.ends()?
            {
                return self.peek().is_none().then_some(());
            }
            if self.in_object() {
                self.key()?;
            }
        }
    }

    /// Consumes closing brackets after a value, up to a comma or the end of the outermost value.
    /// Returns true at the end.
    fn ends(&mut self) -> Option<bool> {
        while self.around != NOTHING {
            match (self.peek()?, self.in_object()) {
                (b',', _) => {
                    self.at += 1;
                    return Some(false);
                }
                (b'}', true) | (b']', false) => self.end()?,
                _ => return None,
            }
        }
        Some(true)
    }

    fn value(&mut self) -> Option<Met> {
        let start = self.peek()?;
        match start {
            b'"' => self.string()?,
            b'{' | b'[' => return self.begin(start),
            b'-' | b'0'..=b'9' => self.leaf(Self::number)?,
            b't' => self.leaf(|pass| pass.word(b"true"))?,
            b'f' => self.leaf(|pass| pass.word(b"false"))?,
            b'n' => self.leaf(|pass| pass.word(b"null"))?,
            _ => return None,
        }
        Some(Met::Value)
    }

    fn key(&mut self) -> Option<()> {
        (self.peek()? == b'"').then(|| self.string())??;
        (self.peek()? == b':').then(|| self.at += 1)
    }

    /// Consumes the opening bracket of an object or list, and the closing bracket if it is empty.
    fn begin(&mut self, bracket: u8) -> Option<Met> {
        let node = self.found.nodes.len();
        self.push(self.at, self.at, self.around);
        self.around = u32::try_from(node).ok()?;
        self.at += 1;
        self.level += 1;
        self.found.depth = self.found.depth.max(self.level);
        // In ASCII a closing bracket is its opening bracket plus 2, for both kinds.
        if self.peek()? == bracket + 2 {
            self.end()?;
            return Some(Met::Value);
        }
        Some(Met::Begin)
    }

    fn end(&mut self) -> Option<()> {
        self.at += 1;
        self.level -= 1;
        let count = u32::try_from(self.found.nodes.len()).ok()?;
        let node = self.found.nodes.get_mut(self.around as usize)?;
        node.end = u32::try_from(self.at).ok()?;
        let around = std::mem::replace(&mut node.size, count - self.around);
        self.around = around;
        Some(())
    }

    fn in_object(&self) -> bool {
        let around = self.found.nodes.get(self.around as usize);
        around.is_some_and(|node| self.bytes.get(node.start as usize) == Some(&b'{'))
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        let mut size = 1;
        self.at += 1;
        loop {
            self.at = special(self.bytes, self.at);
            match self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    self.escape()?;
                    size = 1 | ESCAPED;
                    self.found.has_escapes = true;
                }
                _ => return None,
            }
        }
        self.at += 1;
        self.push(start, self.at, size);
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let length = match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn leaf(&mut self, pass: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let start = self.at;
        pass(self)?;
        self.push(start, self.at, 1);
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.skip(b"-");
        if !self.skip(b"0") {
            self.digits()?;
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        (count > 0).then_some(())
    }

    fn skip(&mut self, any: &[u8]) -> bool {
        let found = self
            .bytes
            .get(self.at)
            .is_some_and(|byte| any.contains(byte));
        self.at += usize::from(found);
        found
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Adds a node. The text is shorter than 2 GiB, so every position fits.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`Index::of` looks at the length"
    )]
    fn push(&mut self, start: usize, end: usize, size: u32) {
        self.found.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            size,
        });
    }
}

/// Position of the first byte from `at` that ends a string, starts an escape, or is invalid in a
/// string. Checks eight bytes at a time.
fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let found = specials(u64::from_le_bytes(*eight));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let found = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
    at + found.unwrap_or(rest.len())
}

/// Sets the highest bit of each byte that is a quote, a backslash or below a space. Bits above the
/// lowest set bit may be wrong (Bit Twiddling Hacks, "Determine if a word has a byte less than n").
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES * 0x80;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & HIGH
}
