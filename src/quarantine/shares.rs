//! Shares of the quarantine's disk space, decided without disk access.
//!
//! First come, first served, within quotas: Meta resends the latest deliveries for a while, and
//! keeps no copy of the earlier ones. One half of the space is for Meta's own networks, with an
//! equal quota for each app; other senders cannot use it. The other half is for all other networks,
//! and one network may use a quarter of it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ipnet::IpNet;

use super::Name;

/// Number of quotas in the half for other networks. One network may use one quota.
const PARTS: u64 = 4;

/// Reason why a delivery is not quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuotaError {
    /// The same delivery is already quarantined.
    Repeated,
    /// The delivery is larger than a quota.
    TooLarge,
    /// The quota of the app or network is used up.
    QuotaUsed,
    /// The half for this sender is full.
    Full,
}

/// Owner of a quota.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum QuotaOwner {
    App(Arc<str>),
    Network(IpNet),
}

/// Quarantined files, and the disk space that they use.
#[derive(Debug)]
pub(super) struct Shares {
    metas: Half,
    everybodys: Half,
    /// Cost of each file.
    files: HashMap<Name, u64>,
    prints: HashSet<[u8; 8]>,
}

/// Half of the space, with its quota.
#[derive(Debug)]
struct Half {
    limit: u64,
    quota: u64,
    used: u64,
    files: u64,
    /// Bytes used by each owner.
    owners: HashMap<QuotaOwner, u64>,
}

impl Shares {
    /// Empty shares of `limit` bytes among `apps`.
    pub(super) fn of(limit: u64, apps: u64) -> Self {
        let half = limit / 2;
        Self {
            metas: Half::new(half, half / apps.max(1)),
            everybodys: Half::new(half, half / PARTS),
            files: HashMap::new(),
            prints: HashSet::new(),
        }
    }

    /// Counts the new file `name` of size `cost`, within the quotas.
    pub(super) fn admit(&mut self, name: &Name, cost: u64) -> Result<(), QuotaError> {
        let quota = self.half(name).quota;
        self.enter(name, cost, quota)
    }

    /// Counts an existing file. Quotas do not apply, since they may have shrunk, such as after a
    /// restart with one more app.
    pub(super) fn adopt(&mut self, name: &Name, cost: u64) -> Result<(), QuotaError> {
        self.enter(name, cost, u64::MAX)
    }

    fn enter(&mut self, name: &Name, cost: u64, quota: u64) -> Result<(), QuotaError> {
        if self.prints.contains(&name.print()) {
            return Err(QuotaError::Repeated);
        }
        self.half(name).enter(quota_owner(name), cost, quota)?;
        self.prints.insert(name.print());
        self.files.insert(name.clone(), cost);
        Ok(())
    }

    /// Removes a deleted file from the counts.
    pub(super) fn forget(&mut self, name: &Name) {
        if let Some(cost) = self.files.remove(name) {
            self.prints.remove(&name.print());
            self.half(name).give_back(quota_owner(name), cost);
        }
    }

    /// Disk space of a file, if it is known.
    pub(super) fn cost(&self, name: &Name) -> Option<u64> {
        self.files.get(name).copied()
    }

    /// Files and bytes from Meta's networks, and from others.
    pub(super) fn taken(&self) -> [(u64, u64); 2] {
        [&self.metas, &self.everybodys].map(|half| (half.files, half.used))
    }

    fn half(&mut self, name: &Name) -> &mut Half {
        if name.is_from_meta() {
            &mut self.metas
        } else {
            &mut self.everybodys
        }
    }
}

impl Half {
    fn new(limit: u64, quota: u64) -> Self {
        Self {
            limit,
            quota,
            used: 0,
            files: 0,
            owners: HashMap::new(),
        }
    }

    fn enter(&mut self, owner: QuotaOwner, cost: u64, quota: u64) -> Result<(), QuotaError> {
        let has = self.owners.get(&owner).copied().unwrap_or_default();
        if cost > quota {
            return Err(QuotaError::TooLarge);
        }
        if self.used + cost > self.limit {
            return Err(QuotaError::Full);
        }
        if has + cost > quota {
            return Err(QuotaError::QuotaUsed);
        }
        self.owners.insert(owner, has + cost);
        self.used += cost;
        self.files += 1;
        Ok(())
    }

    fn give_back(&mut self, owner: QuotaOwner, cost: u64) {
        self.used -= cost;
        self.files -= 1;
        let has = self.owners.remove(&owner).unwrap_or_default();
        if has > cost {
            self.owners.insert(owner, has - cost);
        }
    }
}

