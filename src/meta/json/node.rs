//! Node of the index: the position of one value or key in a text.

/// A value or key. The node is small, since a hostile body has one node for every two bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Offset of the first byte.
    pub(super) start: u32,
    /// Offset after the last byte.
    pub(super) end: u32,
    /// Number of nodes of this value, including nested values. The highest bit marks a string with
    /// an escape.
    pub(super) size: u32,
}

/// Bit of `size` that marks a string with an escape.
pub(super) const ESCAPED: u32 = 1 << 31;

impl Node {
    /// Range of bytes in the text.
    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Number of nodes of this value, including nested values.
    pub(super) fn size(self) -> usize {
        (self.size & !ESCAPED) as usize
    }

    /// True for a string with an escape.
    pub(super) fn is_escaped(self) -> bool {
        self.size & ESCAPED != 0
    }
}
