//! Accounts of a batch, and a cache of recently stored accounts that skips their lookup.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use bytestring::ByteString;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments};

use super::{
    Delivery,
    column::Column,
    values::{Text, Timestamptz},
};
use crate::meta::event::Source;

/// Time to live of a cache entry. It is short against `accounts.last_seen`, which is exact to the
/// hour; a row that a commit skipped is written once the entry expires.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of cached accounts. A full cache is emptied.
const REMEMBERED: usize = 20_000;

/// Capacity in accounts that an emptied batch keeps.
const KEPT: usize = 1_024;

/// Accounts of a batch, each with its first and last delivery.
#[derive(Debug, Default)]
pub(super) struct Accounts(HashMap<(Arc<str>, ByteString), Seen>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    first: Timestamp,
    last: Timestamp,
    /// True if all deliveries for the account are simulated: `purge --simulated` deletes such
    /// accounts.
    simulated: bool,
}

impl Accounts {
    /// Adds the accounts of a delivery if its object is `instagram`: the ids under other objects
    /// are pages or users. Skips the Test button's account `0`.
    pub(super) fn push(&mut self, delivery: &Delivery) {
        if !matches!(delivery.object.as_deref(), None | Some("instagram")) {
            return;
        }
        let ids = delivery
            .events
            .iter()
            .filter_map(|event| event.account_id.as_ref());
        let seen = Seen {
            first: delivery.envelope.received_at,
            last: delivery.envelope.received_at,
            simulated: delivery.source == Source::Simulated,
        };
        let mut before = None;
        for id in ids.filter(|id| *id != "0") {
            // Most deliveries have items of a single account.
            if before != Some(id) {
                self.see((Arc::clone(&delivery.envelope.app), id.clone()), seen);
            }
            before = Some(id);
        }
    }

    fn see(&mut self, account: (Arc<str>, ByteString), seen: Seen) {
        match self.0.entry(account) {
            Entry::Vacant(place) => {
                place.insert(seen);
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.first = known.first.min(seen.first);
                known.last = known.last.max(seen.last);
                known.simulated &= seen.simulated;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
        self.0.shrink_to(KEPT);
    }
}

/// Cache of the accounts that a session stored, each with its `last_seen` at that time.
#[derive(Debug, Default)]
pub(super) struct Noted {
    apps: HashMap<Arc<str>, HashMap<String, Timestamp>>,
    count: usize,
}

impl Noted {
    /// Binds the accounts that are not in the cache or whose entry has expired.
    pub(super) fn bind_others(
        &self,
        accounts: &Accounts,
        arguments: &mut PgArguments,
    ) -> Result<(), BoxDynError> {
        let mut apps = Column::<Text>::default();
        let mut ids = Column::<Text>::default();
        let mut firsts = Column::<Timestamptz>::default();
        let mut lasts = Column::<Timestamptz>::default();
        for ((app, id), seen) in &accounts.0 {
            if !self.knows(app, id, seen.last) {
                apps.push(&**app);
                ids.push(&**id);
                firsts.push(seen.first);
                lasts.push(seen.last);
            }
        }
        arguments.add(&apps)?;
        arguments.add(&ids)?;
        arguments.add(&firsts)?;
        arguments.add(&lasts)
    }

    fn knows(&self, app: &str, id: &str, at: Timestamp) -> bool {
        let noted = self.apps.get(app).and_then(|accounts| accounts.get(id));
        noted.is_some_and(|noted| at.duration_since(*noted) <= REMEMBERED_FOR)
    }

    /// Caches `accounts` after their commit.
    pub(super) fn note(&mut self, accounts: &Accounts) {
        for ((app, id), seen) in &accounts.0 {
            if !seen.simulated && !self.knows(app, id, seen.last) {
                self.remember(app, id, seen.last);
            }
        }
    }

    fn remember(&mut self, app: &Arc<str>, id: &str, at: Timestamp) {
        if self.count >= REMEMBERED {
            *self = Self::default();
        }
        let accounts = self.apps.entry(Arc::clone(app)).or_default();
        let is_new = accounts.insert(id.to_owned(), at).is_none();
        self.count += usize::from(is_new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(at: Timestamp, simulated: bool) -> Seen {
        Seen {
            first: at,
            last: at,
            simulated,
        }
    }

    fn seen(at: Timestamp, simulated: bool) -> Accounts {
        let mut accounts = Accounts::default();
        accounts.see(("shop".into(), "17841".into()), one(at, simulated));
        accounts
    }

    #[test]
    fn an_account_is_known_for_a_while() {
        let (start, mut noted) = (Timestamp::UNIX_EPOCH, Noted::default());
        assert!(!noted.knows("shop", "17841", start));
        noted.note(&seen(start, false));
        assert!(noted.knows("shop", "17841", start + REMEMBERED_FOR));
        assert!(
            noted.knows("shop", "17841", start - REMEMBERED_FOR),
            "it came late"
        );
        assert!(!noted.knows(
            "shop",
            "17841",
            start + REMEMBERED_FOR + SignedDuration::from_secs(1)
        ));
        assert!(!noted.knows("shop", "17842", start));
        assert!(!noted.knows("other", "17841", start));
    }

    #[test]
    fn one_that_only_simulation_speaks_for_is_not_remembered() {
        let (start, mut noted) = (Timestamp::UNIX_EPOCH, Noted::default());
        noted.note(&seen(start, true));
        assert!(!noted.knows("shop", "17841", start));
        let mut both = seen(start, true);
        both.see(("shop".into(), "17841".into()), one(start, false));
        noted.note(&both);
        assert!(noted.knows("shop", "17841", start));
    }

    #[test]
    fn too_many_are_forgotten() {
        let (start, mut noted) = (Timestamp::UNIX_EPOCH, Noted::default());
        let app = "shop".into();
        for id in 0..=REMEMBERED {
            noted.remember(&app, &id.to_string(), start);
        }
        assert_eq!(noted.count, 1);
        assert!(noted.knows("shop", &REMEMBERED.to_string(), start));
    }
}
