//! Lookups of the items behind the head of a lane.

use super::*;

#[test]
fn a_long_lane_costs_no_more_than_a_short_one() {
    let (mut lanes, now) = (Lanes::new(0, 1, limits()), Instant::now());
    for position in 1..=100_000 {
        assert!(lanes.has_room());
        offer(&mut lanes, position, "1", "a");
    }
    offer(&mut lanes, 100_001, "1", "b");
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
    let wish = lanes.wanted().remove(0);
    offer(&mut lanes, 3, "1", "a");
    lanes.found(&wish, None);
    let wish = lanes.wanted().remove(0);
    assert_eq!((wish.after, wish.through), (2, 3));
    lanes.found(&wish, None);
    assert_eq!(lanes.wanted(), []);
    assert!(!lanes.by_key.is_empty());
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (3, vec![]));
    assert!(lanes.by_key.is_empty());
}
