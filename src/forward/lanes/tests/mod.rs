//! Tests of lanes: single rules here, random histories against a model in `properties`.

mod properties;
mod world;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    AccountKey, Answer, Code, Counts, Item, LaneKey, Lanes, Lease, Limits, Reason, Saved, Stored,
    Waiting, behind::MOST_LATER,
};

const SECOND: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_mins(1);

pub(super) fn limits() -> Limits {
    Limits {
        window: 100,
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

/// Lanes of a log with these persons' events at 1, 2, 3….
fn lanes(persons: &str) -> Lanes {
    lanes_within(limits(), persons)
}

fn lanes_within(limits: Limits, persons: &str) -> Lanes {
    let mut lanes = Lanes::new(0, 1, limits);
    for (position, person) in (1..).zip(persons.split_whitespace()) {
        lanes.offer(item(position, person));
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
fn stored(position: i64, heads: Vec<Item>) -> Stored {
    Stored {
        generation: 2,
        position,
        drawn: position,
        heads,
        waiting: Vec::new(),
    }
}

fn positions(leases: &[Lease]) -> Vec<i64> {
    leases.iter().map(|lease| lease.token.position).collect()
}

fn code() -> Code {
    Code::new("graph_429").unwrap()
}

#[test]
fn one_item_of_a_lane_is_out_at_a_time_and_in_order() {
    let (mut lanes, now) = (lanes("a b a a"), Instant::now());
    let first = lease(&mut lanes, 10, now);
    assert_eq!(positions(&first), [1, 2]);
    assert!(
        first
            .iter()
            .all(|it| !it.redelivered && it.token.attempt == 1)
    );
    assert_eq!(lanes.ack(&first[0].token), Answer::Acked);
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 10, now)), [3]);
    assert_eq!(lease(&mut lanes, 10, now), []);
    assert_eq!(lanes.in_flight(), 2);
}

#[test]
fn an_item_goes_out_once_the_settlement_of_the_one_before_it_is_saved() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let first = lease(&mut lanes, 9, now);
    lanes.ack(&first[0].token);
    assert_eq!(lease(&mut lanes, 9, now), []);
    let saved = lanes.save();
    lanes.offer(item(3, "a"));
    assert_eq!(lease(&mut lanes, 9, now), []);
    lanes.saved(saved.number);
    let second = lease(&mut lanes, 9, now);
    assert_eq!(positions(&second), [2]);
    lanes.dead(&second[0].token, code(), now);
    lanes.saved(saved.number);
    assert_eq!(lease(&mut lanes, 9, now), []);
    save(&mut lanes);
    let third = lease(&mut lanes, 9, now);
    assert_eq!(positions(&third), [3]);
    lanes.ack(&third[0].token);
    lanes.offer(item(4, "a"));
    assert_eq!(lease(&mut lanes, 9, now), []);
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [4]);
}

#[test]
fn a_failed_head_makes_only_its_lane_wait() {
    let (mut lanes, now) = (lanes("a b a b"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    let answer = lanes.nack(&leases[0].token, None, code(), now);
    assert_eq!((answer, lanes.waiting()), (Answer::Waiting, 1));
    let other = lease(&mut lanes, 10, now);
    assert_eq!(positions(&other), [2]);
    assert_eq!(lanes.next_due(now), Some(now + SECOND));
    let again = lease(&mut lanes, 10, now + SECOND);
    assert_eq!(positions(&again), [1]);
    assert!(again[0].redelivered && again[0].token.attempt == 2);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
}

#[test]
fn a_lease_that_ends_counts_an_attempt() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    lease(&mut lanes, 1, now);
    assert_eq!(lanes.next_due(now), Some(now + LEASE));
    lanes.expire(now + LEASE);
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.attempts, row.code), (1, Code::EXPIRED));
    assert_eq!(row.due_at, now + LEASE + SECOND);
}

