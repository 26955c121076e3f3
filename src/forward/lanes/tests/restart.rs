//! Restart: state restored from the database.

use super::*;

#[test]
fn after_a_restart_heads_are_held_back_for_their_workers() {
    let (mut lanes, now) = (lanes("a b c"), Instant::now());
    let leases = lease(&mut lanes, 3, now);
    let saved = lanes.save();
    assert_eq!((saved.position, &saved.heads[..]), (3, &[1, 2, 3][..]));
    let heads = vec![head(1, "a"), head(2, "b"), head(3, "c")];
    let mut lanes = Lanes::restore(stored(3, heads), limits(), now);
    assert_eq!(lease(&mut lanes, 3, now), []);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
    let again = lease(&mut lanes, 3, now + LEASE);
    assert_eq!(positions(&again), [2, 3]);
    assert!(
        again
            .iter()
            .all(|it| it.redelivered && it.token.attempt == 1)
    );
    assert_eq!(lanes.ack(&leases[1].token), Answer::Lost);
    assert_eq!(lanes.ack(&again[1].token), Answer::Acked);
}

#[test]
fn after_an_orderly_end_only_heads_that_are_out_are_held_back() {
    let (mut before, now) = (lanes("a b c d"), Instant::now());
    let leases = lease(&mut before, 4, now);
    for it in &leases[2..] {
        before.nack(&it.token, Some(SECOND), code(), now);
    }
    let (again, later) = (lease(&mut before, 1, now + SECOND), now + SECOND * 10);
    assert_eq!(positions(&again), [3]);
    before.extend(&again[0].token, LEASE * 10, later);
    before.give_back(&leases[0].token, None, later);
    let mut saved = save(&mut before);
    // The time of a row that is out may be a little later by the clock of the database.
    saved.waiting[0].due_at = later + SECOND;
    let persons = [(3, "c"), (4, "d")];
    let rows = saved.waiting.into_iter().zip(persons);
    let ended = Stored {
        waiting: rows.map(|(row, (_, it))| (row, ids_of("1", it))).collect(),
        leases: before.leases(later),
        ..stored(4, vec![head(1, "a"), head(2, "b")])
    };
    let mut lanes = Lanes::restore(ended, limits(), later);
    assert_eq!(positions(&lease(&mut lanes, 9, later)), [4, 1]);
    assert_eq!(lease(&mut lanes, 9, later + SECOND), []);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
    // Its lease began before the end.
    assert_eq!(lanes.next_due(later), Some(now + LEASE));
    assert_eq!(positions(&lease(&mut lanes, 9, now + LEASE)), [2]);
    assert_eq!(lanes.ack(&leases[1].token), Answer::Lost);
}

#[test]
fn after_a_restart_a_lane_waits_for_the_rest_of_its_time() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, Some(SECOND * 9), code(), now);
    let saved = lanes.save();
    let stored = Stored {
        waiting: vec![(saved.waiting[0].clone(), ids_of("1", "a"))],
        ..stored(2, vec![])
    };
    let restore = |at| Lanes::restore(stored.clone(), limits(), at);
    let mut waits = restore(now);
    assert_eq!(waits.next_due(now), Some(now + SECOND * 9));
    let again = lease(&mut waits, 1, now + SECOND * 9);
    assert_eq!(again[0].token.attempt, 2);
    // Due during the restart, so that it may have been out.
    let later = now + SECOND * 9;
    let mut held = restore(later);
    assert_eq!(lease(&mut held, 1, later), []);
    assert_eq!(held.ack(&leases[0].token), Answer::Lost);
    assert_eq!(held.ack(&again[0].token), Answer::Acked);
}

#[test]
fn an_ack_that_a_restart_forgot_is_not_taken_for_an_ack_of_today() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let first = lease(&mut lanes, 1, now);
    let saved = lanes.save();
    lanes.ack(&first[0].token);
    save(&mut lanes);
    let second = lease(&mut lanes, 1, now);
    // The database comes from a backup.
    let heads = vec![head(1, "a")];
    let mut lanes = Lanes::restore(stored(saved.position, heads), limits(), now);
    assert_eq!(lanes.ack(&second[0].token), Answer::Lost);
    assert_eq!(lanes.ack(&first[0].token), Answer::Acked);
    let wish = lanes.wanted().remove(0);
    assert!(wish.settled);
    lanes.found(&wish, &[item(2, "a")]);
    save(&mut lanes);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
}

#[test]
fn leases_of_an_earlier_takeover_are_told_apart() {
    let (mut before, now) = (lanes("a"), Instant::now());
    let first = lease(&mut before, 1, now);
    let mut lanes = Lanes::restore(stored(1, vec![head(1, "a")]), limits(), now);
    let again = lease(&mut lanes, 1, now + LEASE);
    assert_eq!(positions(&again), [1]);
    assert_eq!(lanes.ack(&first[0].token), Answer::Lost);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
}

#[test]
fn heads_that_are_held_back_keep_no_item_from_going_out() {
    let (mut lanes, now) = (Lanes::new(0, 1, limits()), Instant::now());
    for position in 1..=20 {
        offer(&mut lanes, position, "1", &position.to_string());
    }
    while let Some(lease) = lease(&mut lanes, 1, now).first() {
        lanes.nack(&lease.token, None, code(), now);
    }
    let rows = lanes.save().waiting.into_iter();
    let stored = Stored {
        waiting: rows.map(|row| (row, ids_of("1", "a"))).collect(),
        ..stored(20, vec![])
    };
    let later = now + SECOND;
    let mut lanes = Lanes::restore(stored, limits(), later);
    offer(&mut lanes, 21, "1", "21");
    let leases = lease(&mut lanes, 1, later);
    assert_eq!((positions(&leases), lanes.in_flight()), (vec![21], 1));
}

