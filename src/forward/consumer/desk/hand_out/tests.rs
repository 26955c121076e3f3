//! Tests of lookups and of the hand-outs that they answer.

use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::forward::consumer::{Call, desk::tests::desk};

fn event(position: i64) -> EventRow {
    EventRow {
        position,
        ..EventRow::default()
    }
}

/// Lets a worker wait for an event.
fn ask(
    desk: &mut Desk,
    worker: &str,
    content: bool,
    now: Instant,
) -> oneshot::Receiver<Result<Vec<HandedOut>, Refusal>> {
    let want = Want {
        max: 1,
        wait: Duration::from_secs(1),
        lease: None,
        worker: worker.into(),
        content,
    };
    let (reply, answer) = oneshot::channel();
    desk.take(Call::Lease(want, reply), now);
    desk.serve(now, |_, _| None);
    answer
}

/// Answers a lookup of the event at position 101.
fn answer(desk: &mut Desk, asked: &Lookup, json: &'static str, now: Instant) {
    let shown = Shown {
        event: event(101).into(),
        json: Bytes::from_static(json.as_bytes()),
        client: None,
    };
    let found = Found {
        events: HashMap::from([(101, shown)]),
        ..Found::default()
    };
    desk.found(asked, found, now);
}

#[test]
fn an_answer_with_content_is_not_for_a_later_caller_without() {
    let (mut desk, now) = (desk(), Instant::now());
    desk.offer(&event(101), None);
    let _first = ask(&mut desk, "one", true, now);
    let asked = desk.lookup().unwrap();
    assert!(asked.events[0].content);
    desk.take(Call::Release("one".into(), oneshot::channel().0), now);
    let mut second = ask(&mut desk, "two", false, now);
    answer(&mut desk, &asked, "with content", now);
    assert!(second.try_recv().is_err());
    let asked = desk.lookup().unwrap();
    assert!(!asked.events[0].content);
    answer(&mut desk, &asked, "without content", now);
    let handed_out = second.try_recv().unwrap().unwrap();
    assert_eq!(handed_out[0].json, "without content");
}

#[test]
fn a_retried_letter_whose_event_is_not_read_yet_comes_live_first() {
    let (mut desk, now) = (desk(), Instant::now());
    let items = [150, 50].map(|position| desk.settings.item(&event(position)));
    desk.retry(&items);
    let _answers = [(); 2].map(|()| ask(&mut desk, "one", true, now));
    let asked = desk.lookup().unwrap();
    let positions: Vec<_> = asked.events.iter().map(|it| it.position).collect();
    assert_eq!(positions, [50]);
}
