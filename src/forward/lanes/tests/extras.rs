//! Tests of extras: retried dead letters and replays.

use super::{
    super::{MOST_LANES, MOST_REPLAYED, MOST_RETRIES, extras::Ended},
    *,
};

/// Lanes of a log with these persons' events, all of them settled, at a time with these extras.
fn settled(persons: &str, extras: &[i64]) -> (Lanes, Instant) {
    let (mut lanes, now) = (lanes(persons), Instant::now());
    while let Some(lease) = lease(&mut lanes, 1, now).pop() {
        lanes.ack(&lease.token);
        save(&mut lanes);
    }
    let persons: Vec<_> = persons.split_whitespace().collect();
    for position in extras {
        let person = persons[usize::try_from(*position).unwrap() - 1];
        assert!(lanes.offer_extra(item(*position, person), Origin::Retry));
    }
    (lanes, now)
}

#[test]
fn a_retried_letter_goes_out_again() {
    let (mut lanes, now) = settled("ann bob", &[1]);
    let [lease] = &lease(&mut lanes, 9, now)[..] else {
        panic!("one lease expected");
    };
    assert_eq!((lease.token.position, lease.token.attempt), (1, 1));
    assert_eq!(lease.origin, Some(Origin::Retry));
    assert!(lease.redelivered);
    assert_eq!(lanes.ack(&lease.token), Answer::Acked);
    assert_eq!(lanes.ack(&lease.token), Answer::Already);
    let saved = save(&mut lanes);
    assert_eq!(saved.position, 2);
    let ended: Vec<_> = saved.ended.iter().map(|it| it.position).collect();
    assert_eq!((ended, saved.counts.settled), (vec![1], 3));
    assert_eq!(lanes.ack(&lease.token), Answer::Already);
    assert!(save(&mut lanes).ended.is_empty());
}

#[test]
fn a_live_item_of_the_lane_goes_first() {
    let (mut lanes, now) = settled("ann bob", &[1]);
    offer(&mut lanes, 3, "1", "ann");
    let live = lease(&mut lanes, 9, now);
    assert_eq!(positions(&live), [3]);
    lanes.nack(&live[0].token, Some(SECOND), code(), now);
    assert!(lease(&mut lanes, 9, now).is_empty());
    let live = lease(&mut lanes, 9, now + SECOND);
    lanes.ack(&live[0].token);
    assert!(lease(&mut lanes, 9, now + SECOND).is_empty());
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 9, now + SECOND)), [1]);
}

#[test]
fn a_live_item_waits_for_the_extra_of_its_lane_that_is_out() {
    let (mut lanes, now) = settled("ann bob", &[1]);
    let extra = lease(&mut lanes, 1, now);
    offer(&mut lanes, 3, "1", "ann");
    offer(&mut lanes, 4, "1", "bob");
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [4]);
    lanes.ack(&extra[0].token);
    assert!(lease(&mut lanes, 9, now).is_empty());
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
}

#[test]
fn a_failed_extra_lets_the_live_items_of_its_lane_pass() {
    let (mut lanes, now) = settled("ann", &[1]);
    let extra = lease(&mut lanes, 1, now);
    offer(&mut lanes, 2, "1", "ann");
    let answer = lanes.nack(&extra[0].token, None, code(), now);
    assert_eq!(answer, Answer::Waiting);
    let saved = save(&mut lanes);
    assert!(saved.waiting.is_empty() && saved.removed.is_empty());
    let live = lease(&mut lanes, 9, now + SECOND);
    assert_eq!(positions(&live), [2]);
    lanes.ack(&live[0].token);
    save(&mut lanes);
    let again = lease(&mut lanes, 9, now + SECOND);
    assert_eq!(again[0].token.attempt, 2);
}

#[test]
fn an_extra_becomes_a_dead_letter_after_its_last_attempt() {
    let (mut lanes, mut now) = settled("ann", &[1]);
    for attempt in 1..=5 {
        let extra = lease(&mut lanes, 1, now);
        assert_eq!(extra[0].token.attempt, attempt);
        lanes.nack(&extra[0].token, Some(SECOND), code(), now);
        now += SECOND;
    }
    let saved = save(&mut lanes);
    let [letter] = &saved.dead[..] else {
        panic!("one dead letter expected");
    };
    assert_eq!((letter.item.position, letter.attempts), (1, 5));
    assert_eq!(saved.ended[0].outcome, Ended::Dead);
    assert!(lease(&mut lanes, 9, now).is_empty());
}

#[test]
fn an_extra_goes_out_though_live_items_are_always_ready() {
    let (mut lanes, now) = settled("ann", &[1]);
    let mut handed_out = Vec::new();
    for position in 2..=20 {
        offer(&mut lanes, position, "1", &format!("person {position}"));
        let out = lease(&mut lanes, 1, now);
        handed_out.extend(positions(&out));
        for lease in out {
            lanes.ack(&lease.token);
        }
        save(&mut lanes);
    }
    let at = handed_out.iter().position(|it| *it == 1).unwrap();
    assert!((1..=8).contains(&at), "{handed_out:?}");
}

