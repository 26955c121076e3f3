//! Status: what an operator is shown.

use super::*;

#[test]
fn lanes_that_wait_are_listed_in_the_order_of_their_heads() {
    let (mut lanes, now) = (lanes("a b c d"), Instant::now());
    let leases = lease(&mut lanes, 4, now);
    for (at, delay) in [(2, 1), (0, 9), (1, 1)] {
        lanes.nack(&leases[at].token, Some(SECOND * delay), code(), now);
    }
    let again = lease(&mut lanes, 9, now + SECOND);
    let second = again.iter().find(|it| it.token.position == 2).unwrap();
    lanes.give_back(&second.token, Some(SECOND * 30), now + SECOND);
    let waiting = lanes.waiting_lanes();
    let shown: Vec<_> = waiting
        .map(|WaitingLane { head, is_out }| {
            assert_eq!((head.attempts, head.code), (1, code()));
            let due = (head.due_at - now).as_secs();
            (head.item.position, due, is_out)
        })
        .collect();
    assert_eq!(shown, [(1, 9, false), (2, 31, false), (3, 1, true)]);
}

#[test]
fn workers_are_shown_with_what_they_have() {
    let (mut lanes, now) = (lanes("a b c"), Instant::now());
    lanes.lease(2, LEASE, &Arc::from("w2"), now);
    let leases = lease(&mut lanes, 1, now);
    let expected = [("w1".into(), 1), ("w2".into(), 2)];
    assert_eq!(lanes.workers(), expected.into());
    lanes.ack(&leases[0].token);
    assert_eq!(lanes.workers(), [("w2".into(), 2)].into());
    let lanes = Lanes::restore(stored(1, vec![head(1, "a")]), limits(), now);
    assert!(lanes.workers().is_empty());
}

#[test]
fn the_oldest_unsettled_item_may_wait_or_be_ready() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let received_at = item(1, "a").received_at;
    assert_eq!(lanes.oldest(), Some((1, received_at)));
    let leases = lease(&mut lanes, 2, now);
    lanes.nack(&leases[0].token, None, code(), now);
    assert_eq!(lanes.oldest(), Some((1, received_at)));
    lanes.ack(&leases[0].token);
    assert_eq!(lanes.oldest(), Some((2, received_at)));
    lanes.ack(&leases[1].token);
    assert_eq!(lanes.oldest(), None);
}
