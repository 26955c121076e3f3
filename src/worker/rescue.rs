//! Rescue: what was refused while a secret was wrong is verified again and stored after all.
//!
//! A delivery that passes goes the way of any other: parsed, and committed by the writer, with the
//! id and the moment that it came with. Its file goes when it is stored. Where that does not come
//! to pass, or two do this at once, it is stored again under the same id, which changes nothing.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    held::{self, Found, Name, Record, Shelf},
    ingest::{self, Failure, Writer},
    meta::signature::Secrets,
    store::{self, Delivery, read::Reader},
};

/// How many deliveries are stored together at most, and with how many bytes.
const TOGETHER: usize = 100;
const BYTES: usize = 4 << 20;

/// Which secrets are tried.
#[derive(Debug)]
pub enum Keys {
    /// Those of each app.
    Configured(BTreeMap<String, Secrets>),
    /// These, whatever the app.
    Given(Secrets),
}

/// Which of the held deliveries are meant.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The app whose path they used.
    pub app: Option<String>,
    /// They came at this moment or later.
    pub since: Option<Timestamp>,
    /// They came before this moment.
    pub until: Option<Timestamp>,
}

/// What is held for one app, and what of it passes now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The app.
    pub app: String,
    /// How many deliveries are held.
    pub held: u64,
    /// How many of them have a signature that one of the secrets made.
    pub passing: u64,
    /// How many each secret made.
    pub secrets: BTreeMap<String, u64>,
    /// Files that cannot be read.
    pub unreadable: u64,
    /// When the first one of those that pass came, else of all.
    pub first: Option<Timestamp>,
    /// When the last one came.
    pub last: Option<Timestamp>,
    /// How many events are in those that pass, each once.
    pub events: u64,
    /// How many of these are stored already; none where the database could not be asked.
    pub stored: Option<u64>,
}

/// What was stored for one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rescued {
    /// The app.
    pub app: String,
    /// Deliveries that are stored now.
    pub deliveries: u64,
    /// Deliveries that were stored already.
    pub stored_before: u64,
    /// Their events that were new.
    pub events: u64,
    /// Their items whose event was stored already.
    pub repeated: u64,
    /// Deliveries that no secret opens, which stay held; files that cannot be read among them.
    pub unopened: u64,
}

/// Why not everything was stored that passes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is held cannot be read or deleted.
    #[error(transparent)]
    Held(#[from] held::Error),
    /// The database cannot be asked.
    #[error("the database cannot be asked what is stored already")]
    Store(#[from] store::Error),
    /// The database does not take a delivery.
    #[error(
        "the database does not take them now ({}); what is not stored yet stays held: see that \
         Postgres runs and that hookshelf doctor finds nothing wrong, then run this again",
        .0.code()
    )]
    Refused(Failure),
}

/// Held deliveries, and the secrets that are tried.
#[derive(Debug)]
pub struct Rescue {
    shelf: Shelf,
    keys: Keys,
    names: Vec<Name>,
}

