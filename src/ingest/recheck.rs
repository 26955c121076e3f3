//! Recheck of the quarantine by a running server, with its own writer.

use std::sync::Arc;

use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    Writer,
    rescue::{AppSurvey, Error, Keys, Rescue, Rescued, Wanted},
};
use crate::{
    clock::Clock,
    quarantine::{self, Name, QuarantineReader},
    store::{ConnectOptions, read::Reader},
};

/// Recheck of the quarantine. Clones take turns, so that a second recheck finds nothing left.
#[derive(Clone, Debug)]
pub struct Recheck {
    quarantine: QuarantineReader,
    options: ConnectOptions,
    writer: Writer,
    clock: Clock,
    turn: Arc<Mutex<()>>,
}

impl Recheck {
    /// Recheck of `quarantine`, which stores deliveries with `writer` in the database at `options`.
    pub fn new(
        quarantine: QuarantineReader,
        options: ConnectOptions,
        writer: Writer,
        clock: Clock,
    ) -> Self {
        Self {
            quarantine,
            options,
            writer,
            clock,
            turn: Arc::default(),
        }
    }

    /// Names of the `wanted` deliveries in quarantine, in the order of arrival.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub async fn names(&self, wanted: Wanted) -> Result<Vec<Name>, quarantine::Error> {
        let (quarantine, now) = (self.quarantine.clone(), self.clock.now());
        let names = spawn_blocking(move || wanted.names(&quarantine, now));
        // Without a result, the server is stopping.
        names.await.unwrap_or_else(|_| Ok(Vec::new()))
    }

    /// Counts the `wanted` deliveries that pass with `keys`. Changes nothing. If Postgres is
    /// unavailable, the number of stored events stays unknown.
    ///
    /// # Errors
    /// If the quarantine cannot be read.
    pub async fn count(
        &self,
        keys: Keys,
        wanted: Wanted,
    ) -> Result<Vec<AppSurvey>, quarantine::Error> {
        let _turn = self.turn.lock().await;
        self.survey(keys, wanted).await
    }

    /// Counts as [`Recheck::count`] does, but never waits for another recheck: `None` while one runs.
    ///
    /// # Errors
    /// If the quarantine cannot be read.
    pub async fn count_unless_busy(
        &self,
        keys: Keys,
        wanted: Wanted,
    ) -> Result<Option<Vec<AppSurvey>>, quarantine::Error> {
        let Ok(_turn) = self.turn.try_lock() else {
            return Ok(None);
        };
        self.survey(keys, wanted).await.map(Some)
    }

    async fn survey(
        &self,
        keys: Keys,
        wanted: Wanted,
    ) -> Result<Vec<AppSurvey>, quarantine::Error> {
        let names = self.names(wanted).await?;
        let rescue = Rescue::new(self.quarantine.clone(), keys, names);
        let mut reader = Reader::open(&self.options).await.ok();
        rescue.survey(reader.as_mut()).await
    }

    /// Stores the `wanted` deliveries that pass with `keys`.
    ///
    /// # Errors
    /// If a file cannot be read or deleted, or the database fails. Deliveries stored until then
    /// stay stored.
    pub async fn store(&self, keys: Keys, wanted: Wanted) -> Result<Vec<Rescued>, Error> {
        let _turn = self.turn.lock().await;
        let names = self.names(wanted).await?;
        let rescue = Rescue::new(self.quarantine.clone(), keys, names);
        let mut reader = Reader::open(&self.options).await?;
        rescue.store(&self.writer, &mut reader).await
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use jiff::SignedDuration;

    use super::*;

    #[tokio::test]
    async fn a_count_does_not_wait_for_another_recheck() {
        let options = ConnectOptions::new().host("127.0.0.1").port(1);
        let (writer, _) = Writer::new(options.clone(), None);
        let quarantine = QuarantineReader::new(Path::new("/nowhere"), SignedDuration::ZERO);
        let recheck = Recheck::new(quarantine, options, writer, Clock::system());
        let count = async || {
            let keys = Keys::Configured(BTreeMap::new());
            let counted = recheck.count_unless_busy(keys, Wanted::default());
            counted.await.unwrap()
        };
        let running = recheck.turn.lock().await;
        assert_eq!(count().await, None);
        drop(running);
        assert_eq!(count().await, Some(Vec::new()));
    }
}
