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
        settled: 5,
        ..Counts::default()
    };
    assert_eq!((saved.counts, lanes.save().counts), (settled, settled));
}

#[test]
fn an_event_that_is_gone_is_settled_without_a_worker() {
    let (mut lanes, now) = (lanes("a b a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert!(lanes.skip(1, SkipReason::Gone));
    assert!(!lanes.skip(1, SkipReason::Gone));
    assert_eq!(lanes.ack(&leases[0].token), Answer::Already);
    assert_eq!(save(&mut lanes).counts.gone, 1);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2, 3]);
}

#[test]
fn a_dead_letter_keeps_its_row_until_the_next_item_is_known() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    save(&mut lanes);
    assert_eq!(lanes.dead(&leases[0].token, code(), now), Answer::Dead);
    assert!(!lanes.is_unsaved());
    let saved = save(&mut lanes);
    assert_eq!((saved.dead, saved.removed), (vec![], vec![]));
    assert_eq!(saved.counts.dead, 0);
    let wish = lanes.wanted().remove(0);
    lanes.found(&wish, &[]);
    assert!(lanes.is_unsaved());
    let saved = save(&mut lanes);
    assert_eq!((saved.dead.len(), saved.removed), (1, vec![1]));
    assert_eq!(saved.counts.dead, 1);
}

#[test]
fn a_head_whose_next_item_is_unknown_is_saved_as_unsettled() {
    let (mut lanes, now) = (lanes("a a a a a"), Instant::now());
    for position in 1..=4 {
        let leases = lease(&mut lanes, 1, now);
        assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
        assert_eq!(leases[0].token.position, position);
        if position < 4 {
            save(&mut lanes);
        }
    }
    let saved = save(&mut lanes);
    assert_eq!((saved.heads, saved.counts.settled), (vec![4], 3));
    let wish = lanes.wanted().remove(0);
    lanes.found(&wish, &[item(5, "a")]);
    let saved = save(&mut lanes);
    assert_eq!((saved.heads, saved.counts.settled), (vec![5], 4));
}

#[test]
fn items_are_counted_by_what_became_of_them() {
    use SkipReason::{Filtered, Gone, Repeated, TooOld};
    let before = Counts {
        settled: 7,
        ..Counts::default()
    };
    let stored = Stored {
        counts: before,
        ..stored(0, vec![])
    };
    let mut lanes = Lanes::restore(stored, limits(), Instant::now());
    assert!(!lanes.is_unsaved());
    for (position, reason) in (1..).zip([Gone, TooOld, TooOld, Repeated, Filtered]) {
        offer(&mut lanes, position, "1", &position.to_string());
        assert!(lanes.skip(position, reason));
    }
    let counts = Counts {
        gone: 1,
        too_old: 2,
        repeated: 1,
        filtered: 1,
        ..before
    };
    assert_eq!((lanes.save().counts, lanes.save().counts), (counts, counts));
}

#[test]
fn items_that_are_too_old_are_skipped_as_they_are_read() {
    let mut lanes = Lanes::new(0, 1, limits());
    for position in 1..=1_000 {
        offer(&mut lanes, position, "1", "a");
        assert!(lanes.skip(position, SkipReason::TooOld));
    }
    assert_eq!(lanes.wanted(), []);
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.counts.too_old), (1_000, 1_000));
    assert!(saved.heads.is_empty() && lanes.by_key.is_empty());
}

#[test]
fn items_that_are_too_old_are_skipped_as_they_are_found() {
    let (mut lanes, now) = (lanes("a a a a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    assert!(lanes.skip(1, SkipReason::TooOld));
    for first in [2, 5] {
        let wish = lanes.wanted().remove(0);
        let items: Vec<_> = (first..=5).map(|at| item(at, "a")).collect();
        lanes.found(&wish, &items);
        for item in items.iter().take(MOST_LATER) {
            assert!(lanes.skip(item.position, SkipReason::TooOld));
        }
    }
    let saved = save(&mut lanes);
    assert_eq!((saved.heads, saved.counts.too_old), (vec![], 5));
}