#[test]
fn after_the_last_attempt_the_head_is_a_dead_letter_and_the_lane_moves_on() {
    let (mut lanes, mut now) = (lanes("a a"), Instant::now());
    for attempt in 1..=5 {
        let leases = lease(&mut lanes, 1, now);
        assert_eq!(leases[0].token.attempt, attempt);
        let delay = Some(SECOND * 30);
        let answer = lanes.nack(&leases[0].token, delay, code(), now);
        assert_eq!(answer == Answer::Dead, attempt == 5);
        now += SECOND * 30;
    }
    let wish = lanes.wanted()[0];
    assert_eq!((wish.head, wish.after, wish.through), (1, 1, 2));
    lanes.found(&wish, Some(item(2, "a")));
    assert_eq!(lease(&mut lanes, 1, now), []);
    let saved = save(&mut lanes);
    assert_eq!((saved.removed, saved.heads), (vec![1], vec![]));
    let dead = &saved.dead[0];
    assert_eq!((dead.item.position, dead.attempts), (1, 5));
    assert_eq!(dead.reason, Reason::Attempts);
    assert_eq!(dead.last_at - dead.first_at, SECOND * 120);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
}

#[test]
fn a_worker_can_give_up_an_item() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!(lanes.dead(&leases[0].token, code(), now), Answer::Dead);
    assert_eq!(lanes.dead(&leases[0].token, code(), now), Answer::Already);
    let saved = lanes.save();
    assert_eq!(saved.dead[0].reason, Reason::Worker);
    assert_eq!(saved.dead[0].attempts, 1);
    assert_eq!(saved.counts.dead, 1);
}

#[test]
fn an_ack_after_the_lease_counts_unless_another_worker_has_the_item() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    let late = now + LEASE;
    lanes.expire(late);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    let again = lease(&mut lanes, 2, late + SECOND);
    assert_eq!(positions(&again), [2]);
    assert_eq!(lanes.ack(&leases[1].token), Answer::Lost);
    assert_eq!(lanes.extend(&leases[1].token, LEASE, late), Answer::Lost);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
    assert_eq!(lanes.ack(&leases[1].token), Answer::Already);
}

#[test]
fn a_repeated_settlement_changes_nothing() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Already);
    for _ in 0..9 {
        let answer = lanes.nack(&leases[1].token, None, code(), now);
        assert_eq!(answer, Answer::Waiting);
    }
    let saved = lanes.save();
    assert_eq!(saved.waiting[0].attempts, 1);
    assert_eq!(saved.counts.settled, 1);
}

#[test]
fn a_token_of_no_lease_is_unknown() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    let mut token = leases[0].token;
    token.position = 7;
    token.lane = LaneKey::of_person("shop", "1", "c");
    assert_eq!(lanes.ack(&token), Answer::Unknown);
    token = leases[0].token;
    token.number += 1;
    assert_eq!(lanes.ack(&token), Answer::Lost);
}

#[test]
fn a_token_settles_its_item_in_whatever_lane_it_is_now() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    let mut token = leases[0].token;
    token.lane = LaneKey::of_account("shop", "1");
    assert_eq!(lanes.ack(&token), Answer::Acked);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Already);
}

#[test]
fn an_extended_lease_ends_later_and_never_earlier() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    let token = leases[0].token;
    assert_eq!(lanes.extend(&token, LEASE * 2, now), Answer::Extended);
    assert_eq!(lanes.extend(&token, SECOND, now), Answer::Extended);
    assert_eq!(lanes.next_due(now), Some(now + LEASE * 2));
    lanes.expire(now + LEASE * 2);
    assert_eq!(lanes.extend(&token, LEASE, now), Answer::Waiting);
}

#[test]
fn a_released_item_is_ready_at_once_but_only_the_first_time() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    lease(&mut lanes, 1, now);
    assert_eq!(lanes.release("w2", now), 0);
    assert_eq!(lanes.release("w1", now), 1);
    let again = lease(&mut lanes, 1, now);
    assert_eq!(positions(&again), [1]);
    assert!(again[0].redelivered && again[0].token.attempt == 1);
    assert_eq!(lanes.release("w1", now), 1);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.item.position, row.code), (1, Code::RELEASED));
}

