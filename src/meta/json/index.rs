//! The index of a JSON text: where each of its values stands, found in one pass.
//!
//! The pass is also the proof that the text is JSON (RFC 8259, as strict as `serde_json`). It does
//! not call itself, so a body of nested brackets takes no more stack than any other.

use super::{
    node::{ESCAPED, Node},
    value::Value,
};

/// Where the values of a text stand, each before what is inside it and a key before its value.
#[derive(Clone, Debug, Default)]
pub struct Index {
    nodes: Vec<Node>,
    depth: usize,
    has_escapes: bool,
}

/// The node around the outermost value.
const NOTHING: u32 = u32::MAX;

/// Most bodies have a node for so many bytes or more.
const BYTES_PER_NODE: usize = 12;

/// No more nodes than this are made room for before they are found.
const NODES_AT_FIRST: usize = 4_096;

impl Index {
    /// The index of `text`; `None` where that is not one JSON value, or 2 GiB of it.
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

    /// The outermost value of `text`: the one that this is the index of, or one whose values stand
    /// at the same places.
    pub fn root<'t, 'a>(&'t self, text: &'a str) -> Value<'t, 'a> {
        Value::new(text, &self.nodes)
    }

    /// How many levels of objects and lists the text has.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether one of its strings has an escape.
    pub fn has_escapes(&self) -> bool {
        self.has_escapes
    }
}

/// The way over a text. Each step is `None` where the text is no JSON.
struct Pass<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The innermost object or list that has not ended. While one has not, its node says in `size`
    /// which one is around it.
    around: u32,
    level: usize,
    found: Index,
}

/// What stands where a value may.
enum Met {
    /// A value that has ended.
    Value,
    /// The beginning of an object or list that is not empty.
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

    /// Goes over what follows a value: ends, up to a comma or the end of the outermost value.
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

    /// The first byte of an object or list, and its last where it is empty.
    fn begin(&mut self, bracket: u8) -> Option<Met> {
        let node = self.found.nodes.len();
        self.push(self.at, self.at, self.around);
        self.around = u32::try_from(node).ok()?;
        self.at += 1;
        self.level += 1;
        self.found.depth = self.found.depth.max(self.level);
        // '{' and '}' are two apart in ASCII, '[' and ']' too.
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

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Adds a node. The text is shorter than 2 GiB, so each place in it fits.
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

/// The place of the first byte from `at` that ends a string, escapes something in it or may not
/// stand there, looking at eight at a time.
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

/// The highest bit of each of eight bytes that is a quote, a backslash or below a space. Bits above
/// the lowest one that is set may be wrong (Bit Twiddling Hacks, "Determine if a word has a byte
/// less than n").
fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES * 0x80;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & HIGH
}