fn quota_owner(name: &Name) -> QuotaOwner {
    if name.is_from_meta() {
        QuotaOwner::App(Arc::clone(name.app()))
    } else {
        QuotaOwner::Network(name.network())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quarantine::tests::{name, name_for};

    const META: &str = "173.252.95.16";

    /// Shares with room for sixteen files in each half: eight for each of two apps, four for one
    /// network.
    fn shares() -> Shares {
        Shares::of(32, 2)
    }

    fn admit(shares: &mut Shares, number: u32, address: &str) -> Result<(), QuotaError> {
        shares.admit(&name(number, address), 1)
    }

    #[test]
    fn a_flood_from_elsewhere_takes_nothing_of_metas_half() {
        let mut shares = shares();
        for number in 0..8 {
            assert_eq!(admit(&mut shares, number, META), Ok(()));
        }
        for number in 100..10_000 {
            let address = std::net::Ipv4Addr::from(number << 8).to_string();
            let _ = admit(&mut shares, number, &address);
        }
        assert_eq!(shares.taken(), [(8, 8), (16, 16)]);
        assert!((0..8).all(|number| shares.cost(&name(number, META)).is_some()));
    }

    #[test]
    fn one_network_gets_its_quota_and_leaves_room_for_another() {
        let mut shares = shares();
        let flood = (0..100).map(|number| admit(&mut shares, number, "198.51.100.7"));
        let results: Vec<_> = flood.collect();
        assert_eq!(results[..4], [Ok(()); 4]);
        assert_eq!(results[4..], [Err(QuotaError::QuotaUsed); 96]);
        assert_eq!(admit(&mut shares, 200, "203.0.113.7"), Ok(()));
    }

    #[test]
    fn one_app_gets_its_quota_and_leaves_room_for_another() {
        let mut shares = shares();
        let mut fill = |app, numbers: std::ops::Range<u32>| {
            let admitted = numbers.map(|it| shares.admit(&name_for(app, it, META), 1));
            admitted.collect::<Vec<_>>()
        };
        let stale = fill("stale", 0..9);
        assert_eq!(stale[..8], [Ok(()); 8]);
        assert_eq!(stale[8], Err(QuotaError::QuotaUsed));
        assert_eq!(fill("shop", 20..28), [Ok(()); 8]);
        assert_eq!(fill("third", 40..41), [Err(QuotaError::Full)]);
    }

    #[test]
    fn the_only_app_gets_all_of_metas_half() {
        let mut shares = Shares::of(32, 1);
        let admitted = (0..17).map(|number| admit(&mut shares, number, META));
        let admitted: Vec<_> = admitted.collect();
        assert_eq!(admitted[..16], [Ok(()); 16]);
        assert_eq!(admitted[16], Err(QuotaError::Full));
    }

    #[test]
    fn what_is_there_stays_when_a_quota_gets_smaller_and_goes_when_the_room_does() {
        let mut shares = shares();
        let adopted = (0..17).map(|number| shares.adopt(&name(number, META), 1));
        let adopted: Vec<_> = adopted.collect();
        assert_eq!(adopted[..16], [Ok(()); 16]);
        assert_eq!(adopted[16], Err(QuotaError::Full));
    }

    #[test]
    fn what_came_first_stays() {
        let mut shares = shares();
        for number in 0..100 {
            let _ = admit(&mut shares, number, &format!("198.51.{}.7", number % 5));
        }
        assert_eq!(shares.taken()[1], (16, 16));
        let address = |number: u32| format!("198.51.{}.7", number % 5);
        assert!((0..16).all(|it| shares.cost(&name(it, &address(it))).is_some()));
    }

    #[test]
    fn the_same_again_is_held_once_and_again_when_it_is_gone() {
        let mut shares = shares();
        assert_eq!(admit(&mut shares, 1, META), Ok(()));
        assert_eq!(admit(&mut shares, 1, META), Err(QuotaError::Repeated));
        shares.forget(&name(1, META));
        assert_eq!(shares.taken(), [(0, 0), (0, 0)]);
        assert_eq!(admit(&mut shares, 1, META), Ok(()));
    }

    #[test]
    fn what_is_too_large_is_refused_and_takes_nothing() {
        let mut shares = shares();
        let large = name(1, "198.51.100.7");
        assert_eq!(shares.admit(&large, 5), Err(QuotaError::TooLarge));
        assert_eq!(shares.admit(&name(1, META), 9), Err(QuotaError::TooLarge));
        for number in 2..6 {
            assert_eq!(admit(&mut shares, number, "198.51.100.7"), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn no_order_of_arrivals_takes_more_than_there_is(
            arrivals: Vec<(u8, u8, bool)>, limit in 1_u64..200, apps in 0_u64..4,
        ) {
            let mut shares = Shares::of(limit, apps);
            let mut sum = 0;
            for (number, (network, cost, leaves)) in (0..).zip(arrivals) {
                let address = if network < 50 { META.to_owned() } else { format!("198.51.{network}.7") };
                let (name, cost) = (name(number, &address), u64::from(cost % 16) + 1);
                if shares.admit(&name, cost).is_ok() {
                    prop_assert_eq!(shares.cost(&name), Some(cost));
                    if leaves {
                        shares.forget(&name);
                    } else {
                        sum += 1;
                    }
                }
                let [(metas, of_meta), (others, of_others)] = shares.taken();
                prop_assert!(of_meta <= limit / 2 && of_others <= limit / 2);
                prop_assert_eq!(usize::try_from(metas + others).unwrap(), sum);
                prop_assert_eq!((shares.prints.len(), shares.files.len()), (sum, sum));
            }
        }
    }
}
