//! Recheck of the quarantine: verifies deliveries again that were rejected with a wrong secret, and
//! stores those that pass.
//!
//! A delivery that passes takes the normal path: parsed, and committed by the writer, with its
//! original id and receive time. Its file is deleted after the commit. After a crash in between, or
//! if two processes recheck at once, the delivery is stored again under the same id, which changes
//! nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::yield_now;
use uuid::Uuid;

pub use super::rescued::Rescued;
use super::{Failure, Writer, parse, rescued::Sums};
use crate::{
    meta::signature::Secrets,
    quarantine::{self, Found, Name, QuarantineReader, Record},
    store::{self, Delivery, read::Reader},
};

/// Maximum number of deliveries, and bytes, stored together.
const TOGETHER: usize = 100;
const BYTES: usize = 4 << 20;

/// Secrets to try.
#[derive(Debug)]
pub enum Keys {
    /// The configured secrets of each app.
    Configured(BTreeMap<String, Secrets>),
    /// These secrets, for every app.
    Given(Secrets),
}

/// Filter of quarantined deliveries.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Apps whose path was requested; `None` for any.
    pub apps: Option<Vec<String>>,
    /// Earliest receive time, inclusive.
    pub since: Option<Timestamp>,
    /// Latest receive time, exclusive.
    pub until: Option<Timestamp>,
}

/// Quarantined deliveries of one app, and how many of them pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "RecheckCount")]
pub struct AppSurvey {
    /// Name of the app.
    pub app: String,
    /// Quarantined deliveries.
    pub held: u64,
    /// Deliveries whose signature matches one of the secrets.
    pub passing: u64,
    /// Number of matching deliveries, by secret.
    pub secrets: BTreeMap<String, u64>,
    /// Unreadable files.
    pub unreadable: u64,
    /// Receive time of the first passing delivery, or of the first delivery if none passes.
    pub first: Option<Timestamp>,
    /// Receive time of the last one, chosen in the same way.
    pub last: Option<Timestamp>,
    /// Distinct events in the passing deliveries.
    pub events: u64,
    /// Number of these events that are already stored; none if the database was unavailable.
    pub stored: Option<u64>,
}

/// Reason why passing deliveries could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Quarantined files cannot be read or deleted.
    #[error(transparent)]
    Quarantine(#[from] quarantine::Error),
    /// The database cannot be queried.
    #[error("failed to look up stored deliveries")]
    Store(#[from] store::Error),
    /// The database did not take a delivery.
    #[error(
        "the database does not accept them now ({}); deliveries not stored yet stay in quarantine: \
         check Postgres with `hookshelf doctor`, then run this again",
        .0.code()
    )]
    Refused(Failure),
}

/// Quarantined deliveries, and the secrets to try.
#[derive(Debug)]
pub struct Rescue {
    quarantine: QuarantineReader,
    keys: Keys,
    names: Vec<Name>,
}

impl Rescue {
    /// Finds the `wanted` deliveries in quarantine. `now` is the time for their maximum age.
    ///
    /// # Errors
    /// If this user lacks the permission to read the quarantine.
    pub fn find(
        quarantine: QuarantineReader,
        keys: Keys,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Self, quarantine::Error> {
        let names = wanted.names(&quarantine, now)?;
        Ok(Self::new(quarantine, keys, names))
    }

    /// Tries `keys` on the deliveries with these `names` in quarantine.
    pub fn new(quarantine: QuarantineReader, keys: Keys, names: Vec<Name>) -> Self {
        Self {
            quarantine,
            keys,
            names,
        }
    }

    /// True if there is no matching delivery.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Tries the secrets on every delivery, and counts by app how many pass. Changes nothing.
    ///
    /// # Errors
    /// If this user lacks the permission to read the quarantine.
    pub async fn survey(
        &self,
        reader: Option<&mut Reader>,
    ) -> Result<Vec<AppSurvey>, quarantine::Error> {
        let mut apps: BTreeMap<&str, (AppSurvey, Vec<Uuid>)> = BTreeMap::new();
        for name in &self.names {
            let (held, keys) = apps.entry(name.app()).or_default();
            held.app = name.app().to_string();
            match self.quarantine.read(name)? {
                Found::Gone => continue,
                Found::Unreadable(_) => held.unreadable += 1,
                Found::Record(record) => {
                    if let Some(delivery) = self.keys.open(record) {
                        held.note_passing(&delivery);
                        keys.extend(delivery.events.iter().map(|event| event.dedupe_key));
                    }
                }
            }
            held.note(name);
            // Let other tasks run: a server answers deliveries meanwhile.
            yield_now().await;
        }
        let apps = apps.into_values().filter(|(held, _)| held.held > 0);
        Ok(count_stored(apps.collect(), reader).await)
    }

    /// Stores the passing deliveries in the order of arrival, and deletes their files.
    ///
    /// # Errors
    /// If a file cannot be read or deleted, or the database fails. Deliveries stored until then
    /// stay stored.
    pub async fn store(&self, writer: &Writer, reader: &mut Reader) -> Result<Vec<Rescued>, Error> {
        let mut sums = Sums::default();
        let mut names = self.names.iter();
        while names.len() > 0 {
            let batch = self.next_batch(&mut names, &mut sums).await?;
            let before = stored_before(&batch, reader).await?;
            let (stored, new): (RescueBatch<'_>, RescueBatch<'_>) = batch
                .into_iter()
                .partition(|(name, _)| before.contains(&name.id()));
            self.forget_stored(&stored, &mut sums)?;
            self.store_batch(new, writer, &mut sums).await?;
        }
        Ok(sums.into_results())
    }

    /// The next passing deliveries, up to the limits.
    async fn next_batch<'a>(
        &self,
        names: &mut std::slice::Iter<'a, Name>,
        sums: &mut Sums,
    ) -> Result<RescueBatch<'a>, quarantine::Error> {
        let (mut batch, mut bytes) = (RescueBatch::new(), 0);
        while batch.len() < TOGETHER
            && bytes < BYTES
            && let Some(name) = names.next()
        {
            let delivery = match self.quarantine.read(name)? {
                Found::Gone => continue,
                Found::Unreadable(_) => None,
                Found::Record(record) => self.keys.open(record),
            };
            match delivery {
                None => sums.of(name).unopened += 1,
                Some(delivery) => {
                    bytes += delivery.body.len();
                    batch.push((name, delivery));
                }
            }
            yield_now().await;
        }
        // Names order deliveries only to the millisecond.
        batch.sort_by_key(|(_, delivery)| delivery.envelope.received_at);
        Ok(batch)
    }

    /// Deletes files that an earlier run stored but did not delete.
    fn forget_stored(
        &self,
        batch: &[(&Name, Delivery)],
        sums: &mut Sums,
    ) -> Result<(), quarantine::Error> {
        batch.iter().try_for_each(|(name, _)| {
            let sum = sums.of(name);
            sum.stored_before += 1;
            sum.note_stored(name);
            self.quarantine.remove(name)
        })
    }

    async fn store_batch(
        &self,
        batch: RescueBatch<'_>,
        writer: &Writer,
        sums: &mut Sums,
    ) -> Result<(), Error> {
        let queue = |(name, delivery)| (name, writer.commit(delivery));
        let waiting: Vec<_> = batch.into_iter().map(queue).collect();
        for (name, committed) in waiting {
            let committed = committed.await.map_err(Error::Refused)?;
            let sum = sums.of(name);
            sum.deliveries += 1;
            sum.events += committed.new as u64;
            sum.repeated += committed.repeated as u64;
            sum.note_stored(name);
            self.quarantine.remove(name)?;
        }
        Ok(())
    }

    /// Number of quarantined deliveries by app.
    pub fn count(&self) -> BTreeMap<&str, u64> {
        let mut apps = BTreeMap::new();
        for name in &self.names {
            *apps.entry(&**name.app()).or_default() += 1;
        }
        apps
    }

    /// Deletes all files, stored or not.
    ///
    /// # Errors
    /// If a file cannot be deleted.
    pub fn discard(&self) -> Result<(), quarantine::Error> {
        self.names
            .iter()
            .try_for_each(|name| self.quarantine.remove(name))
    }
}

