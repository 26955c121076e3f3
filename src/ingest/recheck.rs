//! Recheck of the quarantine by a running server, with its own writer.

use std::{slice::from_ref, sync::Arc};

use tokio::{sync::Mutex, task::spawn_blocking};
use uuid::Uuid;

use super::{
    Writer,
    rescue::{AppSurvey, Error, Keys, Rescue, Rescued, Wanted},
};
use crate::{
    clock::Clock,
    quarantine::{self, Name, QuarantineReader},
    store::{ConnectOptions, read::Reader},
};

/// Maximum number and bytes of the deliveries that are tried for a part.
const PART: usize = 1_000;
const PART_BYTES: u64 = 64 << 20;

/// Maximum number and bytes of the deliveries that are tried for a page that shows their number.
const FEW: usize = 5_000;
const FEW_BYTES: u64 = 16 << 20;

/// Result of storing a part of the quarantine.
#[derive(Debug)]
pub struct StoredPart {
    /// Results by app.
    pub results: Vec<Rescued>,
    /// Id of the last tried delivery; `None` if there was none.
    pub end: Option<Uuid>,
    /// Number of deliveries behind this part.
    pub left: usize,
}

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

    /// Counts the `wanted` deliveries that pass with `keys`, but not their stored events: `None` if
    /// they are too many to be tried for every look at a page. Waits for no other recheck.
    ///
    /// # Errors
    /// If the quarantine cannot be read.
    pub async fn count_few(
        &self,
        keys: Keys,
        wanted: Wanted,
    ) -> Result<Option<Vec<AppSurvey>>, quarantine::Error> {
        let names = self.names(wanted).await?;
        if names.len() > FEW || self.quarantine.bytes(&names)? > FEW_BYTES {
            return Ok(None);
        }
        let rescue = Rescue::new(self.quarantine.clone(), keys, names);
        rescue.survey(None).await.map(Some)
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
        self.store_named(keys, names).await
    }

    /// Stores the first part of the `wanted` deliveries that pass with `keys`: of those behind the
    /// delivery `after`, in the order of arrival.
    ///
    /// # Errors
    /// As those of [`Recheck::store`].
    pub async fn store_part(
        &self,
        keys: Keys,
        wanted: Wanted,
        after: Option<Uuid>,
    ) -> Result<StoredPart, Error> {
        let _turn = self.turn.lock().await;
        let mut names = self.names(wanted).await?;
        names.retain(|name| after.is_none_or(|after| name.id() > after));
        let count = self.part_of(&names)?;
        let left = names.len() - count;
        names.truncate(count);
        Ok(StoredPart {
            end: names.last().map(Name::id),
            left,
            results: self.store_named(keys, names).await?,
        })
    }

    /// Number of the first names that make a part: at least one.
    fn part_of(&self, names: &[Name]) -> Result<usize, quarantine::Error> {
        let mut bytes = 0;
        for (count, name) in names.iter().take(PART).enumerate() {
            bytes += self.quarantine.bytes(from_ref(name))?;
            if count > 0 && bytes > PART_BYTES {
                return Ok(count);
            }
        }
        Ok(names.len().min(PART))
    }

    async fn store_named(&self, keys: Keys, names: Vec<Name>) -> Result<Vec<Rescued>, Error> {
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
