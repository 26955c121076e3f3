//! Tests of extras of replays.

use std::collections::BTreeMap;

use super::{super::extras::Ended, *};

/// Lanes with settled events of three persons, in replay 7.
fn replayed(persons: &str) -> (Lanes, Instant) {
    let (mut lanes, now) = (lanes("ann bob cat"), Instant::now());
    for lease in lease(&mut lanes, 9, now) {
        lanes.ack(&lease.token);
    }
    save(&mut lanes);
    lanes.play(Some(7));
    for (position, person) in (1..).zip(persons.split_whitespace()) {
        assert!(lanes.offer_extra(item(position, person), Origin::Replay(7)));
    }
    (lanes, now)
}

#[test]
fn a_paused_replay_keeps_its_events_and_those_that_are_out_may_be_settled() {
    let (mut lanes, now) = replayed("ann bob cat");
    let out = lease(&mut lanes, 2, now);
    lanes.play(None);
    assert!(lease(&mut lanes, 9, now).is_empty());
    assert_eq!(lanes.ack(&out[0].token), Answer::Acked);
    lanes.nack(&out[1].token, Some(SECOND), code(), now);
    let saved = save(&mut lanes);
    assert_eq!(saved.replayed, [(7, 2), (7, 3)]);
    assert!(lease(&mut lanes, 9, now + SECOND).is_empty());
    // A late ack counts, although the event would not go out.
    assert_eq!(lanes.ack(&out[1].token), Answer::Acked);
    assert_eq!(save(&mut lanes).replayed, [(7, 3)]);
    lanes.play(Some(7));
    let rest = lease(&mut lanes, 9, now + SECOND);
    assert_eq!(positions(&rest), [3]);
    assert_eq!(rest[0].origin, Some(Origin::Replay(7)));
}

#[test]
fn a_cancelled_replay_drops_the_events_that_are_not_out() {
    let (mut lanes, now) = replayed("ann bob cat");
    let out = lease(&mut lanes, 1, now);
    lanes.play(None);
    lanes.drop_replay(7);
    assert_eq!(save(&mut lanes).replayed, [(7, 1)]);
    assert_eq!(lanes.ack(&out[0].token), Answer::Acked);
    assert!(lanes.has_extras(7) && !lanes.has_replayed(7));
    assert_eq!(save(&mut lanes).ended.len(), 1);
    assert!(!lanes.has_extras(7));
}

#[test]
fn an_event_of_a_paused_replay_goes_out_for_another_one_or_for_a_retry() {
    let (mut lanes, now) = replayed("ann bob");
    lanes.play(Some(8));
    assert!(lanes.offer_extra(item(1, "ann"), Origin::Replay(8)));
    assert!(lanes.offer_extra(item(2, "bob"), Origin::Retry));
    let out = lease(&mut lanes, 9, now);
    let origins: Vec<_> = out.iter().map(|lease| lease.origin).collect();
    assert_eq!(
        origins,
        [Some(Origin::Replay(8)), Some(Origin::Retry)],
        "each event once"
    );
    let saved = save(&mut lanes);
    assert_eq!(
        (saved.ended.len(), saved.replayed),
        (0, vec![(7, 1), (7, 2), (8, 1)])
    );
    for lease in out {
        assert_eq!(lanes.ack(&lease.token), Answer::Acked);
    }
    let saved = save(&mut lanes);
    let ended: Vec<_> = saved
        .ended
        .iter()
        .map(|it| (it.origin, it.outcome))
        .collect();
    let [first, second] = [Origin::Replay(8), Origin::Retry].map(|it| (it, Ended::Settled));
    let taken = (Origin::Replay(7), Ended::TakenOver);
    assert_eq!(ended, [first, taken, second, taken]);
    assert_eq!(saved.replayed, []);
}

#[test]
fn events_of_a_lane_come_in_order_although_a_paused_replay_has_a_later_one() {
    let (mut lanes, now) = replayed("");
    assert!(lanes.offer_extra(item(3, "dan"), Origin::Replay(7)));
    lanes.play(Some(8));
    for position in [1, 3] {
        assert!(lanes.offer_extra(item(position, "dan"), Origin::Replay(8)));
    }
    for position in [1, 3] {
        let out = lease(&mut lanes, 9, now);
        assert_eq!(positions(&out), [position]);
        lanes.ack(&out[0].token);
        save(&mut lanes);
    }
}

#[test]
fn an_event_of_a_paused_replay_comes_back_from_a_cancelled_one() {
    let (mut lanes, now) = replayed("ann bob cat");
    lanes.play(Some(8));
    for (position, person) in [(1, "ann"), (2, "bob")] {
        assert!(lanes.offer_extra(item(position, person), Origin::Replay(8)));
    }
    let out = lease(&mut lanes, 1, now);
    lanes.play(None);
    lanes.drop_replay(8);
    assert_eq!(save(&mut lanes).replayed, [(7, 1), (7, 2), (7, 3)]);
    lanes.play(Some(7));
    let rest = lease(&mut lanes, 9, now);
    assert_eq!(positions(&rest), [2, 3], "the first one is out");
    assert_eq!(lanes.ack(&out[0].token), Answer::Acked);
    let saved = save(&mut lanes);
    assert_eq!(saved.ended[0].origin, Origin::Replay(7));
    assert!(!lanes.has_extras(8));
}

#[test]
fn an_event_of_two_replays_is_that_of_both_after_a_restart() {
    for active in [7, 8] {
        let (mut lanes, now) = replayed("");
        lanes.play(Some(active));
        for replay in [7, 8] {
            let origin = Origin::Replay(replay);
            assert!(lanes.restore_extra(item(1, "ann"), origin, Some(&BTreeMap::new()), now));
        }
        assert_eq!(save(&mut lanes).replayed, [(7, 1), (8, 1)]);
        let out = lease(&mut lanes, 9, now);
        assert_eq!(out[0].origin, Some(Origin::Replay(active)));
    }
}

#[test]
fn a_replay_takes_the_event_of_a_retried_letter_over() {
    let (mut lanes, now) = replayed("");
    assert!(lanes.offer_extra(item(1, "ann"), Origin::Retry));
    assert!(lanes.offer_extra(item(1, "ann"), Origin::Replay(7)));
    let out = lease(&mut lanes, 9, now);
    assert_eq!(out[0].origin, Some(Origin::Replay(7)));
    lanes.ack(&out[0].token);
    let saved = save(&mut lanes);
    let ended: Vec<_> = saved
        .ended
        .iter()
        .map(|it| (it.origin, it.outcome))
        .collect();
    assert_eq!(ended, [(Origin::Replay(7), Ended::Settled)]);
}

#[test]
fn a_hand_out_of_a_replay_is_saved_once() {
    let (mut lanes, now) = replayed("ann bob");
    let out = lease(&mut lanes, 1, now);
    assert!(lanes.is_unsaved(), "a restart must hold the event back");
    save(&mut lanes);
    lanes.undo(&out[0].token, now);
    lease(&mut lanes, 2, now);
    assert!(
        !lanes.is_unsaved(),
        "all offered events were part of the save"
    );
}

#[test]
fn the_live_side_has_the_unread_and_the_unsettled_events() {
    let (mut lanes, now) = replayed("");
    offer(&mut lanes, 4, "1", "ann");
    let is_live = |lanes: &Lanes, position| lanes.is_live(&item(position, "ann"));
    assert_eq!([1, 4, 5].map(|it| is_live(&lanes, it)), [false, true, true]);
    let out = lease(&mut lanes, 1, now);
    lanes.ack(&out[0].token);
    assert!(!is_live(&lanes, 4), "it is settled");
}
