//! Places: what waiting lanes leave to the others.

use super::*;

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
        offer(&mut lanes, position, "1", "a");
    }
    assert!(lanes.has_room());
}

#[test]
fn reading_waits_while_enough_heads_are_ready() {
    let within = Limits {
        ahead: 2,
        ..limits()
    };
    let (mut lanes, now) = (lanes_within(within, "a b"), Instant::now());
    assert!(!lanes.has_room());
    lease(&mut lanes, 1, now);
    assert!(lanes.has_room(), "one of them is out");
}

#[test]
fn after_a_crash_reading_waits_for_no_hand_out_until_all_that_may_be_out_is_read() {
    let within = Limits {
        ahead: 2,
        ..limits()
    };
    let crashed = Stored {
        drawn: 5,
        ..stored(0, vec![])
    };
    let mut lanes = Lanes::restore(crashed, within, Instant::now());
    for position in 1..=5 {
        assert!(lanes.has_room());
        offer(&mut lanes, position, "1", &position.to_string());
    }
    assert!(!lanes.has_room());
}

#[test]
fn one_account_leaves_places_for_the_others() {
    let within = Limits {
        max_blocked: 4,
        ..limits()
    };
    let (mut lanes, now) = (Lanes::new(0, 1, within), Instant::now());
    for position in 1..=5 {
        offer(&mut lanes, position, "1", &position.to_string());
    }
    offer(&mut lanes, 6, "2", "6");
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
    assert!(lanes.skip(2, SkipReason::Gone));
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
}
