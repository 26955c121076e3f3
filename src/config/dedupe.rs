//! `[dedupe]`: how long a repeat is recognised.

use jiff::SignedDuration;

use super::print::Printer;
use super::reader::Reader;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Retention of event keys, to recognise repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedupe {
    /// A repeat is recognised for one to two of these.
    pub window: SignedDuration,
}

impl Dedupe {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // Meta sends an unanswered notification again for up to 36 hours ("Getting Started with
        // Webhooks", event notifications): a shorter window would let those in twice.
        let days: i32 = reader.number("window_days", 2..=366)?;
        Some(Self { window: DAY * days })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("dedupe");
        out.plain("window_days", self.window.as_secs() / DAY.as_secs());
    }
}
