//! Backlogs: events of an account that were passed over, because too many of its lanes wait.
//!
//! An account without a place keeps some heads in memory: they are parked. Beyond that number, none
//! of its events is kept. From then on the account has a position of its own in the log: all its
//! events after it are unread, also those of lanes in memory, so that each lane keeps its order.
//! They are read by account, a few at a time, once the account has a place again and few heads.

use std::collections::{BTreeMap, btree_map::Entry};

use jiff::Timestamp;

use super::{AccountKey, Item, LaneIds, Lanes, Token};
use crate::store::consumers::Backlog;

/// Maximum number of events of a backlog that answer a [`BacklogWish`], and of heads of an account
/// with which its backlog is read.
pub const MOST_PASSED: usize = 64;

/// Account whose next events have to be looked up in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BacklogWish {
    /// Key of the account.
    pub account: AccountKey,
    /// Ids of the account.
    pub ids: LaneIds,
    /// Position after which the events lie.
    pub after: i64,
    /// Last position at which they may lie.
    pub through: i64,
    /// Maximum number of events.
    pub most: usize,
}

/// Events of one account that were passed over.
#[derive(Debug)]
struct Passed {
    ids: LaneIds,
    after: i64,
    last: i64,
    /// Time of receipt of the first event, as far as known.
    received_at: Timestamp,
}

/// Backlogs of all accounts.
#[derive(Debug, Default)]
pub(super) struct Backlogs {
    by_account: BTreeMap<AccountKey, Passed>,
    /// True if an account was read on since the last save.
    is_unsaved: bool,
}

impl Lanes {
    /// Position up to which the events of the account are read.
    pub(super) fn read_of(&self, account: AccountKey) -> i64 {
        let backlog = self.backlogs.by_account.get(&account);
        backlog.map_or(self.read, |it| it.after)
    }

    /// Passes over an item that was read, if its account has a backlog, or keeps too many heads and
    /// has no place for the lane. An event without an account is kept: no index finds it.
    pub(super) fn pass_over(&mut self, item: &Item, ids: impl FnOnce() -> LaneIds) -> bool {
        match self.backlogs.by_account.entry(item.account) {
            Entry::Occupied(mut backlog) => {
                let last = &mut backlog.get_mut().last;
                *last = item.position.max(*last);
                return true;
            }
            Entry::Vacant(_) if self.by_key.contains_key(&item.lane) => return false,
            Entry::Vacant(_) if !self.index.is_full(item.account, self.limits.window) => {
                return false;
            }
            Entry::Vacant(backlog) => {
                let ids = ids();
                if ids.account().is_none() {
                    return false;
                }
                backlog.insert(Passed {
                    ids: ids.of_account(),
                    after: item.position - 1,
                    last: item.position,
                    received_at: item.received_at,
                });
            }
        }
        true
    }

    /// Accounts whose next events have to be looked up. The events go to
    /// [`offer_passed`](Self::offer_passed), and their end to [`passed`](Self::passed).
    pub fn wanted_backlogs(&self) -> Vec<BacklogWish> {
        // Heads of backlogs, of all accounts, are few too.
        let ahead = self.limits.ahead.min(self.limits.window / 2).max(1);
        if self.index.late.len() >= ahead {
            return Vec::new();
        }
        let few = (self.limits.max_in_flight / 4).clamp(1, MOST_PASSED);
        let most = |account| MOST_PASSED.min(self.index.places.room(account));
        let is_wanted = |(account, passed): &(&AccountKey, &Passed)| {
            passed.after < self.read && self.index.untried.of(**account) < few.min(most(**account))
        };
        let backlogs = self.backlogs.by_account.iter();
        let wish = |(account, backlog): (&AccountKey, &Passed)| BacklogWish {
            account: *account,
            ids: backlog.ids.clone(),
            after: backlog.after,
            // After a restart the last event may not be read yet.
            through: backlog.last.min(self.read),
            most: most(*account),
        };
        backlogs.filter(is_wanted).map(wish).collect()
    }

    /// Takes the next item of a backlog. The items of an account come in ascending order; those that
    /// are read are ignored.
    pub fn offer_passed(&mut self, item: Item, ids: impl FnOnce() -> LaneIds) {
        if let Some(backlog) = self.backlogs.by_account.get_mut(&item.account)
            && item.position > backlog.after
        {
            backlog.after = item.position;
            backlog.received_at = item.received_at;
            self.backlogs.is_unsaved = true;
            self.add(item, ids, true);
        }
    }

    /// Records that all items within the limits of `wish` were offered. A caller that looked at a part
    /// only lowers `through` in the wish to its end; the rest is wanted again.
    pub fn passed(&mut self, wish: &BacklogWish) {
        let Entry::Occupied(mut entry) = self.backlogs.by_account.entry(wish.account) else {
            return;
        };
        let backlog = entry.get_mut();
        backlog.after = backlog.after.max(wish.through);
        if backlog.after >= backlog.last {
            entry.remove();
        }
        self.backlogs.is_unsaved = true;
    }

    /// True if an earlier process may have handed the item out, although it is in a backlog.
    pub(super) fn may_be_passed(&self, token: &Token) -> bool {
        let mut backlogs = self.backlogs.by_account.values();
        let has = |it: &Passed| (it.after + 1..=it.last).contains(&token.position);
        token.generation() != self.number >> 32 && token.position <= self.drawn && backlogs.any(has)
    }

    /// True if an earlier process may have handed out an event of the account that is in its backlog
    /// again: it may still be out.
    pub(super) fn may_hide(&self, account: AccountKey) -> bool {
        let backlog = self.backlogs.by_account.get(&account);
        backlog.is_some_and(|it| it.after < self.drawn)
    }

    /// Number of accounts with a backlog.
    pub fn backlogs(&self) -> usize {
        self.backlogs.by_account.len()
    }
}

impl Backlogs {
    /// Backlogs of an earlier owner.
    pub(super) fn restore(stored: Vec<(Backlog, Item, LaneIds)>) -> Self {
        let backlog = |(saved, item, ids): (Backlog, Item, LaneIds)| {
            let passed = Passed {
                ids: ids.of_account(),
                after: saved.after,
                last: saved.last,
                received_at: item.received_at,
            };
            (item.account, passed)
        };
        Self {
            by_account: stored.into_iter().map(backlog).collect(),
            is_unsaved: false,
        }
    }

    /// Backlogs of a save with this position: events after it are read again anyhow.
    pub(super) fn save(&mut self, position: i64) -> Vec<Backlog> {
        self.is_unsaved = false;
        let backlogs = self.by_account.values();
        let saved = backlogs.map(|backlog| Backlog {
            after: backlog.after,
            last: backlog.last,
        });
        saved.filter(|saved| saved.after < position).collect()
    }

    pub(super) fn is_unsaved(&self) -> bool {
        self.is_unsaved
    }

    /// Position and time of receipt of the first event, as far as known.
    pub(super) fn oldest(&self) -> Option<(i64, Timestamp)> {
        let backlogs = self.by_account.values();
        let first = |backlog: &Passed| (backlog.after + 1, backlog.received_at);
        backlogs.map(first).min()
    }
}
