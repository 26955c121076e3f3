//! Part of the log, from the ring or from the database.

use std::sync::Arc;

use jiff::Timestamp;

use super::ring::Batch;
use crate::store::{follow::Gap, read::EventRow};

/// Part of the log: the events of a range of positions, oldest first.
#[derive(Debug)]
pub struct LogBatch {
    /// Position before the range. It is behind [`gap`](Self::gap), if there is one.
    pub after: i64,
    /// Last position of the range.
    pub through: i64,
    /// Everything committed before this time is in the range or before it. `None` if there may be
    /// more.
    pub at_end: Option<Timestamp>,
    /// Events before the range that are no longer stored.
    pub gap: Option<Gap>,
    /// The events, if there are any; the first ones may be before the range.
    pub(super) batch: Option<Arc<Batch>>,
}

impl LogBatch {
    /// The events, without text, `data` and payload.
    pub fn events(&self) -> impl Iterator<Item = &EventRow> {
        let entries = self.batch.iter().flat_map(|batch| &batch.events);
        let rows = entries.map(|entry| &*entry.event);
        rows.filter(|row| row.position > self.after)
    }
}
