//! Ring of the latest events, shared by all subscribers.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;

use super::json::json;
use crate::store::read::{EventRow, LogPage};

/// Maximum size of the ring in bytes.
pub(super) const BYTES: usize = 32 << 20;

/// Memory of an event beside its bytes: the row with its ids, and the entry.
const OVERHEAD: usize = 1 << 10;

/// Maximum age of an event from memory. The ring does not notice when events are erased.
const FRESH: Duration = Duration::from_secs(10);

/// An event with its bytes.
#[derive(Debug)]
pub(super) struct Entry {
    /// Columns for filters, without text, `data` and payload.
    pub event: Arc<EventRow>,
    data: Option<Box<RawValue>>,
    /// The event as JSON; empty if the page has no content.
    with_content: Bytes,
    /// The same without content. Few readers need it.
    without_content: OnceLock<Bytes>,
}

/// Events of a page of the log.
#[derive(Debug)]
pub(super) struct Batch {
    /// The events, oldest first.
    pub events: Vec<Entry>,
    /// Last position of the page.
    pub through: i64,
    /// Everything committed before this time is read with the page, if it ends at the end of the log.
    pub caught_up_at: Option<Timestamp>,
    /// True if the events have their JSON.
    pub has_content: bool,
    read_at: Instant,
    /// Size in memory.
    pub bytes: usize,
}

/// Maximum size of a ring in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(pub usize);

/// The latest events: all with positions after `after`, up to `through`.
#[derive(Debug)]
pub(super) struct Ring {
    batches: VecDeque<Arc<Batch>>,
    after: i64,
    through: i64,
    /// Everything committed before this time has a position up to `through`.
    caught_up_at: Option<Timestamp>,
    bytes: usize,
    room: Room,
    /// Number of the log: another log began if the database was restored.
    log: u64,
}

/// Events behind a position.
#[derive(Debug)]
pub(super) enum Next {
    /// The ring no longer has them. It begins after this position.
    Behind(i64),
    /// The first events.
    Batch(Arc<Batch>),
    /// There are none up to this position. Everything committed before the time is up to it.
    End(i64, Option<Timestamp>),
}

impl Entry {
    fn new(mut event: EventRow, content: bool) -> Self {
        let with_content = if content {
            json(event.clone(), true)
        } else {
            Bytes::new()
        };
        (event.text, event.payload) = (None, None);
        Self {
            data: event.data.take(),
            event: event.into(),
            with_content,
            without_content: OnceLock::new(),
        }
    }

    /// The event as JSON.
    pub(super) fn json(&self, content: bool) -> Bytes {
        let form = if content {
            &self.with_content
        } else {
            self.without_content.get_or_init(|| {
                let data = self.data.clone();
                json(
                    EventRow {
                        data,
                        ..EventRow::clone(&self.event)
                    },
                    false,
                )
            })
        };
        form.clone()
    }

    fn bytes(&self) -> usize {
        let data = self.data.as_ref().map_or(0, |data| data.get().len());
        self.with_content.len() + data + OVERHEAD
    }
}

impl Batch {
    /// Builds the bytes of each event of a page, if it was read with content.
    pub(super) fn of(page: LogPage, content: bool) -> Self {
        let entry = |event| Entry::new(event, content);
        let events: Vec<_> = page.events.into_iter().map(entry).collect();
        Self {
            bytes: events.iter().map(Entry::bytes).sum(),
            events,
            has_content: content,
            through: page.through,
            caught_up_at: page.caught_up_at,
            read_at: Instant::now(),
        }
    }

    /// True if the page was read in the last seconds.
    pub(super) fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < FRESH
    }

    /// Place of the event at `position`.
    pub(super) fn find(&self, position: i64) -> Option<usize> {
        let found = self
            .events
            .binary_search_by_key(&position, |it| it.event.position);
        found.ok()
    }
}

impl Ring {
    /// An empty ring of this size.
    pub(super) fn new(room: Room) -> Self {
        Self {
            batches: VecDeque::new(),
            after: 0,
            through: 0,
            caught_up_at: None,
            bytes: 0,
            room,
            log: 0,
        }
    }

    /// Last position that was read.
    pub(super) fn through(&self) -> i64 {
        self.through
    }

    /// Number of the log.
    pub(super) fn log(&self) -> u64 {
        self.log
    }

    /// Begins behind `position`, without events.
    pub(super) fn begin(&mut self, position: i64) {
        self.batches.clear();
        self.bytes = 0;
        (self.after, self.through) = (position, position);
        self.caught_up_at = None;
    }

