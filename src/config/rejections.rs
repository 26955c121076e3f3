//! `[rejections]`: what is kept about deliveries that were refused, and of them.

use jiff::SignedDuration;

use super::print::Printer;
use super::reader::Reader;
use super::spans;
use crate::amounts::exact_size;

/// Below it the shares of single networks hold next to nothing.
const LEAST_HELD: u64 = 1 << 20;

/// More than that is a mistake: all of it is looked through each minute.
const MOST_HELD: u64 = 4 << 30;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Limits for stored rejections and quarantined deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections {
    /// Rows that the table never exceeds, however many forgeries arrive.
    pub max_rows: u32,
    /// Bytes of disk that quarantined deliveries may take; 0 holds none.
    pub hold: u64,
    /// Retention of quarantined deliveries.
    pub hold_for: SignedDuration,
}

impl Rejections {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let max_rows = reader.number("max_rows", 100..=1_000_000);
        let hold = reader.size("hold", LEAST_HELD..=MOST_HELD);
        let hold_for = reader.span("hold_for", HOUR..=HOUR * 24 * 366);
        Some(Self {
            max_rows: max_rows?,
            hold: hold?,
            hold_for: hold_for?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("rejections");
        out.plain("max_rows", self.max_rows);
        out.text("hold", exact_size(self.hold));
        out.text("hold_for", spans::shown(self.hold_for));
    }
}