/// Deliveries that are stored together, each with its file name.
type RescueBatch<'a> = Vec<(&'a Name, Delivery)>;

impl Wanted {
    /// Names of these deliveries in quarantine, in the order of arrival. `now` is the time for their
    /// maximum age.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn names(
        &self,
        quarantine: &QuarantineReader,
        now: Timestamp,
    ) -> Result<Vec<Name>, quarantine::Error> {
        let mut names = quarantine.names(now)?;
        names.retain(|name| self.has(name));
        Ok(names)
    }

    fn has(&self, name: &Name) -> bool {
        let at = name.received_at();
        let apps = self.apps.as_ref();
        apps.is_none_or(|apps| apps.iter().any(|app| **app == **name.app()))
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
    }
}

impl Keys {
    /// Verifies and parses `record` as the listener does; `None` if no secret matches.
    fn open(&self, record: Record) -> Option<Delivery> {
        let secrets = match self {
            Self::Configured(apps) => apps.get(&*record.envelope.app)?,
            Self::Given(secrets) => secrets,
        };
        let body = record.verify(secrets).ok()?;
        let simulated = record.is_simulated(secrets);
        Some(parse(record.envelope, &body, simulated))
    }
}

impl AppSurvey {
    fn note(&mut self, name: &Name) {
        self.held += 1;
        if self.passing == 0 {
            let at = name.received_at();
            self.first = self.first.or(Some(at));
            self.last = Some(at);
        }
    }

    /// Passing deliveries take precedence for the times.
    fn note_passing(&mut self, delivery: &Delivery) {
        let at = delivery.envelope.received_at;
        if self.passing == 0 {
            self.first = Some(at);
        }
        self.last = Some(at);
        self.passing += 1;
        let secret = delivery.secret.to_string();
        *self.secrets.entry(secret).or_default() += 1;
    }
}

async fn count_stored(
    apps: Vec<(AppSurvey, Vec<Uuid>)>,
    mut reader: Option<&mut Reader>,
) -> Vec<AppSurvey> {
    let mut counted = Vec::with_capacity(apps.len());
    for (mut held, mut keys) in apps {
        keys.sort_unstable();
        keys.dedup();
        held.events = keys.len() as u64;
        if let Some(reader) = &mut reader {
            held.stored = reader.known_keys(&keys).await.ok();
        }
        counted.push(held);
    }
    counted
}

/// Ids of the deliveries in `batch` that are already stored: an earlier run may have ended before it
/// deleted their files.
async fn stored_before(
    batch: &RescueBatch<'_>,
    reader: &mut Reader,
) -> Result<Vec<Uuid>, store::Error> {
    let ids: Vec<_> = batch.iter().map(|(name, _)| name.id()).collect();
    let times = || {
        batch
            .iter()
            .map(|(_, delivery)| delivery.envelope.received_at)
    };
    let (Some(oldest), Some(newest)) = (times().min(), times().max()) else {
        return Ok(Vec::new());
    };
    reader.stored_deliveries(&ids, oldest, newest).await
}
