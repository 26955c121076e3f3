//! Sessions for subscribers that start, or lag behind the ring: four at a time.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::audience::Owners;
use crate::store::{
    self, ConnectOptions, Connection, Error,
    follow::Gap,
    read::{self, LogPage, LogReader, PageSize},
    wake,
};

/// Maximum number of sessions.
const SESSIONS: usize = 4;

/// Size of a page: each subscriber may hold one.
const PAGE: PageSize = PageSize {
    events: 100,
    bytes: 256 << 10,
};

/// Timeout for connecting.
const CONNECTING: Duration = Duration::from_secs(10);

/// Timeout for an answer.
const ANSWERING: Duration = Duration::from_secs(40);

/// The sessions. Idle ones are kept until the last subscriber leaves.
#[derive(Debug)]
pub(super) struct Pages {
    options: ConnectOptions,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A session of one subscriber. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct PageSession<'p> {
    pages: &'p Pages,
    connection: Connection,
    _permit: SemaphorePermit<'p>,
}

impl Pages {
    pub(super) fn new(options: ConnectOptions) -> Self {
        Self {
            options,
            permits: Semaphore::new(SESSIONS),
            idle: Mutex::default(),
        }
    }

    /// Waits for a session.
    pub(super) async fn session(&self) -> Result<PageSession<'_>, Error> {
        let permit = self.permits.acquire().await;
        // The semaphore is never closed.
        let permit = permit.map_err(|_| Error::TimedOut)?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => store::connect_follower(&self.options, CONNECTING).await?,
        };
        Ok(PageSession {
            pages: self,
            connection,
            _permit: permit,
        })
    }

    /// Closes idle sessions.
    pub(super) fn close(&self) {
        drop(mem::take(&mut *self.idle()));
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageSession<'_> {
    /// Begins to read behind `position`.
    pub(super) async fn begin(&mut self, position: i64) -> Result<(LogReader, Option<Gap>), Error> {
        answer(LogReader::after(&mut self.connection, position)).await
    }

    /// Reads the next page of `log`.
    pub(super) async fn page(&mut self, log: &mut LogReader) -> Result<Option<LogPage>, Error> {
        answer(log.page(&mut self.connection, PAGE)).await
    }

    /// Reads the payloads of a page.
    pub(super) async fn read_payloads(&mut self, page: &mut LogPage) -> Result<(), Error> {
        answer(read::read_payloads(&mut self.connection, &mut page.events)).await
    }

    /// Reads the clients of the accounts.
    pub(super) async fn owners(&mut self) -> Result<Arc<Owners>, Error> {
        Ok(Arc::new(answer(read::clients(&mut self.connection)).await?))
    }

    /// Reads the last drawn position.
    pub(super) async fn last_drawn(&mut self) -> Result<i64, Error> {
        answer(wake::last_drawn(&mut self.connection)).await
    }

    /// Keeps the connection for the next session.
    pub(super) fn keep(self) {
        self.pages.idle().push(self.connection);
    }
}

async fn answer<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(ANSWERING, asked)
        .await
        .unwrap_or(Err(Error::TimedOut))
}
