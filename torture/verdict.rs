//! The verdict: compares acked deliveries with the stored data, and with the events that a follower
//! read. Pure functions.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use uuid::Uuid;

use crate::ledger::{Digest, Ledger};

/// Maximum number of keys listed in an error.
const NAMED: usize = 5;

/// Content of the database.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Position and dedupe key of each event.
    pub(crate) events: Vec<(i64, Uuid)>,
    /// Id of each delivery and SHA-256 of its body.
    pub(crate) deliveries: Vec<(Uuid, Digest)>,
    /// Number of deliveries whose events and repeats do not match their items, and of events
    /// without a delivery.
    pub(crate) torn: i64,
    /// Events that a follower read from position zero, in order.
    pub(crate) followed: Vec<(i64, Uuid)>,
    /// Count of `events stats`.
    pub(crate) counted: i64,
}

/// Errors found; all fields are empty if there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acked events that are not stored.
    pub(crate) missing: Vec<Uuid>,
    /// Events stored more than once.
    pub(crate) doubled: Vec<Uuid>,
    /// Stored events of wrongly signed deliveries.
    pub(crate) forged: Vec<Uuid>,
    /// Deliveries stored more than once.
    pub(crate) deliveries_doubled: Vec<Uuid>,
    /// Acked deliveries whose body is not stored as it was sent.
    pub(crate) bodies_missing: u64,
    /// Number of deliveries stored without some of their items, and of events without a delivery.
    pub(crate) torn: i64,
    /// Events that a follower did not read exactly once and in order.
    pub(crate) not_followed: u64,
    /// Difference between stored and counted events.
    pub(crate) miscounted: i64,
    /// Other errors, as text.
    pub(crate) other: Vec<String>,
}

impl Verdict {
    /// True if there is no error.
    pub(crate) fn is_good(&self) -> bool {
        *self == Self::default()
    }

    /// True if an acked event is lost.
    pub(crate) fn shows_loss(&self) -> bool {
        !self.missing.is_empty()
    }
}

/// Compares the stored data with the ledger.
pub(crate) fn judge(ledger: &Ledger, stored: &Stored) -> Verdict {
    let mut keys: HashMap<Uuid, u32> = HashMap::with_capacity(stored.events.len());
    for (_, key) in &stored.events {
        *keys.entry(*key).or_default() += 1;
    }
    let is_there = |key: &&Uuid| keys.contains_key(key);
    let missing = ledger.acked.iter().filter(|key| !is_there(key));
    // An event without an id may be sent twice, once correctly signed.
    let forged = ledger.forged.difference(&ledger.acked).filter(is_there);
    let doubled = keys.iter().filter(|(_, count)| **count > 1);
    let count = i64::try_from(stored.events.len()).unwrap_or(i64::MAX);
    Verdict {
        missing: missing.copied().collect(),
        doubled: doubled.map(|(key, _)| *key).collect(),
        forged: forged.copied().collect(),
        deliveries_doubled: twice(&stored.deliveries),
        bodies_missing: bodies_missing(ledger, &stored.deliveries),
        torn: stored.torn,
        not_followed: not_followed(stored),
        miscounted: stored.counted - count,
        other: Vec::new(),
    }
}

/// Number of stored events that are neither acked nor forged. This is correct if the answer to a
/// delivery was lost and the delivery was never sent again.
pub(crate) fn unknown(ledger: &Ledger, stored: &Stored) -> u64 {
    let known = |key: &Uuid| ledger.acked.contains(key) || ledger.forged.contains(key);
    let keys = stored.events.iter().map(|it| it.1);
    keys.filter(|key| !known(key)).count() as u64
}

fn twice(deliveries: &[(Uuid, Digest)]) -> Vec<Uuid> {
    let mut seen = HashSet::with_capacity(deliveries.len());
    let ids = deliveries.iter().map(|it| it.0);
    ids.filter(|id| !seen.insert(*id)).collect()
}

fn bodies_missing(ledger: &Ledger, deliveries: &[(Uuid, Digest)]) -> u64 {
    let mut there: HashMap<Digest, u32> = HashMap::with_capacity(deliveries.len());
    for (_, body) in deliveries {
        *there.entry(*body).or_default() += 1;
    }
    let lacks = |(body, count): (&Digest, &u32)| {
        u64::from(count.saturating_sub(there.get(body).copied().unwrap_or(0)))
    };
    ledger.bodies.iter().map(lacks).sum()
}

