//! Who gets how much of the room, decided without looking at a disk.
//!
//! Half of it is for Meta's own networks, so that nobody else can take it. The other half is for
//! everybody, a quarter of it at most for one network. Where a half is full, what came first stays:
//! Meta sends again for a while what came last, and keeps no copy of what came first. But whoever
//! takes most of it gives way to one who has less: an app to another app in Meta's half, a network
//! to another network in the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use ipnet::IpNet;

use super::Name;

/// What one network may take of the half that is for everybody.
const PARTS: u64 = 4;

/// Why a delivery is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// It is held already.
    Repeated,
    /// It is larger than what one may take.
    TooLarge,
    /// Its network has what one may take.
    NetworkFull,
    /// Its half is full, and nobody there has more.
    Full,
}

/// Who shares a half with others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    App(Arc<str>),
    Network(IpNet),
}

/// What is held, by whom it came.
#[derive(Debug)]
pub(super) struct Shares {
    metas: Half,
    everybodys: Half,
    prints: HashSet<[u8; 8]>,
}

/// One half of the room.
#[derive(Debug)]
struct Half {
    limit: u64,
    /// What one party may have of it.
    most: u64,
    used: u64,
    /// How many files that is: asked for with each delivery, so it is not counted each time.
    files: u64,
    parties: BTreeMap<Party, Held>,
    /// The parties by what they have.
    sizes: BTreeSet<(u64, Party)>,
}

/// What is held of one party, in the order of arrival, each with what it takes.
#[derive(Debug, Default)]
struct Held {
    bytes: u64,
    files: BTreeMap<Name, u64>,
}

impl Shares {
    /// Shares of so many bytes, with nothing held.
    pub(super) fn of(limit: u64) -> Self {
        let half = limit / 2;
        Self {
            metas: Half::new(half, half),
            everybodys: Half::new(half, half / PARTS),
            prints: HashSet::new(),
        }
    }

    /// Takes the file `name` in, which takes `cost`; says which others have to go for it.
    pub(super) fn admit(&mut self, name: &Name, cost: u64) -> Result<Vec<Name>, NoRoom> {
        if self.prints.contains(&name.print()) {
            return Err(NoRoom::Repeated);
        }
        let gone = self.half(name).admit(name, cost)?;
        for name in &gone {
            self.prints.remove(&name.print());
        }
        self.prints.insert(name.print());
        Ok(gone)
    }

    /// Forgets a file that is gone.
    pub(super) fn forget(&mut self, name: &Name) {
        if self.half(name).forget(name) {
            self.prints.remove(&name.print());
        }
    }

    /// What a file takes, if it is known.
    pub(super) fn cost(&self, name: &Name) -> Option<u64> {
        let half = if name.is_from_meta() {
            &self.metas
        } else {
            &self.everybodys
        };
        half.parties.get(&party(name))?.files.get(name).copied()
    }

    /// How many are held and what they take: from Meta's networks, and from others.
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
    fn new(limit: u64, most: u64) -> Self {
        Self {
            limit,
            most,
            used: 0,
            files: 0,
            parties: BTreeMap::new(),
            sizes: BTreeSet::new(),
        }
    }

    fn admit(&mut self, name: &Name, cost: u64) -> Result<Vec<Name>, NoRoom> {
        let has = self.parties.get(&party(name)).map_or(0, |held| held.bytes);
        if cost > self.most {
            return Err(NoRoom::TooLarge);
        }
        if has + cost > self.most && self.most < self.limit {
            return Err(NoRoom::NetworkFull);
        }
        let gone = self.make_room(has + cost, cost).ok_or(NoRoom::Full)?;
        for name in &gone {
            self.forget(name);
        }
        self.change(name, |held| {
            held.bytes += cost;
            held.files.insert(name.clone(), cost);
        });
        self.used += cost;
        self.files += 1;
        Ok(gone)
    }

    /// The newest files of whoever has most, as many as `cost` needs; none where they would then
    /// have less than one who will have `has`.
    fn make_room(&self, has: u64, cost: u64) -> Option<Vec<Name>> {
        let mut lacking = (self.used + cost).saturating_sub(self.limit);
        let mut gone = Vec::new();
        if lacking == 0 {
            return Some(gone);
        }
        let (mut left, largest) = self.sizes.last()?.clone();
        for (name, cost) in self.parties.get(&largest)?.files.iter().rev() {
            gone.push(name.clone());
            left = left.saturating_sub(*cost);
            lacking = lacking.saturating_sub(*cost);
            if left < has {
                return None;
            }
            if lacking == 0 {
                return Some(gone);
            }
        }
        None
    }

    /// Whether it was there.
    fn forget(&mut self, name: &Name) -> bool {
        let mut freed = None;
        self.change(name, |held| {
            freed = held.files.remove(name);
            held.bytes -= freed.unwrap_or(0);
        });
        self.used -= freed.unwrap_or(0);
        self.files -= u64::from(freed.is_some());
        freed.is_some()
    }

    /// Changes what is held of the party of `name`, and keeps the order of sizes.
    fn change(&mut self, name: &Name, change: impl FnOnce(&mut Held)) {
        let party = party(name);
        let mut held = self.parties.remove(&party).unwrap_or_default();
        self.sizes.remove(&(held.bytes, party.clone()));
        change(&mut held);
        if !held.files.is_empty() {
            self.sizes.insert((held.bytes, party.clone()));
            self.parties.insert(party, held);
        }
    }
}

