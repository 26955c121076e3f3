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