/// Number of events that a follower did not read exactly once and in order.
fn not_followed(stored: &Stored) -> u64 {
    let table: HashSet<_> = stored.events.iter().collect();
    let read: HashSet<_> = stored.followed.iter().collect();
    let out_of_order = stored
        .followed
        .windows(2)
        .filter(|two| two[0].0 >= two[1].0);
    (table.symmetric_difference(&read).count() + out_of_order.count()) as u64
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut faults = Vec::new();
        let lists = [
            ("events acked and not stored", &self.missing),
            ("events stored twice", &self.doubled),
            ("events forged and stored", &self.forged),
            ("deliveries stored twice", &self.deliveries_doubled),
        ];
        for (what, keys) in lists {
            if !keys.is_empty() {
                let some: Vec<_> = keys.iter().take(NAMED).map(Uuid::to_string).collect();
                faults.push(format!(
                    "{what}: {}, such as {}",
                    keys.len(),
                    some.join(" ")
                ));
            }
        }
        let counts = [
            (
                "acked and the body not stored as it was sent",
                self.bodies_missing.cast_signed(),
            ),
            (
                "deliveries not stored with all their items, or events without theirs",
                self.torn,
            ),
            (
                "not followed as they are stored",
                self.not_followed.cast_signed(),
            ),
            (
                "counted too many by events stats, or too few",
                self.miscounted,
            ),
        ];
        let wrong = counts.iter().filter(|(_, count)| *count != 0);
        faults.extend(wrong.map(|(what, count)| format!("{what}: {count}")));
        faults.extend(self.other.iter().cloned());
        if faults.is_empty() {
            f.write_str("nothing missing, nothing twice, nothing forged")
        } else {
            f.write_str(&faults.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    /// Three events that are acked and stored, and one that is forged and not stored.
    fn good() -> (Ledger, Stored) {
        let events: Vec<_> = (1..4)
            .map(|n| (10 * n, key(u128::try_from(n).unwrap())))
            .collect();
        let ledger = Ledger {
            acked: events.iter().map(|it| it.1).collect(),
            forged: HashSet::from([key(9)]),
            deliveries: 2,
            bodies: HashMap::from([([1; 32], 1), ([2; 32], 1)]),
        };
        let stored = Stored {
            followed: events.clone(),
            events,
            deliveries: vec![(key(70), [1; 32]), (key(71), [2; 32])],
            torn: 0,
            counted: 3,
        };
        (ledger, stored)
    }

    fn said(change: impl FnOnce(&mut Ledger, &mut Stored)) -> Verdict {
        let (mut ledger, mut stored) = good();
        change(&mut ledger, &mut stored);
        judge(&ledger, &stored)
    }

    #[test]
    fn what_is_as_it_has_to_be_is_good() {
        assert!(said(|_, _| {}).is_good());
        // The event was stored, but its ack was lost.
        assert!(said(|ledger, _| assert!(ledger.acked.remove(&key(2)))).is_good());
        // The same event, once correctly and once wrongly signed.
        assert!(said(|ledger, _| assert!(ledger.forged.insert(key(3)))).is_good());
    }

    #[test]
    fn a_missing_one_is_a_loss() {
        let verdict = said(|_, stored| {
            stored.events.pop();
            stored.followed.pop();
            stored.counted -= 1;
        });
        assert_eq!(verdict.missing, [key(3)]);
        assert!(verdict.shows_loss() && verdict.to_string().contains("acked and not stored: 1"));
    }

    #[test]
    fn a_double_one_is_found_in_events_and_deliveries() {
        let verdict = said(|_, stored| {
            stored.events.push((40, key(1)));
            stored.followed.push((40, key(1)));
            stored.deliveries.push((key(70), [1; 32]));
            stored.counted += 1;
        });
        assert_eq!(
            (
                verdict.doubled.as_slice(),
                verdict.deliveries_doubled.as_slice()
            ),
            ([key(1)].as_slice(), [key(70)].as_slice())
        );
        assert!(!verdict.is_good() && !verdict.shows_loss());
    }

    #[test]
    fn a_forged_one_is_found() {
        let verdict = said(|ledger, _| {
            ledger.acked.remove(&key(2));
            ledger.forged.insert(key(2));
        });
        assert_eq!(verdict.forged, [key(2)]);
    }

    #[test]
    fn a_repeat_that_was_acked_is_missing_though_its_events_are_there() {
        assert_eq!(
            said(|_, stored| stored.deliveries.truncate(1)).bodies_missing,
            1
        );
        assert_eq!(
            said(|_, stored| stored.deliveries[0].1 = [3; 32]).bodies_missing,
            1
        );
        // Equal bodies are separate deliveries.
        let twice = said(|ledger, _| ledger.bodies.extend([([1; 32], 2)]));
        assert_eq!(twice.bodies_missing, 1);
        assert!(!twice.is_good() && twice.to_string().contains("as it was sent: 1"));
        assert!(!said(|_, stored| stored.torn = 1).is_good());
    }

    #[test]
    fn an_event_that_nobody_sent_is_unknown() {
        let (mut ledger, mut stored) = good();
        assert_eq!(unknown(&ledger, &stored), 0);
        stored.events.push((40, key(9)));
        assert_eq!(unknown(&ledger, &stored), 0, "it is forged");
        stored.events.push((50, key(60)));
        ledger.acked.remove(&key(1));
        assert_eq!(unknown(&ledger, &stored), 2);
    }

    #[test]
    fn a_follower_has_to_read_each_once_and_in_order() {
        assert_eq!(
            said(|_, stored| stored.followed.truncate(2)).not_followed,
            1
        );
        assert_eq!(said(|_, stored| stored.followed.swap(0, 1)).not_followed, 1);
        assert_eq!(
            said(|_, stored| stored.followed.push((30, key(3)))).not_followed,
            1
        );
        assert_eq!(said(|_, stored| stored.counted = 5).miscounted, 2);
    }
}