    /// Notes that everything committed before the time was read.
    pub(super) fn catch_up(&mut self, at: Option<Timestamp>) {
        self.caught_up_at = at.or(self.caught_up_at);
    }

    /// Begins another log.
    pub(super) fn replace_log(&mut self) {
        self.begin(0);
        self.log += 1;
    }

    /// Adds the events that follow. Drops the oldest events if the ring is full.
    pub(super) fn push(&mut self, batch: Batch) {
        self.through = batch.through;
        self.catch_up(batch.caught_up_at);
        if batch.events.is_empty() {
            return;
        }
        self.bytes += batch.bytes;
        self.batches.push_back(batch.into());
        while self.bytes > self.room.0
            && let Some(oldest) = self.batches.pop_front()
        {
            self.bytes -= oldest.bytes;
            self.after = oldest.through;
        }
    }

    /// Finds the events behind `position`.
    pub(super) fn next(&self, position: i64) -> Next {
        if position < self.after {
            return Next::Behind(self.after);
        }
        let first = self.batches.partition_point(|it| it.through <= position);
        match self.batches.get(first) {
            Some(batch) => Next::Batch(Arc::clone(batch)),
            None => Next::End(self.through, self.caught_up_at),
        }
    }

    /// Finds the event at `position`: its batch, and its place there.
    pub(super) fn find(&self, position: i64) -> Option<(Arc<Batch>, usize)> {
        let first = self.batches.partition_point(|it| it.through < position);
        let batch = self.batches.get(first)?;
        Some((Arc::clone(batch), batch.find(position)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(positions: &[i64], through: i64) -> Batch {
        let event = |position: &i64| EventRow {
            position: *position,
            ..EventRow::default()
        };
        let page = LogPage {
            events: positions.iter().map(event).collect(),
            through,
            caught_up_at: None,
        };
        Batch::of(page, true)
    }

    /// Positions in the ring behind a position; `None` if the ring no longer has them.
    fn behind(ring: &Ring, mut position: i64) -> Option<Vec<i64>> {
        let mut found = Vec::new();
        loop {
            match ring.next(position) {
                Next::Behind(_) => return None,
                Next::End(..) => return Some(found),
                Next::Batch(batch) => {
                    let events = batch.events.iter().map(|it| it.event.position);
                    found.extend(events.filter(|it| *it > position));
                    position = batch.through;
                }
            }
        }
    }

    #[test]
    fn a_ring_has_what_follows_any_position_since_it_began() {
        let mut ring = Ring::new(Room(BYTES));
        ring.begin(10);
        ring.push(page(&[12, 13], 15));
        ring.push(page(&[], 20));
        ring.push(page(&[23], 23));
        assert_eq!(behind(&ring, 9), None);
        for position in 10..12 {
            assert_eq!(behind(&ring, position), Some(vec![12, 13, 23]));
        }
        assert_eq!(behind(&ring, 12), Some(vec![13, 23]));
        for position in 13..23 {
            assert_eq!(behind(&ring, position), Some(vec![23]));
        }
        assert_eq!(behind(&ring, 23), Some(vec![]));
        assert_eq!(behind(&ring, 99), Some(vec![]), "a start in the future");
    }

    #[test]
    fn a_ring_finds_the_events_that_it_has() {
        let mut ring = Ring::new(Room(BYTES));
        ring.begin(10);
        ring.push(page(&[12, 13], 15));
        ring.push(page(&[23], 23));
        let find = |position| {
            let (batch, place) = ring.find(position)?;
            Some(batch.events[place].event.position)
        };
        let found: Vec<_> = (9..25).filter_map(find).collect();
        assert_eq!(found, [12, 13, 23]);
    }

    #[test]
    fn a_full_ring_drops_the_oldest_events() {
        let size = page(&[1], 1).bytes;
        let mut ring = Ring::new(Room(2 * size));
        ring.begin(0);
        for position in 1..=5 {
            ring.push(page(&[position], position));
        }
        assert_eq!(behind(&ring, 2), None);
        assert_eq!(behind(&ring, 3), Some(vec![4, 5]));
        // A batch larger than the ring leaves nothing.
        ring.push(page(&[6, 7, 8], 9));
        assert_eq!(behind(&ring, 8), None);
        assert_eq!(behind(&ring, 9), Some(vec![]));
    }
}
