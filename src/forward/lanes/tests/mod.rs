//! Tests of lanes: single rules by subject, random histories against a model in `properties`.

mod backlogs;
mod extras;
mod failures;
mod leases;
mod lookups;
mod order;
mod places;
mod properties;
mod replays;
mod restart;
mod saves;
mod status;
mod world;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    AccountKey, Answer, BacklogWish, Code, Counts, Item, Lane, LaneIds, LaneKey, Lanes, Lease,
    Limits, MOST_LATER, Origin, Reason, Saved, SkipReason, Stored, Waiting, WaitingLane, Wish,
};

const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_mins(1);

pub(super) fn limits() -> Limits {
    Limits {
        window: 100,
        ahead: 100,
        max_in_flight: 10,
        max_blocked: 100,
        max_attempts: 5,
        backoff: SECOND..=SECOND * 900,
        lease: LEASE,
        seed: 1_000,
    }
}

/// An item of a person of account 1.
fn item(position: i64, person: &str) -> Item {
    item_of(position, "1", person)
}

fn item_of(position: i64, account: &str, person: &str) -> Item {
    Item {
        position,
        received_at: "2026-11-29T10:00:00Z".parse().unwrap(),
        lane: LaneKey::of_person("shop", account, person),
        account: AccountKey::of("shop", account),
    }
}

fn ids_of(account: &str, person: &str) -> LaneIds {
    LaneIds::new("shop", Some(account), Some(person))
}

fn offer(lanes: &mut Lanes, position: i64, account: &str, person: &str) {
    let item = item_of(position, account, person);
    lanes.offer(item, || ids_of(account, person));
}

/// Head of a person of account 1, as saved.
fn head(position: i64, person: &str) -> (Item, LaneIds) {
    (item(position, person), ids_of("1", person))
}

/// Lanes of a log with these persons' events at 1, 2, 3….
fn lanes(persons: &str) -> Lanes {
    lanes_within(limits(), persons)
}

fn lanes_within(limits: Limits, persons: &str) -> Lanes {
    let mut lanes = Lanes::new(0, 1, limits);
    for (position, person) in (1..).zip(persons.split_whitespace()) {
        offer(&mut lanes, position, "1", person);
    }
    lanes
}

fn lease(lanes: &mut Lanes, max: usize, now: Instant) -> Vec<Lease> {
    lanes.lease(max, LEASE, &Arc::from("w1"), now)
}

/// Saves, and confirms it.
fn save(lanes: &mut Lanes) -> Saved {
    let saved = lanes.save();
    lanes.saved(saved.number);
    saved
}

/// A database without waiting lanes, at the second takeover.
fn stored(position: i64, heads: Vec<(Item, LaneIds)>) -> Stored {
    Stored {
        generation: 2,
        position,
        drawn: position,
        counts: Counts::default(),
        heads,
        backlogs: Vec::new(),
        waiting: Vec::new(),
        leases: None,
    }
}

fn positions(leases: &[Lease]) -> Vec<i64> {
    leases.iter().map(|lease| lease.token.position).collect()
}

fn code() -> Code {
    Code::new("graph_429").unwrap()
}