#[test]
fn after_a_restart_heads_are_held_back_for_their_workers() {
    let (mut lanes, now) = (lanes("a b c"), Instant::now());
    let leases = lease(&mut lanes, 3, now);
    let saved = lanes.save();
    assert_eq!((saved.position, &saved.heads[..]), (3, &[1, 2, 3][..]));
    let heads = vec![item(1, "a"), item(2, "b"), item(3, "c")];
    let mut lanes = Lanes::restore(stored(3, heads), limits(), now);
    assert_eq!(lease(&mut lanes, 3, now), []);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    let again = lease(&mut lanes, 3, now + LEASE);
    assert_eq!(positions(&again), [2, 3]);
    assert!(
        again
            .iter()
            .all(|it| it.redelivered && it.token.attempt == 1)
    );
    assert_eq!(lanes.ack(&leases[1].token), Answer::Lost);
    assert_eq!(lanes.ack(&again[1].token), Answer::Acked);
}

#[test]
fn after_a_restart_a_lane_waits_for_the_rest_of_its_time() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, Some(SECOND * 9), code(), now);
    let saved = lanes.save();
    let stored = Stored {
        waiting: saved.waiting,
        ..stored(2, vec![])
    };
    let restore = |at| Lanes::restore(stored.clone(), limits(), at);
    let mut waits = restore(now);
    assert_eq!(waits.next_due(now), Some(now + SECOND * 9));
    let again = lease(&mut waits, 1, now + SECOND * 9);
    assert_eq!(again[0].token.attempt, 2);
    // Due during the restart, so that it may have been out.
    let later = now + SECOND * 9;
    let mut held = restore(later);
    assert_eq!(lease(&mut held, 1, later), []);
    assert_eq!(held.ack(&leases[0].token), Answer::Lost);
    assert_eq!(held.ack(&again[0].token), Answer::Acked);
}

#[test]
fn an_ack_that_a_restart_forgot_is_not_taken_for_an_ack_of_today() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let first = lease(&mut lanes, 1, now);
    let saved = lanes.save();
    lanes.ack(&first[0].token);
    save(&mut lanes);
    let second = lease(&mut lanes, 1, now);
    // The database comes from a backup.
    let heads = vec![item(1, "a")];
    let mut lanes = Lanes::restore(stored(saved.position, heads), limits(), now);
    assert_eq!(lanes.ack(&second[0].token), Answer::Lost);
    assert_eq!(lanes.ack(&first[0].token), Answer::Acked);
    let wish = lanes.wanted()[0];
    assert!(wish.settled);
    lanes.found(&wish, Some(item(2, "a")));
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
}

#[test]
fn leases_of_an_earlier_takeover_are_told_apart() {
    let (mut before, now) = (lanes("a"), Instant::now());
    let first = lease(&mut before, 1, now);
    let mut lanes = Lanes::restore(stored(1, vec![item(1, "a")]), limits(), now);
    let again = lease(&mut lanes, 1, now + LEASE);
    assert_eq!(positions(&again), [1]);
    assert_eq!(lanes.ack(&first[0].token), Answer::Lost);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
}

#[test]
fn heads_that_are_held_back_keep_no_item_from_going_out() {
    let (mut lanes, now) = (Lanes::new(0, 1, limits()), Instant::now());
    for position in 1..=20 {
        lanes.offer(item(position, &position.to_string()));
    }
    while let Some(lease) = lease(&mut lanes, 1, now).first() {
        lanes.nack(&lease.token, None, code(), now);
    }
    let stored = Stored {
        waiting: lanes.save().waiting,
        ..stored(20, vec![])
    };
    let later = now + SECOND;
    let mut lanes = Lanes::restore(stored, limits(), later);
    lanes.offer(item(21, "21"));
    let leases = lease(&mut lanes, 1, later);
    assert_eq!((positions(&leases), lanes.in_flight()), (vec![21], 1));
}