fn party(name: &Name) -> Party {
    if name.is_from_meta() {
        Party::App(Arc::clone(name.app()))
    } else {
        Party::Network(name.network())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::held::tests::{name, name_for};

    const META: &str = "173.252.95.16";

    /// Room for sixteen files in each half, and four of them for one network.
    fn shares() -> Shares {
        Shares::of(32)
    }

    fn admit(shares: &mut Shares, number: u32, address: &str) -> Result<usize, NoRoom> {
        let gone = shares.admit(&name(number, address), 1)?;
        Ok(gone.len())
    }

    #[test]
    fn a_flood_from_elsewhere_takes_nothing_of_metas_half() {
        let mut shares = shares();
        for number in 0..16 {
            assert_eq!(admit(&mut shares, number, META), Ok(0));
        }
        for number in 100..10_000 {
            let address = std::net::Ipv4Addr::from(number << 8).to_string();
            let _ = admit(&mut shares, number, &address);
        }
        assert_eq!(shares.taken(), [(16, 16), (16, 16)]);
        assert!((0..16).all(|number| shares.cost(&name(number, META)).is_some()));
    }

    #[test]
    fn one_network_gets_its_part_and_no_more() {
        let mut shares = shares();
        let flood = (0..100).map(|number| admit(&mut shares, number, "198.51.100.7"));
        let results: Vec<_> = flood.collect();
        assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 4);
        assert_eq!(results[99], Err(NoRoom::NetworkFull));
        assert_eq!(admit(&mut shares, 200, "203.0.113.7"), Ok(0));
    }

    #[test]
    fn who_has_most_gives_way_with_what_came_last() {
        let mut shares = shares();
        for (number, network) in (0..16).zip([1, 2, 3, 4].into_iter().cycle()) {
            let held = admit(&mut shares, number, &format!("198.51.{network}.7"));
            assert_eq!(held, Ok(0));
        }
        assert_eq!(admit(&mut shares, 16, "203.0.113.7"), Ok(1));
        let last = name(15, "198.51.4.7");
        assert_eq!(shares.cost(&last), None, "the newest of the last one");
        for number in 17..30 {
            let _ = admit(&mut shares, number, "203.0.113.7");
        }
        let held = |network: u8| {
            let mine = (0..16).filter(|it| it % 4 == u32::from(network) - 1);
            let address = format!("198.51.{network}.7");
            mine.filter(|it| shares.cost(&name(*it, &address)).is_some())
                .count()
        };
        assert_eq!([1, 2, 3, 4].map(held), [4, 3, 3, 3], "and no further");
    }

    #[test]
    fn an_app_that_is_refused_all_day_leaves_room_for_another() {
        let mut shares = shares();
        for number in 0..16 {
            shares.admit(&name_for("stale", number, META), 1).unwrap();
        }
        assert_eq!(
            shares.admit(&name_for("stale", 16, META), 1),
            Err(NoRoom::Full)
        );
        for number in 20..28 {
            let gone = shares.admit(&name_for("shop", number, META), 1).unwrap();
            assert_eq!(&**gone[0].app(), "stale");
        }
        assert_eq!(
            shares.admit(&name_for("shop", 28, META), 1),
            Err(NoRoom::Full)
        );
    }

    #[test]
    fn the_same_again_is_held_once_and_again_when_it_is_gone() {
        let mut shares = shares();
        assert_eq!(admit(&mut shares, 1, META), Ok(0));
        assert_eq!(admit(&mut shares, 1, META), Err(NoRoom::Repeated));
        shares.forget(&name(1, META));
        assert_eq!(shares.taken(), [(0, 0), (0, 0)]);
        assert_eq!(admit(&mut shares, 1, META), Ok(0));
    }

    #[test]
    fn what_is_too_large_is_refused_and_moves_nobody() {
        let mut shares = shares();
        let large = name(1, "198.51.100.7");
        assert_eq!(shares.admit(&large, 5), Err(NoRoom::TooLarge));
        assert_eq!(shares.admit(&name(1, META), 17), Err(NoRoom::TooLarge));
        for number in 2..6 {
            assert_eq!(admit(&mut shares, number, "198.51.100.7"), Ok(0));
        }
    }

    proptest! {
        #[test]
        fn no_order_of_arrivals_takes_more_than_there_is(
            arrivals: Vec<(u8, u8, bool)>, limit in 1_u64..200,
        ) {
            let mut shares = Shares::of(limit);
            let mut sum = 0;
            for (number, (network, cost, leaves)) in (0..).zip(arrivals) {
                let address = if network < 50 { META.to_owned() } else { format!("198.51.{network}.7") };
                let (name, cost) = (name(number, &address), u64::from(cost % 16) + 1);
                if let Ok(gone) = shares.admit(&name, cost) {
                    sum += 1;
                    sum -= gone.len();
                    prop_assert_eq!(shares.cost(&name), Some(cost));
                    if leaves {
                        shares.forget(&name);
                        sum -= 1;
                    }
                }
                let [(metas, of_meta), (others, of_others)] = shares.taken();
                prop_assert!(of_meta <= limit / 2 && of_others <= limit / 2);
                prop_assert_eq!(usize::try_from(metas + others).unwrap(), sum);
                prop_assert_eq!(shares.prints.len(), sum);
            }
        }
    }
}