#[test]
fn extras_are_few_and_each_event_is_one_once() {
    let (mut lanes, now) = settled("ann", &[1]);
    lanes.play(Some(7));
    assert!(!lanes.offer_extra(item(1, "ann"), Origin::Retry));
    let count = (2..3_000).filter(|it| lanes.offer_extra(item(*it, "bob"), Origin::Replay(7)));
    assert_eq!(count.count(), MOST_REPLAYED);
    assert_eq!(lanes.replay_room(), 0);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [1, 2]);
    let replayed = save(&mut lanes).replayed;
    assert_eq!((replayed.len(), replayed[0]), (MOST_REPLAYED, (7, 2)));
    let retries = (4_000..5_000).filter(|it| lanes.offer_extra(item(*it, "carl"), Origin::Retry));
    assert_eq!(retries.count(), MOST_RETRIES - 1);
}

#[test]
fn a_lane_of_a_replay_that_waits_leaves_room_for_the_others() {
    let (mut lanes, now) = settled("ann", &[]);
    lanes.play(Some(7));
    assert_eq!(lanes.replay_room(), MOST_LANES);
    for position in 2..=500 {
        assert!(lanes.offer_extra(item(position, "bob"), Origin::Replay(7)));
    }
    let first = lease(&mut lanes, 9, now);
    assert_eq!(positions(&first), [2]);
    lanes.nack(&first[0].token, Some(SECOND * 60), code(), now);
    let others = (501..1_000).filter(|it| {
        let person = format!("person {it}");
        lanes.offer_extra(item(*it, &person), Origin::Replay(7))
    });
    assert_eq!(others.count(), MOST_LANES - 1);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [501]);
}

#[test]
fn heads_that_extras_hold_take_no_place_from_other_lanes() {
    let (mut lanes, now) = settled("ann bob", &[1, 2]);
    lanes.limits.max_in_flight = 3;
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [1, 2]);
    offer(&mut lanes, 3, "1", "ann");
    offer(&mut lanes, 4, "1", "bob");
    offer(&mut lanes, 5, "1", "carl");
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [5]);
}

#[test]
fn a_head_that_a_crash_held_back_waits_for_the_extra_of_its_lane() {
    let (before, now) = settled("ann", &[1]);
    let limits = before.limits.clone();
    let mut lanes = Lanes::restore(stored(2, vec![head(2, "ann")]), limits, now);
    assert!(lanes.restore_extra(item(1, "ann"), Origin::Retry, None, now));
    let later = now + LEASE;
    lanes.expire(later);
    let extra = lease(&mut lanes, 9, later);
    assert_eq!(extra.len(), 1, "{extra:?}");
}

#[test]
fn a_restart_holds_extras_back_for_the_workers_that_may_have_them() {
    let (mut lanes, now) = settled("ann bob", &[1, 2]);
    let leases = lease(&mut lanes, 9, now);
    let limits = lanes.limits.clone();
    let mut lanes = Lanes::restore(stored(2, Vec::new()), limits, now);
    for (position, person) in [(1, "ann"), (2, "bob")] {
        assert!(lanes.restore_extra(item(position, person), Origin::Retry, None, now));
    }
    offer(&mut lanes, 3, "1", "bob");
    assert!(lease(&mut lanes, 9, now).is_empty());
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    save(&mut lanes);
    assert_eq!(lanes.next_due(now), Some(now + LEASE));
    assert_eq!(positions(&lease(&mut lanes, 9, now + LEASE)), [3]);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Unknown);
}

#[test]
fn after_an_orderly_end_only_extras_that_are_out_are_held_back() {
    let (mut before, now) = settled("ann bob", &[1, 2]);
    let leases = lease(&mut before, 1, now);
    offer(&mut before, 3, "1", "ann");
    offer(&mut before, 4, "1", "carl");
    before.pass(4);
    assert_eq!(positions(&lease(&mut before, 1, now)), [4]);
    assert_eq!(save(&mut before).heads, [3, 4]);
    let left = before.leases(now);
    let ended = Stored {
        leases: left.clone(),
        ..stored(4, vec![head(3, "ann"), head(4, "carl")])
    };
    let mut lanes = Lanes::restore(ended, before.limits.clone(), now);
    for (position, person) in [(1, "ann"), (2, "bob")] {
        let item = item(position, person);
        assert!(lanes.restore_extra(item, Origin::Retry, left.as_ref(), now));
    }
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2]);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
}

#[test]
fn a_worker_gives_its_extras_back() {
    let (mut lanes, now) = settled("ann bob", &[1]);
    lanes.play(Some(7));
    assert!(lanes.offer_extra(item(2, "bob"), Origin::Replay(7)));
    assert_eq!(lease(&mut lanes, 9, now).len(), 2);
    assert_eq!(lanes.workers().values().sum::<usize>(), 2);
    assert_eq!((lanes.in_flight(), lanes.release("w1", now)), (2, 2));
    // A retried letter was handed out before, so that a failed attempt is counted.
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2]);
    assert_eq!(lanes.in_flight(), 1);
}
