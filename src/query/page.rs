//! Pages: parts of a list.

/// Part of a list: the first rows behind a place, or the newest rows. Rows come oldest first.
#[derive(Clone, Debug)]
pub struct Page<F, P> {
    /// Filter of the list.
    pub filter: F,
    /// Place of the row before the page.
    pub after: Option<P>,
    /// Maximum number of rows.
    pub limit: u32,
}

impl<F: Default + PartialEq, P> Page<F, P> {
    /// True if the filter or the start of the page may leave out stored rows.
    pub fn is_narrowed(&self) -> bool {
        self.after.is_some() || self.filter != F::default()
    }
}
