//! Leases: which settlement counts.

use super::*;

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
fn items_that_were_sent_together_are_settled_together() {
    let (mut lanes, now) = (lanes("a b a a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!(leases[0].through, 5);
    assert_eq!(lanes.ack_through(&leases[0].token, 4), Answer::Acked);
    assert_eq!(lanes.ack_through(&leases[0].token, 4), Answer::Already);
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (4, vec![2]));
    assert_eq!(saved.counts.settled, 3);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2, 5]);
}

#[test]
fn items_that_are_not_in_memory_are_not_settled_with_others() {
    let (mut lanes, now) = (lanes("a a a a a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!(leases[0].through, 4);
    lanes.ack_through(&leases[0].token, 6);
    assert_eq!(save(&mut lanes).heads, [1]);
    let wish = lanes.wanted().remove(0);
    assert_eq!(wish.after, 4);
    lanes.found(&wish, &[item(5, "a"), item(6, "a")]);
    let saved = save(&mut lanes);
    assert_eq!((saved.heads, saved.counts.settled), (vec![5], 4));
    let second = lease(&mut lanes, 1, now);
    lanes.nack(&second[0].token, None, code(), now);
    let again = lease(&mut lanes, 1, now + SECOND);
    assert_eq!((again[0].token.position, again[0].through), (5, 5));
}