#[test]
fn items_that_may_have_been_out_before_a_crash_are_redelivered() {
    let (mut before, now) = (lanes("a b"), Instant::now());
    before.save();
    assert!(!before.is_unsaved());
    lease(&mut before, 2, now);
    assert!(before.is_unsaved());
    let drawn = Stored {
        drawn: 2,
        ..stored(0, vec![])
    };
    let mut lanes = Lanes::restore(drawn, limits(), now);
    for (position, person) in [(1, "a"), (2, "b"), (3, "c")] {
        lanes.offer(item(position, person));
    }
    let again = lease(&mut lanes, 3, now);
    let redelivered: Vec<_> = again.iter().map(|it| it.redelivered).collect();
    assert_eq!(redelivered, [true, true, false]);
}

#[test]
fn a_nack_counts_for_an_item_that_was_read_again() {
    let (mut before, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut before, 1, now);
    let mut lanes = Lanes::restore(stored(0, vec![]), limits(), now);
    lanes.offer(item(1, "a"));
    for _ in 0..2 {
        let answer = lanes.nack(&leases[0].token, Some(SECOND * 30), code(), now);
        assert_eq!((answer, lanes.waiting()), (Answer::Waiting, 1));
    }
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.attempts, row.due_at), (1, now + SECOND * 30));
    // Due again, and held back in vain.
    let row = Waiting { due_at: now, ..row };
    let stored = Stored {
        waiting: vec![row],
        ..stored(1, vec![])
    };
    let mut lanes = Lanes::restore(stored, limits(), now);
    lanes.expire(now + LEASE);
    let mut token = leases[0].token;
    token.attempt = 2;
    lanes.nack(&token, None, code(), now + LEASE);
    assert_eq!(lanes.save().waiting[0].attempts, 2);
}

#[test]
fn a_change_is_unsaved_until_the_next_save() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    lanes.save();
    assert!(!lanes.is_unsaved());
    lanes.ack(&leases[0].token);
    assert!(lanes.is_unsaved());
    save(&mut lanes);
    lanes.nack(&leases[1].token, None, code(), now);
    assert!(lanes.is_unsaved());
    save(&mut lanes);
    assert!(!lanes.is_unsaved());
}

#[test]
fn a_long_lane_costs_no_more_than_a_short_one() {
    let (mut lanes, now) = (Lanes::new(0, 1, limits()), Instant::now());
    for position in 1..=100_000 {
        assert!(lanes.has_room());
        lanes.offer(item(position, "a"));
    }
    lanes.offer(item(100_001, "b"));
    assert_eq!(lanes.index.items, MOST_LATER + 2);
    for position in 1..1_000 {
        let leases = lease(&mut lanes, 2, now);
        assert_eq!(leases[0].token.position, position);
        for wish in lanes.wanted() {
            assert_eq!(wish.through, 100_000);
            lanes.found(&wish, Some(item(wish.after + 1, "a")));
        }
        assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
        save(&mut lanes);
    }
}

#[test]
fn a_lane_without_further_items_goes_away_after_its_lookup() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    let again = lease(&mut lanes, 1, now + SECOND);
    assert_eq!(lanes.wanted(), []);
    lanes.ack(&again[0].token);
    assert_eq!(lanes.save().heads, [1]);
    let wish = lanes.wanted()[0];
    lanes.offer(item(3, "a"));
    lanes.found(&wish, None);
    let wish = lanes.wanted()[0];
    assert_eq!((wish.after, wish.through), (2, 3));
    lanes.found(&wish, None);
    assert_eq!(lanes.wanted(), []);
    assert!(!lanes.by_key.is_empty());
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (3, vec![]));
    assert!(lanes.by_key.is_empty());
}

#[test]
fn waiting_lanes_do_not_fill_the_window() {
    let within = Limits {
        window: 3,
        ..limits()
    };
    let (mut lanes, now) = (lanes_within(within, "a b c"), Instant::now());
    assert!(!lanes.has_room());
    for lease in lease(&mut lanes, 3, now) {
        lanes.nack(&lease.token, None, code(), now);
    }
    assert!(lanes.has_room());
    for position in 4..1_000 {
        lanes.offer(item(position, "a"));
    }
    assert!(lanes.has_room());
}

