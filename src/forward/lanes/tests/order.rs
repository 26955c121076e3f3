//! Order: which item goes out when.

use super::*;

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
    offer(&mut lanes, 3, "1", "a");
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
    offer(&mut lanes, 4, "1", "a");
    assert_eq!(lease(&mut lanes, 9, now), []);
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [4]);
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
