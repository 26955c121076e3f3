//! Tests of the pages, the rate and the end of a replay.

use jiff::Timestamp;

use super::*;
use crate::forward::consumer::desk::tests::{SECOND, desk};

/// A replay of the positions up to `through`.
fn replay(rate: Option<u32>, through: i64) -> Replay {
    Replay {
        id: 7,
        consumer: "bot".to_owned(),
        state: ReplayState::Running,
        choice: ReplayChoice::default(),
        rate,
        note: None,
        operator: "test".to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        events: through,
        after: 0,
        through,
        position: 0,
        heads: Vec::new(),
        settled: 0,
        skipped: 0,
        dead: 0,
    }
}

/// Reads the next events of the replay: one at each position, up to `last`.
fn read(desk: &mut Desk, last: i64) {
    let wish = desk.replay_wish().unwrap();
    let event = |position| EventRow {
        position,
        ..EventRow::default()
    };
    let events: Vec<_> = (wish.after + 1..=last).map(event).collect();
    desk.replay_found(&wish, (&events, last), |_| None);
}

/// Number of events that were offered.
fn offered(desk: &Desk) -> i64 {
    desk.replay_status().unwrap().position
}

#[test]
fn no_more_events_are_offered_than_the_rate_allows() {
    let (mut desk, mut now) = (desk(), Instant::now());
    desk.set_replays(&[replay(Some(2), 100)]);
    read(&mut desk, 100);
    desk.offer_replayed(now);
    assert_eq!(offered(&desk), 1);
    for count in 2..=20 {
        let next = desk.next_due(now).unwrap();
        assert_eq!(next - now, SECOND / 2);
        desk.offer_replayed(now + SECOND / 4);
        assert_eq!(offered(&desk), count - 1);
        now = next;
        desk.offer_replayed(now);
        assert_eq!(offered(&desk), count);
    }
}

#[test]
fn a_replay_reads_no_event_that_the_live_side_has_not_read() {
    let mut desk = desk();
    desk.set_replays(&[replay(None, 150)]);
    assert_eq!(
        desk.replay_wish().map(|it| (it.after, it.through)),
        Some((0, 100))
    );
    read(&mut desk, 100);
    desk.offer_replayed(Instant::now());
    assert!(desk.replay_wish().is_none() && !desk.is_replay_ending());
    desk.pass(150);
    assert_eq!(
        desk.replay_wish().map(|it| (it.after, it.through)),
        Some((100, 150))
    );
}

#[test]
fn a_replay_without_events_ends_with_one_write() {
    let mut desk = desk();
    desk.set_replays(&[replay(None, 90)]);
    let wish = desk.replay_wish().unwrap();
    desk.replay_found(&wish, (&[], 90), |_| None);
    assert!(desk.is_unwritten());
    let writing = desk.begin_write();
    assert!(!desk.is_unwritten());
    desk.written(&writing, SECOND);
    assert!(desk.replays().is_empty() && !desk.is_replaying());
}

#[test]
fn events_that_a_crash_may_have_forgotten_are_marked_when_they_go_out() {
    let known = BTreeMap::new();
    for (leases, is_marked) in [(None, true), (Some(&known), false)] {
        let (mut desk, now) = (desk(), Instant::now());
        desk.restore_extras(&[(replay(None, 90), Vec::new())], &[], leases, now);
        read(&mut desk, 90);
        desk.offer_replayed(now);
        let lease = desk.lanes.lease(1, SECOND, &"one".into(), now).remove(0);
        assert_eq!((lease.token.position, lease.redelivered), (1, is_marked));
    }
}
