//! `[rejections]`: how much is kept about deliveries that were refused.

use super::print::Printer;
use super::reader::Reader;

/// What is kept about rejections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections {
    /// Rows that the table never exceeds, however many forgeries arrive.
    pub max_rows: u32,
}

impl Rejections {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            max_rows: reader.number("max_rows", 100..=1_000_000)?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("rejections");
        out.number("max_rows", self.max_rows);
    }
}
