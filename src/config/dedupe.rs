//! `[dedupe]`: how long a repeat is recognised.

use std::time::Duration;

use super::print::Printer;
use super::reader::Reader;

const DAY: Duration = Duration::from_hours(24);

/// How long the keys of events are kept to recognise repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedupe {
    /// A repeat is recognised for one to two of these.
    pub window: Duration,
}

impl Dedupe {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // Meta sends an unanswered notification again for up to 36 hours ("Getting Started with
        // Webhooks", event notifications): a shorter window would let those in twice.
        Some(Self {
            window: reader.duration("window_days", DAY, 2..=366)?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("dedupe");
        out.number("window_days", self.window.as_secs() / DAY.as_secs());
    }
}
