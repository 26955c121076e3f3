//! Opening of the database: at start if it is available, else in the background, while deliveries
//! go into the spool.

use std::time::Duration;

use tokio::{task::JoinError, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Database, Error};
use crate::{
    causes,
    clock::Clock,
    store::callbacks::Seen,
    telemetry::{DatabaseAway, DatabaseOpened, LogEvent},
};

/// Maximum wait for the database at start if there is a spool.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pause between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// Result of opening the database at start.
#[derive(Debug)]
pub(super) enum Opened {
    /// The database is open. Holds the last events at the callback URLs.
    Now(Vec<Seen>),
    /// The database is not available yet.
    Later(Pending),
}

/// An opening that continues in the background.
#[derive(Debug)]
pub(super) struct Pending {
    /// Reason why the database could not be opened so far.
    pub(super) why: String,
    /// The try in progress, if any.
    trying: Option<Trying>,
}

type Trying = AbortOnDropHandle<Result<Vec<Seen>, Error>>;

/// Opens `database`. With a spool, the wait is short, and a temporary failure does not prevent the
/// start. The exception is a database that was never used: its setup is in progress, so the failure
/// is reported.
pub(super) async fn open(
    database: &Database,
    clock: &Clock,
    has_spool: bool,
) -> Result<Opened, Error> {
    if !has_spool || !database.was_used() {
        return database.open(clock).await.map(Opened::Now);
    }
    let mut trying = begin(database, clock);
    let Ok(tried) = timeout(PATIENCE, &mut trying).await else {
        let why = format!("it did not answer within {} s", PATIENCE.as_secs());
        let trying = Some(trying);
        return Ok(Opened::Later(Pending { why, trying }));
    };
    match flatten(tried) {
        Ok(seen) => Ok(Opened::Now(seen)),
        Err(error) if error.may_pass() => {
            let (why, trying) = (causes::line(&error), None);
            Ok(Opened::Later(Pending { why, trying }))
        }
        Err(error) => Err(error),
    }
}

/// Retries until the database is open.
pub(super) async fn go_on(database: Database, clock: Clock, pending: Pending) {
    let Pending { why, mut trying } = pending;
    let mut away = Away::default();
    away.log_if_new(&why);
    loop {
        let begun = trying.take();
        let tried = begun.unwrap_or_else(|| begin(&database, &clock)).await;
        match flatten(tried) {
            Ok(_) => return DatabaseOpened.emit(),
            Err(error) => away.log_if_new(&causes::line(&error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Last logged reason, without its digits.
#[derive(Debug, Default)]
struct Away(String);

impl Away {
    /// Logs the reason if it is new.
    fn log_if_new(&mut self, why: &str) {
        if self.is_new(why) {
            DatabaseAway { cause: why }.emit();
        }
    }

    /// True if the reason changed. Digits are ignored, since messages of Postgres contain the time
    /// and a process id.
    fn is_new(&mut self, why: &str) -> bool {
        let words = why.replace(|char: char| char.is_ascii_digit(), "");
        let before = std::mem::replace(&mut self.0, words);
        before != self.0
    }
}

/// Opens the database in a task of its own, so that a caller's timeout does not interrupt it.
fn begin(database: &Database, clock: &Clock) -> Trying {
    let (database, clock) = (database.clone(), clock.clone());
    AbortOnDropHandle::new(tokio::spawn(async move { database.open(&clock).await }))
}

fn flatten<T>(ended: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    ended.unwrap_or(Err(Error::Defect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_reason_is_told_once_whenever_and_by_whom_it_was_said() {
        let mut away = Away::default();
        let said = [
            "2026-11-21 13:33:13.521 UTC [13089] FATAL:  no space left",
            "2026-11-21 13:33:16.831 UTC [13507] FATAL:  no space left",
            "it did not answer within 5 s",
            "2026-11-21 13:33:19.004 UTC [14120] FATAL:  no space left",
        ];
        assert_eq!(said.map(|why| away.is_new(why)), [true, false, true, true]);
    }
}
