//! Backlogs: an account with too many waiting lanes is passed over, and read again later.

use super::*;
use crate::store::consumers::Backlog;

/// Lanes with two places for account 1, and space for two parked heads.
fn few_places() -> Lanes {
    let within = Limits {
        window: 8,
        max_blocked: 4,
        ..limits()
    };
    Lanes::new(0, 1, within)
}

/// Offers an event of another person of account 1 at each position, hands out what goes out, and
/// lets it fail.
fn fail_all(
    lanes: &mut Lanes,
    positions: std::ops::RangeInclusive<i64>,
    now: Instant,
) -> Vec<Lease> {
    let mut failed = Vec::new();
    for position in positions {
        offer(lanes, position, "1", &position.to_string());
        for lease in lease(lanes, 9, now) {
            lanes.nack(&lease.token, Some(LEASE), code(), now);
            failed.push(lease);
        }
    }
    failed
}

/// Answers the lookups of backlogs from a log with an event of another person of account 1 at each
/// position.
fn read_backlogs(lanes: &mut Lanes) -> Vec<(i64, i64)> {
    let wishes = lanes.wanted_backlogs();
    for wish in &wishes {
        for position in wish.after + 1..=wish.through {
            let person = position.to_string();
            lanes.offer_passed(item(position, &person), || ids_of("1", &person));
        }
        lanes.passed(wish);
    }
    wishes.iter().map(|it| (it.after, it.through)).collect()
}

#[test]
fn an_account_with_too_many_heads_stops_no_other_account() {
    let (mut lanes, now) = (few_places(), Instant::now());
    let failed = fail_all(&mut lanes, 1..=10_000, now);
    assert_eq!(positions(&failed), [1, 2]);
    assert!(lanes.is_blocked() && lanes.has_room());
    assert_eq!((lanes.backlogs(), lanes.by_key.len()), (1, 4));
    assert!(lanes.wanted_backlogs().is_empty());
    offer(&mut lanes, 10_001, "2", "ann");
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [10_001]);
    let saved = save(&mut lanes);
    assert_eq!((saved.position, saved.heads), (10_001, vec![3, 4, 10_001]));
    let backlog = Backlog {
        after: 4,
        last: 10_000,
    };
    assert_eq!(saved.backlogs, [backlog]);
    assert_eq!(lanes.oldest().unwrap().0, 1);
}

#[test]
fn an_account_is_read_on_once_it_has_a_place_and_few_heads() {
    let (mut lanes, now) = (few_places(), Instant::now());
    let failed = fail_all(&mut lanes, 1..=6, now);
    for lease in failed {
        lanes.ack(&lease.token);
    }
    assert!(lanes.wanted_backlogs().is_empty());
    save(&mut lanes);
    let parked = lease(&mut lanes, 9, now);
    assert_eq!(positions(&parked), [3, 4]);
    for lease in parked {
        lanes.ack(&lease.token);
    }
    save(&mut lanes);
    assert_eq!(read_backlogs(&mut lanes), [(4, 6)]);
    assert!(lanes.is_unsaved() && lanes.backlogs() == 0);
    let saved = save(&mut lanes);
    assert_eq!((saved.heads, saved.backlogs), (vec![5, 6], vec![]));
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [5, 6]);
    offer(&mut lanes, 7, "1", "7");
    assert!(!lanes.is_blocked());
}

#[test]
fn a_backlog_that_is_read_and_the_log_take_turns() {
    let (mut lanes, now) = (few_places(), Instant::now());
    for lease in fail_all(&mut lanes, 1..=8, now) {
        lanes.ack(&lease.token);
    }
    lanes.skip(3, SkipReason::Gone);
    lanes.skip(4, SkipReason::Gone);
    save(&mut lanes);
    assert_eq!(read_backlogs(&mut lanes), [(4, 8)]);
    offer(&mut lanes, 9, "2", "ann");
    offer(&mut lanes, 10, "2", "bob");
    let mut out = Vec::new();
    for _ in 0..6 {
        let lease = lease(&mut lanes, 1, now).remove(0);
        lanes.ack(&lease.token);
        save(&mut lanes);
        out.push(lease.token.position);
    }
    assert_eq!(out, [5, 9, 6, 10, 7, 8]);
}

#[test]
fn no_more_is_read_of_backlogs_than_may_go_out_soon() {
    let (mut lanes, now) = (few_places(), Instant::now());
    for lease in fail_all(&mut lanes, 1..=20, now) {
        lanes.ack(&lease.token);
    }
    lanes.skip(3, SkipReason::Gone);
    lanes.skip(4, SkipReason::Gone);
    save(&mut lanes);
    let wish = lanes.wanted_backlogs().remove(0);
    assert_eq!(wish.most, 2, "half of the places");
    for (position, is_wanted) in [(5, true), (6, false)] {
        let person = position.to_string();
        lanes.offer_passed(item(position, &person), || ids_of("1", &person));
        assert_eq!(!lanes.wanted_backlogs().is_empty(), is_wanted);
    }
}

