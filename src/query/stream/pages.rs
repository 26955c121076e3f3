//! Sessions for subscribers that start, or lag behind the ring: four at a time.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{clients::Clients, source::Place};
use crate::store::{
    self, ConnectOptions, Connection, Error,
    follow::Gap,
    read::{self, LogPage, LogReader, PageSize},
    wake,
};

/// Maximum number of sessions.
const SESSIONS: usize = 4;

/// Timeout for connecting.
const CONNECTING: Duration = Duration::from_secs(10);

/// Timeout for an answer.
const ANSWERING: Duration = Duration::from_secs(40);

/// Time for which an idle session is kept.
const IDLE: Duration = Duration::from_mins(1);

/// The sessions. Idle ones are kept for a while, at most until the last subscriber leaves.
#[derive(Debug)]
pub(super) struct Pages {
    options: ConnectOptions,
    permits: Semaphore,
    /// Idle sessions, the latest last, with the start of their idle time.
    idle: Mutex<Vec<(Instant, Connection)>>,
}

/// A session of one subscriber, or for a lookup. Dropping it closes the connection.
#[derive(Debug)]
pub struct PageSession<'p> {
    connection: Connection,
    idle: IdleGuard<'p>,
    _permit: SemaphorePermit<'p>,
}

/// Closes the idle sessions unless the session of the guard is kept. After an outage, each of them
/// would fail once.
#[derive(Debug)]
struct IdleGuard<'p>(&'p Pages);

impl Drop for IdleGuard<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
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
            Some((_, connection)) => connection,
            None => store::connect_follower(&self.options, CONNECTING).await?,
        };
        Ok(PageSession {
            connection,
            idle: IdleGuard(self),
            _permit: permit,
        })
    }

    /// Closes idle sessions.
    pub(super) fn close(&self) {
        drop(mem::take(&mut *self.idle()));
    }

    /// Closes sessions that were idle for long.
    pub(super) fn close_old(&self) {
        self.idle().retain(|(since, _)| since.elapsed() < IDLE);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Connection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageSession<'_> {
    /// The connection.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Reads the page behind `place`; `None` at the end of the log. Without a reader, begins there.
    /// Also returns the gap if the place is older than every stored row.
    pub(super) async fn read(
        &mut self,
        place: Place,
        reader: Option<LogReader>,
        size: PageSize,
    ) -> Result<(LogReader, Option<LogPage>, Option<Gap>), Error> {
        let conn = &mut self.connection;
        let (mut reader, gap) = match reader {
            Some(reader) => (reader, None),
            None => answer(LogReader::after(conn, place.position, place.caught_up_at)).await?,
        };
        let page = answer(reader.page(conn, size)).await?;
        Ok((reader, page, gap))
    }

    /// Reads the payloads of a page.
    pub(super) async fn read_payloads(&mut self, page: &mut LogPage) -> Result<(), Error> {
        answer(read::read_payloads(&mut self.connection, &mut page.events)).await
    }

    /// Reads the clients of the accounts.
    pub(super) async fn clients(&mut self) -> Result<Arc<Clients>, Error> {
        Ok(Arc::new(answer(Clients::read(&mut self.connection)).await?))
    }

    /// Reads the last drawn position.
    pub(super) async fn last_drawn(&mut self) -> Result<i64, Error> {
        answer(wake::last_drawn(&mut self.connection)).await
    }

    /// Keeps the connection for the next session.
    pub fn keep(self) {
        let idle = (Instant::now(), self.connection);
        self.idle.0.idle().push(idle);
        mem::forget(self.idle);
    }
}

async fn answer<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(ANSWERING, asked)
        .await
        .unwrap_or(Err(Error::TimedOut))
}
