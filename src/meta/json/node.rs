//! A node of the index: where one value or key stands in a text.

/// One value or key. It is kept small: a hostile body has one for every two of its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// The place of its first byte.
    pub(super) start: u32,
    /// The place behind its last byte.
    pub(super) end: u32,
    /// How many nodes it is, with those inside it; the highest bit says that it is a string with
    /// an escape.
    pub(super) size: u32,
}

/// The bit of `size` that says that it is a string with an escape.
pub(super) const ESCAPED: u32 = 1 << 31;

impl Node {
    /// Its bytes in the text.
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many nodes it is, with those inside it.
    pub(super) fn size(self) -> usize {
        (self.size & !ESCAPED) as usize
    }

    /// Whether it is a string with an escape.
    pub(super) fn is_escaped(self) -> bool {
        self.size & ESCAPED != 0
    }
}