#[test]
fn events_that_come_during_the_lookup_stay_in_the_backlog() {
    let (mut lanes, now) = (few_places(), Instant::now());
    for lease in fail_all(&mut lanes, 1..=6, now) {
        lanes.ack(&lease.token);
    }
    lanes.skip(3, SkipReason::Gone);
    lanes.skip(4, SkipReason::Gone);
    save(&mut lanes);
    let wish = lanes.wanted_backlogs().remove(0);
    assert!(wish.ids.person().is_none());
    offer(&mut lanes, 7, "1", "7");
    lanes.offer_passed(item(5, "5"), || ids_of("1", "5"));
    lanes.passed(&BacklogWish { through: 5, ..wish });
    let wish = lanes.wanted_backlogs().remove(0);
    assert_eq!((wish.after, wish.through), (5, 7));
    assert_eq!(read_backlogs(&mut lanes), [(5, 7)]);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [5, 6]);
}

#[test]
fn an_event_of_a_waiting_lane_comes_after_the_backlog_before_it() {
    let (mut lanes, now) = (few_places(), Instant::now());
    let failed = fail_all(&mut lanes, 1..=5, now);
    offer(&mut lanes, 6, "1", "1");
    lanes.ack(&failed[0].token);
    assert_eq!(lanes.wanted(), [], "the lane is read up to the backlog");
    save(&mut lanes);
    assert!(!lanes.is_live(&item(1, "1")) && lanes.is_live(&item(6, "1")));
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [3]);
}

#[test]
fn an_account_stays_behind_over_a_restart() {
    let (mut before, now) = (few_places(), Instant::now());
    fail_all(&mut before, 1..=9, now);
    offer(&mut before, 10, "2", "ann");
    lease(&mut before, 1, now);
    let saved = save(&mut before);
    let backlog = (saved.backlogs[0], item(9, "9"), ids_of("1", "9"));
    let persons = ["1", "2"].map(|it| ids_of("1", it));
    let crashed = Stored {
        drawn: 12,
        backlogs: vec![backlog],
        waiting: saved.waiting.into_iter().zip(persons).collect(),
        ..stored(10, vec![head(3, "3"), head(4, "4")])
    };
    let mut lanes = Lanes::restore(crashed, before.limits.clone(), now);
    assert!(lanes.is_blocked());
    offer(&mut lanes, 11, "1", "11");
    offer(&mut lanes, 12, "2", "bob");
    assert_eq!(
        positions(&lease(&mut lanes, 9, now)),
        [12],
        "the others go on"
    );
    assert!(lanes.skip(1, SkipReason::Gone) && lanes.skip(2, SkipReason::Gone));
    assert!(lanes.skip(3, SkipReason::Gone) && lanes.skip(4, SkipReason::Gone));
    for wish in lanes.wanted() {
        assert_eq!(wish.through, 4, "the backlog is not behind the heads");
        lanes.found(&wish, &[]);
    }
    save(&mut lanes);
    assert_eq!(read_backlogs(&mut lanes), [(4, 11)]);
    let again = lease(&mut lanes, 1, now);
    assert_eq!(positions(&again), [5]);
    assert!(again[0].redelivered, "a save may have been lost");
}

#[test]
fn a_lease_of_a_backlog_that_a_crash_forgot_is_lost() {
    let (mut before, now) = (few_places(), Instant::now());
    for lease in fail_all(&mut before, 1..=5, now) {
        before.ack(&lease.token);
    }
    before.skip(3, SkipReason::Gone);
    before.skip(4, SkipReason::Gone);
    let saved = save(&mut before);
    let backlog = (saved.backlogs[0], item(5, "5"), ids_of("1", "5"));
    read_backlogs(&mut before);
    let out = lease(&mut before, 1, now);
    let crashed = Stored {
        backlogs: vec![backlog],
        ..stored(5, vec![])
    };
    let mut lanes = Lanes::restore(crashed, before.limits.clone(), now);
    assert_eq!(lanes.ack(&out[0].token), Answer::Lost);
    read_backlogs(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [5]);
}

#[test]
fn a_backlog_is_read_no_further_than_the_log() {
    let backlog = Backlog { after: 3, last: 9 };
    let restored = Stored {
        backlogs: vec![(backlog, item(9, "9"), ids_of("1", "9"))],
        ..stored(5, vec![])
    };
    let (mut lanes, now) = (
        Lanes::restore(restored, limits(), Instant::now()),
        Instant::now(),
    );
    assert_eq!(read_backlogs(&mut lanes), [(3, 5)]);
    let read = lease(&mut lanes, 9, now);
    assert_eq!(positions(&read), [4, 5]);
    for lease in read {
        lanes.ack(&lease.token);
    }
    save(&mut lanes);
    offer(&mut lanes, 6, "1", "6");
    assert_eq!(lease(&mut lanes, 9, now), []);
    lanes.pass(10);
    assert_eq!(read_backlogs(&mut lanes), [(5, 9)]);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [6, 7, 8, 9]);
}

#[test]
fn events_without_an_account_are_kept_up_to_a_limit() {
    let (mut lanes, now) = (few_places(), Instant::now());
    let mut position = 0;
    while lanes.has_room() {
        position += 1;
        let event = item_of(position, "", &position.to_string());
        lanes.offer(event, || LaneIds::new("shop", None, None));
        lease(&mut lanes, 1, now);
    }
    let parked = 4 * lanes.limits.window;
    assert_eq!((lanes.backlogs(), lanes.by_key.len()), (0, 2 + parked));
}