#[test]
fn items_that_may_have_been_out_before_a_crash_are_redelivered() {
    let (mut before, now) = (lanes("a b"), Instant::now());
    before.save();
    assert!(!before.is_unsaved());
    lease(&mut before, 2, now);
    assert!(before.is_unsaved());
    let drawn = Stored {
        drawn: 2,
        ..stored(0, vec![])
    };
    let mut lanes = Lanes::restore(drawn, limits(), now);
    for (position, person) in [(1, "a"), (2, "b"), (3, "c")] {
        offer(&mut lanes, position, "1", person);
    }
    let again = lease(&mut lanes, 3, now);
    let redelivered: Vec<_> = again.iter().map(|it| it.redelivered).collect();
    assert_eq!(redelivered, [true, true, false]);
}

#[test]
fn an_orderly_end_soon_after_a_crash_does_not_know_all_leases() {
    let now = Instant::now();
    let drawn = Stored {
        drawn: 2,
        ..stored(0, vec![])
    };
    let mut lanes = Lanes::restore(drawn, limits(), now);
    for (position, person) in [(1, "a"), (2, "b")] {
        offer(&mut lanes, position, "1", person);
        lease(&mut lanes, 1, now);
        save(&mut lanes);
        let leases = lanes.leases(now).map(|it| it.len());
        assert_eq!(leases, (position == 2).then_some(2));
    }
}

#[test]
fn a_nack_counts_for_an_item_that_was_read_again() {
    let (mut before, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut before, 1, now);
    let mut lanes = Lanes::restore(stored(0, vec![]), limits(), now);
    offer(&mut lanes, 1, "1", "a");
    for _ in 0..2 {
        let answer = lanes.nack(&leases[0].token, Some(SECOND * 30), code(), now);
        assert_eq!((answer, lanes.waiting()), (Answer::Waiting, 1));
    }
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.attempts, row.due_at), (1, now + SECOND * 30));
    // Due again, and held back in vain.
    let row = Waiting { due_at: now, ..row };
    let stored = Stored {
        waiting: vec![(row, ids_of("1", "a"))],
        ..stored(1, vec![])
    };
    let mut lanes = Lanes::restore(stored, limits(), now);
    lanes.expire(now + LEASE);
    let mut token = leases[0].token;
    token.attempt = 2;
    lanes.nack(&token, None, code(), now + LEASE);
    assert_eq!(lanes.save().waiting[0].attempts, 2);
}

#[test]
fn a_lease_after_a_failure_that_was_not_saved_settles_its_item() {
    let (mut before, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut before, 1, now);
    before.nack(&leases[0].token, Some(SECOND), code(), now);
    let again = lease(&mut before, 1, now + SECOND);
    assert_eq!(again[0].token.attempt, 2);
    let mut lanes = Lanes::restore(stored(1, vec![head(1, "a")]), limits(), now + SECOND);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
}

#[test]
fn a_lane_finds_its_items_after_a_restart_without_its_head() {
    let now = Instant::now();
    let mut lanes = Lanes::restore(stored(9, vec![head(1, "a")]), limits(), now);
    assert!(lanes.skip(1, SkipReason::Gone));
    let wish = lanes.wanted().remove(0);
    assert_eq!((wish.ids.app(), wish.ids.account()), ("shop", Some("1")));
    assert_eq!((wish.ids.person(), wish.after), (Some("a"), 1));
}

#[test]
fn nothing_is_looked_up_behind_an_event_without_a_person() {
    let (lane, ids) = (LaneKey::alone(1), LaneIds::new("shop", Some("1"), None));
    let alone = Item {
        lane,
        ..item(1, "a")
    };
    let mut lanes = Lanes::restore(stored(9, vec![(alone, ids)]), limits(), Instant::now());
    assert!(lanes.skip(1, SkipReason::Gone));
    assert_eq!(lanes.wanted(), []);
}

#[test]
fn lanes_that_are_held_back_look_up_nothing() {
    let now = Instant::now();
    let mut lanes = Lanes::restore(stored(9, vec![head(1, "a")]), limits(), now);
    assert_eq!(lanes.wanted(), []);
    assert_eq!(positions(&lease(&mut lanes, 1, now + LEASE)), [1]);
    assert_eq!(lanes.wanted().len(), 1);
}

#[test]
fn an_item_that_may_be_out_is_unread_until_the_log_is_read_up_to_it() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    let leases = lease(&mut lanes, 2, now);
    let drawn = |drawn| Stored {
        drawn,
        ..stored(0, vec![])
    };
    let tokens = || leases.iter().map(|lease| &lease.token);
    let mut lanes = Lanes::restore(drawn(1), limits(), now);
    let is_unread = |lanes: &Lanes| tokens().map(|it| lanes.is_unread(it)).collect::<Vec<_>>();
    // The database comes from a backup in which nothing has the second position.
    assert_eq!(is_unread(&lanes), [true, false]);
    offer(&mut lanes, 1, "1", "a");
    assert_eq!(is_unread(&lanes), [false, false]);
    assert_eq!(lanes.ack(&leases[0].token), Answer::Acked);
}