impl Rescue {
    /// Looks for what is held and `wanted`, where it is `now`.
    ///
    /// # Errors
    /// This user may not look.
    pub fn find(
        shelf: Shelf,
        keys: Keys,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Self, held::Error> {
        let mut names = shelf.names(now)?;
        names.retain(|name| wanted.has(name));
        Ok(Self { shelf, keys, names })
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Tries the secrets on everything, and says for each app what passes. Changes nothing.
    ///
    /// # Errors
    /// This user may not look.
    pub async fn survey(&self, reader: Option<&mut Reader>) -> Result<Vec<Held>, held::Error> {
        let mut apps: BTreeMap<&str, (Held, Vec<Uuid>)> = BTreeMap::new();
        for name in &self.names {
            let (held, keys) = apps.entry(name.app()).or_default();
            held.app = name.app().to_string();
            match self.shelf.read(name)? {
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
        }
        let apps = apps.into_values().filter(|(held, _)| held.held > 0);
        Ok(count_stored(apps.collect(), reader).await)
    }

    /// Stores what passes, in the order of arrival, and deletes what is stored.
    ///
    /// # Errors
    /// Says what is in the way; what was stored until then stays so.
    pub async fn store(&self, writer: &Writer, reader: &mut Reader) -> Result<Vec<Rescued>, Error> {
        let mut sums = Sums::default();
        let mut names = self.names.iter();
        while names.len() > 0 {
            let lot = self.next_lot(&mut names, &mut sums)?;
            let before = stored_before(&lot, reader).await?;
            let (stored, new): (Lot<'_>, Lot<'_>) = lot
                .into_iter()
                .partition(|(name, _)| before.contains(&name.id()));
            self.forget_stored(&stored, &mut sums)?;
            self.store_lot(new, writer, &mut sums).await?;
        }
        Ok(sums.0.into_values().collect())
    }

    /// As many of the next deliveries that pass as are stored together.
    fn next_lot<'a>(
        &self,
        names: &mut impl Iterator<Item = &'a Name>,
        sums: &mut Sums,
    ) -> Result<Lot<'a>, held::Error> {
        let (mut lot, mut bytes) = (Lot::new(), 0);
        while lot.len() < TOGETHER
            && bytes < BYTES
            && let Some(name) = names.next()
        {
            let delivery = match self.shelf.read(name)? {
                Found::Gone => continue,
                Found::Unreadable(_) => None,
                Found::Record(record) => self.keys.open(record),
            };
            match delivery {
                None => sums.of(name).unopened += 1,
                Some(delivery) => {
                    bytes += delivery.body.len();
                    lot.push((name, delivery));
                }
            }
        }
        // Within a millisecond names do not tell the order.
        lot.sort_by_key(|(_, delivery)| delivery.envelope.received_at);
        Ok(lot)
    }

    /// An earlier run ended before it deleted these.
    fn forget_stored(&self, lot: &[(&Name, Delivery)], sums: &mut Sums) -> Result<(), held::Error> {
        lot.iter().try_for_each(|(name, _)| {
            sums.of(name).stored_before += 1;
            self.shelf.remove(name)
        })
    }

    async fn store_lot(&self, lot: Lot<'_>, writer: &Writer, sums: &mut Sums) -> Result<(), Error> {
        let queue = |(name, delivery)| (name, writer.commit(delivery));
        let waiting: Vec<_> = lot.into_iter().map(queue).collect();
        for (name, committed) in waiting {
            let committed = committed.await.map_err(Error::Refused)?;
            let sum = sums.of(name);
            sum.deliveries += 1;
            sum.events += committed.new as u64;
            sum.repeated += committed.repeated as u64;
            self.shelf.remove(name)?;
        }
        Ok(())
    }

    /// How many deliveries are held for each app.
    pub fn count(&self) -> BTreeMap<&str, u64> {
        let mut apps = BTreeMap::new();
        for name in &self.names {
            *apps.entry(&**name.app()).or_default() += 1;
        }
        apps
    }

    /// Deletes all of it, stored or not.
    ///
    /// # Errors
    /// This user may not delete it.
    pub fn discard(&self) -> Result<(), held::Error> {
        self.names
            .iter()
            .try_for_each(|name| self.shelf.remove(name))
    }
}

/// Deliveries that are stored together, each with the name of its file.
type Lot<'a> = Vec<(&'a Name, Delivery)>;

/// What was stored, by app.
#[derive(Default)]
struct Sums(BTreeMap<Arc<str>, Rescued>);

impl Sums {
    fn of(&mut self, name: &Name) -> &mut Rescued {
        let sum = self.0.entry(Arc::clone(name.app())).or_default();
        sum.app = name.app().to_string();
        sum
    }
}

impl Wanted {
    fn has(&self, name: &Name) -> bool {
        let at = name.received_at();
        self.app.as_deref().is_none_or(|app| app == &**name.app())
            && self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
    }
}

impl Keys {
    /// The delivery as it would have come through the door, had the secret been right.
    fn open(&self, record: Record) -> Option<Delivery> {
        let secrets = match self {
            Self::Configured(apps) => apps.get(&*record.envelope.app)?,
            Self::Given(secrets) => secrets,
        };
        let body = record.verify(secrets).ok()?;
        let simulated = record.is_simulated(secrets);
        Some(ingest::parse(record.envelope, &body, simulated))
    }
}

impl Held {
    fn note(&mut self, name: &Name) {
        self.held += 1;
        if self.passing == 0 {
            let at = name.received_at();
            self.first = self.first.or(Some(at));
            self.last = Some(at);
        }
    }

    /// What passes is of more interest than what does not.
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

async fn count_stored(apps: Vec<(Held, Vec<Uuid>)>, mut reader: Option<&mut Reader>) -> Vec<Held> {
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

/// Which deliveries of a lot are stored: an earlier run may have ended before their files went.
async fn stored_before(lot: &Lot<'_>, reader: &mut Reader) -> Result<Vec<Uuid>, store::Error> {
    let ids: Vec<_> = lot.iter().map(|(name, _)| name.id()).collect();
    let times = || {
        lot.iter()
            .map(|(_, delivery)| delivery.envelope.received_at)
    };
    let (Some(oldest), Some(newest)) = (times().min(), times().max()) else {
        return Ok(Vec::new());
    };
    reader.stored_deliveries(&ids, oldest, newest).await
}
