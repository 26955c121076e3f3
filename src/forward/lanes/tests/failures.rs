//! Failures: attempts, dead letters, released items.

use super::*;

#[test]
fn a_failed_head_makes_only_its_lane_wait() {
    let (mut lanes, now) = (lanes("a b a b"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    let answer = lanes.nack(&leases[0].token, None, code(), now);
    assert_eq!((answer, lanes.waiting()), (Answer::Waiting, 1));
    let other = lease(&mut lanes, 10, now);
    assert_eq!(positions(&other), [2]);
    assert_eq!(lanes.next_due(now), Some(now + SECOND));
    let again = lease(&mut lanes, 10, now + SECOND);
    assert_eq!(positions(&again), [1]);
    assert!(again[0].redelivered && again[0].token.attempt == 2);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
}

#[test]
fn a_lease_that_ends_counts_an_attempt() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    lease(&mut lanes, 1, now);
    assert_eq!(lanes.next_due(now), Some(now + LEASE));
    lanes.expire(now + LEASE);
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.attempts, row.code), (1, Code::EXPIRED));
    assert_eq!(row.due_at, now + LEASE + SECOND);
}

#[test]
fn after_the_last_attempt_the_head_is_a_dead_letter_and_the_lane_moves_on() {
    let (mut lanes, mut now) = (lanes("a a"), Instant::now());
    for attempt in 1..=5 {
        let leases = lease(&mut lanes, 1, now);
        assert_eq!(leases[0].token.attempt, attempt);
        let delay = Some(SECOND * 30);
        let answer = lanes.nack(&leases[0].token, delay, code(), now);
        assert_eq!(answer == Answer::Dead, attempt == 5);
        now += SECOND * 30;
    }
    let wish = lanes.wanted().remove(0);
    assert_eq!((wish.after, wish.through), (1, 2));
    assert_eq!(wish.ids.person(), Some("a"));
    lanes.found(&wish, &[item(2, "a")]);
    assert_eq!(lease(&mut lanes, 1, now), []);
    let saved = save(&mut lanes);
    assert_eq!((saved.removed, saved.heads), (vec![1], vec![]));
    let dead = &saved.dead[0];
    assert_eq!((dead.item.position, dead.attempts), (1, 5));
    assert_eq!(dead.reason, Reason::Attempts);
    assert_eq!(dead.last_at - dead.first_at, SECOND * 120);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
}

#[test]
fn a_worker_can_give_up_an_item() {
    let (mut lanes, now) = (lanes("a a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!(lanes.dead(&leases[0].token, code(), now), Answer::Dead);
    assert_eq!(lanes.dead(&leases[0].token, code(), now), Answer::Already);
    let saved = lanes.save();
    assert_eq!(saved.dead[0].reason, Reason::Worker);
    assert_eq!(saved.dead[0].attempts, 1);
    assert_eq!(saved.counts.dead, 1);
}

#[test]
fn a_released_item_is_ready_at_once_but_only_the_first_time() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    lease(&mut lanes, 1, now);
    assert_eq!(lanes.release("w2", now), 0);
    assert_eq!(lanes.release("w1", now), 1);
    let again = lease(&mut lanes, 1, now);
    assert_eq!(positions(&again), [1]);
    assert!(again[0].redelivered && again[0].token.attempt == 1);
    assert_eq!(lanes.release("w1", now), 1);
    assert_eq!(positions(&lease(&mut lanes, 1, now)), [2]);
    let row = lanes.save().waiting.remove(0);
    assert_eq!((row.item.position, row.code), (1, Code::RELEASED));
}

#[test]
fn an_item_given_back_is_ready_at_once_and_no_attempt_counts() {
    let (mut lanes, now) = (lanes("a b"), Instant::now());
    for redelivered in [false, true, true] {
        let leases = lease(&mut lanes, 1, now);
        assert_eq!((leases[0].token.position, leases[0].token.attempt), (1, 1));
        assert_eq!(leases[0].redelivered, redelivered);
        let answer = lanes.give_back(&leases[0].token, None, now);
        assert_eq!(answer, Answer::Waiting);
    }
    assert_eq!(lanes.waiting(), 0);
}

#[test]
fn an_item_given_back_for_a_while_is_not_handed_out_before() {
    let within = Limits {
        max_blocked: 2,
        ..limits()
    };
    let (mut lanes, now) = (lanes_within(within, "a b c"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    for _ in 0..2 {
        let answer = lanes.give_back(&leases[0].token, Some(SECOND * 9), now);
        assert_eq!(answer, Answer::Waiting);
    }
    assert_eq!(lanes.next_due(now), Some(now + SECOND * 9));
    assert_eq!(lease(&mut lanes, 9, now + SECOND * 8), []);
    let saved = lanes.save();
    assert_eq!((saved.heads, saved.waiting), (vec![1], vec![]));
    let again = lease(&mut lanes, 9, now + SECOND * 9);
    assert_eq!((positions(&again), again[0].token.attempt), (vec![1], 1));
    assert_eq!(lanes.give_back(&leases[0].token, None, now), Answer::Lost);
    assert_eq!(lanes.ack(&again[0].token), Answer::Acked);
    assert_eq!(positions(&lease(&mut lanes, 9, now)), [2]);
}

#[test]
fn an_item_that_failed_before_keeps_its_attempts_when_it_is_given_back() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    lanes.nack(&leases[0].token, None, code(), now);
    let second = lease(&mut lanes, 1, now + SECOND);
    lanes.give_back(&second[0].token, Some(SECOND * 60), now + SECOND);
    assert_eq!(lease(&mut lanes, 1, now + SECOND * 60), []);
    let again = lease(&mut lanes, 1, now + SECOND * 61);
    assert_eq!(again[0].token.attempt, 2);
    lanes.give_back(&again[0].token, None, now + SECOND * 61);
    let again = lease(&mut lanes, 1, now + SECOND * 61);
    assert_eq!(again[0].token.attempt, 2);
}

#[test]
fn an_item_that_was_never_sent_is_not_redelivered() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!(lanes.undo(&leases[0].token, now), Answer::Waiting);
    let again = lease(&mut lanes, 1, now);
    assert!(!again[0].redelivered);
    assert_eq!(lanes.undo(&leases[0].token, now), Answer::Lost);
    lanes.give_back(&again[0].token, None, now);
    let again = lease(&mut lanes, 1, now);
    lanes.undo(&again[0].token, now);
    assert!(lease(&mut lanes, 1, now)[0].redelivered);
}

#[test]
fn a_lease_tells_of_the_failures_of_its_item() {
    let (mut lanes, now) = (lanes("a"), Instant::now());
    let leases = lease(&mut lanes, 1, now);
    assert_eq!((leases[0].failed_for, &leases[0].code), (None, &None));
    lanes.nack(&leases[0].token, None, code(), now);
    let again = lease(&mut lanes, 1, now + SECOND * 3);
    assert_eq!(again[0].failed_for, Some(SECOND * 3));
    assert_eq!(again[0].code, Some(code()));
}
