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
    let mut lookups = 0;
    for position in 1..=1_000 {
        let leases = lease(&mut lanes, 2, now);
        assert_eq!(leases[0].token.position, position);
        for wish in lanes.wanted() {
            assert_eq!(wish.through, 100_000);
            let next = (wish.after + 1..).map(|at| item(at, "a"));
            lanes.found(&wish, &next.take(MOST_LATER).collect::<Vec<_>>());
            lookups += 1;
        }
        assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
        save(&mut lanes);
    }
    assert_eq!(lookups, 1_000 / MOST_LATER);
}

#[test]
fn a_lane_without_further_items_goes_away_after_its_lookup() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    let again = lease(&mut lanes, 1, now + SECOND);
    assert_eq!(lanes.wanted(), []);
    lanes.ack(&again[0].token);
    assert!(lanes.save().heads.is_empty());
    let wish = lanes.wanted().remove(0);
    offer(&mut lanes, 3, "1", "a");
    lanes.found(&wish, &[]);
    let wish = lanes.wanted().remove(0);
    assert_eq!((wish.after, wish.through), (2, 3));
    lanes.found(&wish, &[]);
    assert_eq!(lanes.wanted(), []);
    assert!(!lanes.by_key.is_empty());
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (3, vec![]));
    assert!(lanes.by_key.is_empty());
}

#[test]
fn a_lookup_finds_several_items_up_to_the_last_one_read() {
    let (mut lanes, now) = (lanes("a a a a a a a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    lanes.ack(&leases[0].token);
    let wish = lanes.wanted().remove(0);
    let all: Vec<_> = (1..=10).map(|at| item(at, "a")).collect();
    lanes.found(&wish, &all);
    assert_eq!(
        (wish.after, wish.through, lanes.index.items),
        (1, 8, MOST_LATER)
    );
    for position in 2..=8 {
        save(&mut lanes);
        let leases = lease(&mut lanes, 1, now);
        assert_eq!(positions(&leases), [position]);
        lanes.ack(&leases[0].token);
        for wish in lanes.wanted() {
            lanes.found(&wish, &all);
        }
    }
    save(&mut lanes);
    assert!(lanes.by_key.is_empty());
}

#[test]
fn a_lane_of_one_item_takes_little_memory() {
    let mut lanes = lanes("a b b");
    assert!(size_of::<Lane>() <= 168, "{}", size_of::<Lane>());
    let mut has_ids = |person| {
        let key = LaneKey::of_person("shop", "1", person);
        lanes.change(key, |lane| lane.ids.is_some())
    };
    assert_eq!((has_ids("a"), has_ids("b")), (Some(false), Some(true)));
}

#[test]
fn a_lookup_may_look_at_a_part_of_the_lane() {
    let (mut lanes, now) = (lanes("a a a a a a a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    lanes.ack(&leases[0].token);
    for (part, items, after) in [(3, vec![], 3), (6, vec![item(5, "a")], 6)] {
        assert!(lanes.is_settling());
        let wish = lanes.wanted().remove(0);
        let part = Wish {
            through: part,
            ..wish
        };
        lanes.found(&part, &items);
        save(&mut lanes);
        lease(&mut lanes, 1, now);
        assert_eq!(lanes.wanted()[0].after, after);
    }
    assert!(!lanes.is_settling());
}