#[test]
fn the_saved_position_stays_before_items_that_were_never_out() {
    let (mut lanes, now) = (lanes("a b c a d"), Instant::now());
    assert_eq!(lanes.save().position, 0);
    let leases = lease(&mut lanes, 2, now);
    let saved = lanes.save();
    assert_eq!((saved.position, saved.heads), (2, vec![1, 2]));
    lanes.ack(&leases[0].token);
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (2, vec![2]));
    lanes.ack(&leases[1].token);
    for lease in lease(&mut lanes, 9, now) {
        lanes.ack(&lease.token);
    }
    lanes.pass(9);
    let saved = lanes.save();
    assert_eq!((saved.position, saved.heads), (9, vec![]));
    let settled = Counts {
        settled: 4,
        ..Counts::default()
    };
    assert_eq!(
        (saved.counts, lanes.save().counts),
        (settled, Counts::default())
    );
}

#[test]
fn an_event_that_is_gone_is_settled_without_a_worker() {
    let (mut lanes, now) = (lanes("a b a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert!(lanes.skip(1));
    assert!(!lanes.skip(1));
    assert_eq!(lanes.ack(&leases[0].token), Answer::Already);
    assert_eq!(save(&mut lanes).counts.skipped, 1);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2, 3]);
}

#[test]
fn one_account_leaves_places_for_the_others() {
    let within = Limits {
        max_blocked: 4,
        ..limits()
    };
    let (mut lanes, now) = (Lanes::new(0, 1, within), Instant::now());
    for position in 1..=5 {
        lanes.offer(item_of(position, "1", &position.to_string()));
    }
    lanes.offer(item_of(6, "2", "6"));
    let leases = lease(&mut lanes, 9, now);
    assert_eq!(positions(&leases), [1, 2, 6]);
    assert!(lanes.is_blocked());
    for lease in &leases {
        lanes.nack(&lease.token, None, code(), now);
    }
    assert_eq!(lease(&mut lanes, 9, now), []);
    assert_eq!(lanes.save().heads, [3, 4, 5]);
    lanes.ack(&leases[0].token);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
    assert_eq!(lanes.waiting(), 2);
}

#[test]
fn a_ready_head_that_is_gone_leaves_its_place_to_the_next() {
    let within = Limits {
        max_blocked: 1,
        ..limits()
    };
    let (mut lanes, now) = (lanes_within(within, "a b c"), Instant::now());
    let leases = lease(&mut lanes, 9, now);
    assert_eq!(positions(&leases), [1]);
    lanes.ack(&leases[0].token);
    assert!(lanes.skip(2));
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
}

#[test]
fn retries_and_new_items_take_turns() {
    let (mut lanes, now) = (lanes("a b c d e f"), Instant::now());
    for lease in lease(&mut lanes, 3, now) {
        lanes.nack(&lease.token, None, code(), now);
    }
    let leases = lease(&mut lanes, 9, now + SECOND);
    let turns: Vec<_> = positions(&leases).iter().map(|it| *it > 3).collect();
    assert_eq!(turns, [false, true, false, true, false, true]);
}

#[test]
fn a_retry_has_its_turn_beside_a_long_lane() {
    let (mut lanes, now) = (lanes("a b b b b c"), Instant::now());
    let leases = lease(&mut lanes, 3, now);
    assert_eq!(positions(&leases), [1, 2, 6]);
    lanes.nack(&leases[0].token, None, code(), now);
    lanes.ack(&leases[1].token);
    lanes.ack(&leases[2].token);
    save(&mut lanes);
    let turns: Vec<_> = (0..2)
        .map(|_| {
            let leases = lease(&mut lanes, 1, now + SECOND);
            lanes.ack(&leases[0].token);
            save(&mut lanes);
            leases[0].token.position
        })
        .collect();
    assert_eq!(turns, [1, 3]);
}
