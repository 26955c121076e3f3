//! Places of lanes that wait or are out, shared among accounts.

use std::collections::HashMap;

use super::item::AccountKey;

/// Number of lanes of each account.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally(HashMap<AccountKey, usize>);

impl Tally {
    /// Number of lanes of the account.
    pub(super) fn of(&self, account: AccountKey) -> usize {
        self.0.get(&account).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, account: AccountKey) {
        *self.0.entry(account).or_default() += 1;
    }

    pub(super) fn remove(&mut self, account: AccountKey) {
        let left = self.of(account).saturating_sub(1);
        if left > 0 {
            self.0.insert(account, left);
        } else {
            self.0.remove(&account);
        }
    }
}

/// Places for lanes that wait or are out.
///
/// A lane takes its place before its head goes out, so that a failed head can always wait. An
/// account may take a place as long as it has fewer than are free: alone it gets one half, and the
/// other half is left for the others, whatever fails.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    limit: usize,
    taken: usize,
    accounts: Tally,
}

impl Places {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Number of places that are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// True if the account may take another place.
    pub(super) fn has_room(&self, account: AccountKey) -> bool {
        self.room(account) > 0
    }

    /// Places that the account may take, if no other account takes one.
    pub(super) fn room(&self, account: AccountKey) -> usize {
        let free = self.limit.saturating_sub(self.taken);
        free.saturating_sub(self.accounts.of(account)).div_ceil(2)
    }

    pub(super) fn take(&mut self, account: AccountKey) {
        self.accounts.add(account);
        self.taken += 1;
    }

    pub(super) fn give_back(&mut self, account: AccountKey) {
        self.accounts.remove(account);
        self.taken = self.taken.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes places for the account until it gets no more; returns their number.
    fn fill(places: &mut Places, account: AccountKey) -> usize {
        let mut taken = 0;
        let room = places.room(account);
        while places.has_room(account) {
            places.take(account);
            taken += 1;
        }
        assert_eq!(taken, room);
        taken
    }

    #[test]
    fn each_account_leaves_places_to_the_next() {
        let accounts = ["1", "2", "3"].map(|id| AccountKey::of("shop", id));
        let mut places = Places::new(100);
        let taken = accounts.map(|account| fill(&mut places, account));
        assert_eq!(taken, [50, 25, 13]);
        places.give_back(accounts[0]);
        assert_eq!(fill(&mut places, accounts[0]), 0);
        assert_eq!(places.taken(), 87);
    }

    #[test]
    fn one_place_is_enough_for_one_lane() {
        let mut places = Places::new(1);
        assert_eq!(fill(&mut places, AccountKey::of("shop", "1")), 1);
        assert_eq!(fill(&mut Places::new(0), AccountKey::of("shop", "1")), 0);
    }
}
