//! Pages: parts of a list.

/// A part of a list: the first rows behind a place, else the newest. Rows come oldest first.
#[derive(Clone, Debug)]
pub struct Page<F, P> {
    /// Which rows the list has.
    pub filter: F,
    /// The place of a row, behind which the page begins.
    pub after: Option<P>,
    /// How many rows it has at most.
    pub limit: u32,
}

impl<F: Default + PartialEq, P> Page<F, P> {
    /// True if stored rows may be left out for another reason than the limit.
    pub fn is_narrowed(&self) -> bool {
        self.after.is_some() || self.filter != F::default()
    }
}
