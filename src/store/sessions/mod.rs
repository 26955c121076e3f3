//! Sessions of browsers at the admin listener: rows, and those in use in memory.
//!
//! A session in memory is valid without a query, so that the pages of a signed-in operator work
//! while Postgres is unavailable. [`AdminSessions::check`] compares the memory with the rows, which
//! another server on the database may have removed. Ids and tokens are digests (SHA-256): with a
//! copy of the table nobody can sign in.

mod memory;
mod rows;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Semaphore, time::timeout};

use super::{Error, Writes};
use memory::Memory;
use rows::Row;

pub use memory::AdminSession;
pub use rows::remove_expired;

/// Time without a use after which a session ends.
pub const IDLE: SignedDuration = SignedDuration::from_hours(12);

/// Time after the sign-in at which a session ends.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Deadline for finding a session: a page waits for the result.
const DEADLINE: Duration = Duration::from_secs(2);

/// Maximum number of lookups at a time. The audit needs the rest of the sessions with Postgres.
const LOOKUPS: usize = 2;

/// Maximum number of requests that wait for a lookup. Anyone can send unknown ids, so one more is
/// refused at once; sessions in memory need no lookup.
const WAITING: usize = 64;

/// SHA-256 of an id or of a token.
pub type Digest = [u8; 32];

/// Reason why a session was not looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Too many lookups wait.
    #[error("too many sessions are looked up now")]
    Busy,
    /// Postgres is unavailable or does not answer in time.
    #[error("failed to look up a session")]
    Store(#[from] Error),
}

/// The sessions of a database. Clones share the memory.
#[derive(Clone, Debug)]
pub struct AdminSessions {
    writes: Writes,
    memory: Arc<Mutex<Memory>>,
    waiting: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

impl AdminSessions {
    /// The sessions of the database of `writes`, none of them in memory.
    pub fn new(writes: Writes) -> Self {
        Self {
            writes,
            memory: Arc::default(),
            waiting: Arc::new(Semaphore::new(WAITING)),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    /// Creates a session.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn create(&self, id: &Digest, token: &Digest, now: Timestamp) -> Result<(), Error> {
        rows::create(&self.writes, id, token, now).await
    }

    /// Finds a valid session, and notes its use at `now` in memory.
    ///
    /// # Errors
    /// If the session is not in memory, and Postgres is unavailable or does not answer in time, or too
    /// many other requests wait.
    pub async fn find(
        &self,
        id: &Digest,
        now: Timestamp,
    ) -> Result<Option<Arc<AdminSession>>, LookupError> {
        loop {
            let (known, ends) = self.memory().get(id, now);
            if known.is_some() {
                return Ok(known);
            }
            let waiting = self.waiting.try_acquire();
            let _waiting = waiting.map_err(|_| LookupError::Busy)?;
            let found = timeout(DEADLINE, self.read(id, now)).await;
            let Some(row) = found.map_err(|_| Error::TimedOut)?? else {
                return Ok(None);
            };
            if self.memory().has_removed(&row.token, row.created_at) {
                return Ok(None);
            }
            let session = AdminSession::new(*id, row.token, row.created_at);
            // A session that ended meanwhile may be this one: its row is read again.
            if let Some(session) = self.memory().add(session, now, ends) {
                return Ok(Some(session));
            }
        }
    }

    async fn read(&self, id: &Digest, now: Timestamp) -> Result<Option<Row>, Error> {
        let _turn = self.lookups.acquire().await;
        rows::find(&self.writes, id, now).await
    }

    /// Ends the sessions of all tokens except these, which are configured from `now` on. The rows go
    /// at the next check; a token that comes back does not revive them.
    pub fn keep(&self, tokens: impl IntoIterator<Item = Digest>, now: Timestamp) {
        self.memory().keep(tokens.into_iter().collect(), now);
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If Postgres is unavailable. The session is then still valid.
    pub async fn end(&self, session: &AdminSession) -> Result<(), Error> {
        rows::remove(&self.writes, session.id()).await?;
        self.memory().end(|it| it.id() == session.id());
        Ok(())
    }

    /// Ends all sessions of a token, and returns the number of their rows.
    ///
    /// # Errors
    /// If Postgres is unavailable. The sessions are then still valid.
    pub async fn end_all(&self, token: &Digest) -> Result<u64, Error> {
        let removed = rows::remove_all(&self.writes, token).await?;
        self.memory().end(|it| it.token() == token);
        Ok(removed)
    }

    /// Writes the uses of the sessions in memory, and ends those that have expired or whose row was
    /// removed.
    ///
    /// # Errors
    /// If Postgres is unavailable. Expired sessions have ended all the same.
    pub async fn check(&self, now: Timestamp) -> Result<(), Error> {
        let (used, removal) = {
            let mut memory = self.memory();
            (memory.used(now), memory.removal())
        };
        if let Some(removal) = removal {
            rows::remove_others(&self.writes, &removal).await?;
            self.memory().removed(&removal);
        }
        if used.is_empty() {
            return Ok(());
        }
        let valid = rows::note(&self.writes, &used, now).await?;
        let is_gone = |id: &Digest| used.iter().any(|(used, _)| used == id) && !valid.contains(id);
        self.memory().end(|it| is_gone(it.id()));
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
