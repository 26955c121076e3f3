//! Shared pages: the latest pages behind the ring. Consumers that are behind at about the same position
//! share them, so that each page is read from the database once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::{Hub, ring::Batch, source::Place};
use crate::store::{
    Error,
    follow::Gap,
    read::{LogReader, PageSize},
};

/// Maximum size of the pages in bytes.
const BYTES: usize = 12 << 20;

/// Readers that are kept for the next page.
const READERS: usize = 4;

/// Events of a page.
const EVENTS: i64 = 500;

/// Maximum size of the items of a page with content, in bytes.
const CONTENT: i64 = 1 << 20;

/// The latest pages, and the readers that go on behind them.
#[derive(Debug, Default)]
pub(super) struct SharedPages {
    pages: Mutex<VecDeque<Page>>,
    /// Locked while a page is read: who waits for it may find the own page then.
    readers: tokio::sync::Mutex<VecDeque<(u64, LogReader)>>,
}

/// A page: the events behind `after`.
#[derive(Debug)]
struct Page {
    /// Number of the log: another log began if the database was restored.
    log: u64,
    after: i64,
    batch: Arc<Batch>,
}

/// Part of the log behind a place.
#[derive(Debug)]
pub(super) struct Part {
    /// The events; `None` at the end of the log.
    pub(super) batch: Option<Arc<Batch>>,
    /// Everything committed before this time is in the part or before it. `None` if there may be
    /// more.
    pub(super) caught_up_at: Option<Timestamp>,
    /// Events before the part that are no longer stored.
    pub(super) gap: Option<Gap>,
}

impl Hub {
    /// Reads the log behind `place`, unless another consumer has just done so. With `content`, the
    /// events have texts and payloads.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub(super) async fn part_behind(&self, place: Place, content: bool) -> Result<Part, Error> {
        let pages = &self.0.behind;
        if self.needs_clients() {
            self.read_clients().await?;
        }
        let mut readers = pages.readers.lock().await;
        let log = self.0.ring.borrow().log();
        if let Some(batch) = pages.behind((log, place.position), content) {
            return Ok(Part {
                caught_up_at: batch.caught_up_at,
                batch: Some(batch),
                gap: None,
            });
        }
        let known = |(of, reader): &(u64, LogReader)| (*of, reader.position());
        let known = readers
            .iter()
            .position(|it| known(it) == (log, place.position));
        let reader = known.and_then(|at| readers.remove(at));
        let (reader, part) = self.read(place, reader.map(|(_, it)| it), content).await?;
        if let Some(batch) = &part.batch {
            let after = part.gap.map_or(place.position, |gap| gap.to);
            let batch = Arc::clone(batch);
            pages.keep(Page { log, after, batch });
        }
        readers.push_back((log, reader));
        if readers.len() > READERS {
            readers.pop_front();
        }
        Ok(part)
    }

    async fn read(
        &self,
        place: Place,
        reader: Option<LogReader>,
        content: bool,
    ) -> Result<(LogReader, Part), Error> {
        let mut session = self.0.pages.session().await?;
        let size = PageSize {
            events: EVENTS,
            bytes: content.then_some(CONTENT),
        };
        let (mut reader, mut page, gap) = session.read(place, reader, size).await?;
        if let Some(page) = page.as_mut().filter(|_| content) {
            session.read_payloads(page).await?;
        }
        session.keep();
        let caught_up_at = match &page {
            Some(page) => page.caught_up_at,
            None => reader.caught_up_at(),
        };
        let batch = page.map(|page| Arc::new(Batch::of(page, content)));
        if let Some(batch) = &batch {
            reader.pass(batch.through);
        }
        let part = Part {
            batch,
            caught_up_at,
            gap,
        };
        Ok((reader, part))
    }
}

impl SharedPages {
    /// Finds the event at `position` with its content: its page, and its place there.
    pub(super) fn find(&self, log: u64, position: i64) -> Option<(Arc<Batch>, usize)> {
        let batch = self.behind((log, position - 1), true)?;
        let place = batch.find(position)?;
        Some((batch, place))
    }

    /// The page with the events behind a position of a log.
    fn behind(&self, (log, position): (u64, i64), content: bool) -> Option<Arc<Batch>> {
        let pages = self.pages();
        let mut pages = pages.iter().rev();
        let page = pages.find(|page| {
            let is_there = page.after <= position && position < page.batch.through;
            let has_content = page.batch.has_content || !content;
            is_there && has_content && page.log == log && page.batch.is_fresh()
        })?;
        Some(Arc::clone(&page.batch))
    }

    fn keep(&self, page: Page) {
        let mut pages = self.pages();
        pages.push_back(page);
        let mut bytes: usize = pages.iter().map(|page| page.batch.bytes).sum();
        while bytes > BYTES
            && let Some(oldest) = pages.pop_front()
        {
            bytes -= oldest.batch.bytes;
        }
    }

    /// Forgets the pages.
    pub(super) fn clear(&self) {
        self.pages().clear();
    }

    /// Forgets the pages that are no longer shared.
    pub(super) fn clear_old(&self) {
        self.pages().retain(|page| page.batch.is_fresh());
    }

    fn pages(&self) -> MutexGuard<'_, VecDeque<Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
