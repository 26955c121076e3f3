//! Events of replays: read page by page in a session of its own, beside flushes and lookups.

use std::{sync::Arc, time::Instant};

use super::{SOON, job::Job};
use crate::{
    forward::consumer::ReplayWish,
    store::{ConnectOptions, Error, ReplayPage, ReplayRange, ReplayReader},
};

/// Reading of replays.
#[derive(Debug)]
pub(super) struct Replaying {
    job: Job<Read>,
    /// The session, unless the job has it.
    reader: Option<ReplayReader>,
    /// Earliest time of the next page.
    next: Instant,
}

/// A page that was read, or not.
#[derive(Debug)]
pub(super) struct Read {
    wish: ReplayWish,
    /// The session, if it works, and the page.
    page: Result<(ReplayReader, ReplayPage), Error>,
}

impl Replaying {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            job: Job::none(),
            reader: None,
            next: now,
        }
    }

    /// Waits for a page; for ever if none is being read.
    pub(super) async fn done(&mut self) -> Option<Read> {
        self.job.done().await
    }

    /// Time of the next page, if it is still to come.
    pub(super) fn next_time(&self, now: Instant) -> Option<Instant> {
        Some(self.next).filter(|next| *next > now)
    }

    /// Begins to read a page. `options` are those of a new session.
    pub(super) fn start(&mut self, options: ConnectOptions, consumer: Arc<str>, wish: ReplayWish) {
        let reader = self.reader.take();
        self.job
            .start(async move { read(options, reader, &consumer, wish).await });
    }

    /// True if a page may be read now.
    pub(super) fn is_free(&self, now: Instant) -> bool {
        !self.job.is_running() && now >= self.next
    }

    /// Closes the session.
    pub(super) fn close(&mut self) {
        self.reader = None;
    }

    /// Takes the result of the job: a page and its question. After a failure the next page is read
    /// later, in a new session.
    pub(super) fn ended(
        &mut self,
        read: Option<Read>,
        now: Instant,
    ) -> Result<Option<(ReplayWish, ReplayPage)>, Error> {
        self.next = now + SOON;
        let Some(Read { wish, page }) = read else {
            return Ok(None);
        };
        let (reader, page) = page?;
        (self.reader, self.next) = (Some(reader), now);
        Ok(Some((wish, page)))
    }
}

async fn read(
    options: ConnectOptions,
    reader: Option<ReplayReader>,
    consumer: &str,
    wish: ReplayWish,
) -> Read {
    let range = ReplayRange {
        consumer,
        after: wish.after,
        through: wish.through,
        limit: wish.limit,
    };
    let page = async {
        let mut reader = match reader {
            Some(reader) => reader,
            None => ReplayReader::open(&options).await?,
        };
        let page = reader.page(&wish.choice, range).await?;
        Ok((reader, page))
    };
    let page = page.await;
    Read { wish, page }
}
