//! The opening of the database: at the start where it is there, else in the background, while
//! deliveries go into the spool.

use std::time::Duration;

use tokio::{task::JoinError, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{Database, Error};
use crate::{
    causes,
    clock::Clock,
    store::callbacks::Seen,
    telemetry::{DatabaseAway, DatabaseOpened, Happening},
};

/// How long a start waits for a database where deliveries have another place to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// What a start found of its database.
#[derive(Debug)]
pub(super) enum Opened {
    /// It is there, and this was seen of Meta so far.
    Now(Vec<Seen>),
    /// It is away, or not there yet.
    Later(Pending),
}

/// An opening that goes on.
#[derive(Debug)]
pub(super) struct Pending {
    /// Why the database could not be opened so far.
    pub(super) why: String,
    /// The try that is still on its way, if one is.
    trying: Option<Trying>,
}

type Trying = AbortOnDropHandle<Result<Vec<Seen>, Error>>;

/// Opens `database`. With a spool it is not waited for long, and what may pass by itself is no
/// reason not to start; unless it was never used: then somebody is setting it up, and is told.
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

/// Goes on trying until it is open.
pub(super) async fn go_on(database: Database, clock: Clock, pending: Pending) {
    let Pending { why, mut trying } = pending;
    let mut away = Away::default();
    away.tell(&why);
    loop {
        let begun = trying.take();
        let tried = begun.unwrap_or_else(|| begin(&database, &clock)).await;
        match flatten(tried) {
            Ok(_) => return DatabaseOpened.emit(),
            Err(error) => away.tell(&causes::line(&error)),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why it is away, as it was told last, but for its numbers.
#[derive(Debug, Default)]
struct Away(String);

impl Away {
    /// Tells it where it is another reason.
    fn tell(&mut self, why: &str) {
        if self.is_new(why) {
            DatabaseAway { cause: why }.emit();
        }
    }

    /// What Postgres says has the time and its process in it, which are others at each try.
    fn is_new(&mut self, why: &str) -> bool {
        let words = why.replace(|char: char| char.is_ascii_digit(), "");
        let before = std::mem::replace(&mut self.0, words);
        before != self.0
    }
}

/// In a task of its own: whoever waits may leave without breaking it off half way.
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
