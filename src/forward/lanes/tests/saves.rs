//! Saves: position, heads and counts.

use super::*;

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
