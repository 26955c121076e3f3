//! Notification of a leased event, with the events after it of the same delivery and lane.

use bytes::Bytes;

use crate::{
    config::Mask,
    forward::notification::{NewItem, notifications},
    store::consumers::EventRow,
};

/// Builds the notification with `head` and the later `items` that are its equals: events of the same
/// delivery and lane that the destination wants. Returns the body and the position of the last item;
/// `None` if the body has none of the items any more. `items` are in order, and may contain the head
/// and events before it.
pub fn rest_of_delivery(
    head: &EventRow,
    items: &[EventRow],
    is_equal: impl Fn(&EventRow) -> bool,
    (body, mask): (&Bytes, Mask),
) -> Option<(Bytes, i64)> {
    let is_later = |item: &&EventRow| item.position > head.position && is_equal(item);
    let items = items.iter().filter(is_later);
    let items: Vec<_> = [head].into_iter().chain(items).collect();
    let last = items.last().map_or(head.position, |item| item.position);
    let kept = items.iter().filter(|item| item.erased_at.is_none());
    let new: Vec<_> = kept.filter_map(|item| new_item(item)).collect();
    let built = notifications(body, &new, mask).notifications;
    let notification = built.into_iter().next()?;
    Some((notification.body, last))
}

fn new_item(item: &EventRow) -> Option<NewItem<()>> {
    Some(NewItem {
        position: item.position,
        start: u32::try_from(item.item_start).ok()?,
        lane: (),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::split::{Context, split};

    /// Two messages of one person, one of another, and another of the first.
    const BODY: &str = r#"{"object":"instagram","entry":[{"id":"1","time":1764500000000,"messaging":[
        {"sender":{"id":"7"},"recipient":{"id":"1"},"timestamp":1764500000001,"message":{"mid":"a","text":"one"}},
        {"sender":{"id":"7"},"recipient":{"id":"1"},"timestamp":1764500000002,"message":{"mid":"b","text":"two"}},
        {"sender":{"id":"8"},"recipient":{"id":"1"},"timestamp":1764500000003,"message":{"mid":"c","text":"three"}},
        {"sender":{"id":"7"},"recipient":{"id":"1"},"timestamp":1764500000004,"message":{"mid":"d","text":"four"}}]}]}"#;

    fn rows(body: &Bytes) -> Vec<EventRow> {
        let context = Context {
            app: "default",
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        let events = split(body, context).events;
        let row = |(position, event): (i64, &crate::meta::event::Event)| EventRow {
            position,
            item_start: i32::try_from(event.item_start).unwrap(),
            person_id: event.person_id.as_ref().map(ToString::to_string),
            ..EventRow::default()
        };
        (10..).zip(&events).map(row).collect()
    }

    fn mids(body: &Bytes) -> Vec<String> {
        let context = Context {
            app: "default",
            received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        };
        let events = split(body, context).events;
        let mids = events.iter().map(|it| it.ids.message_id.as_ref().unwrap());
        mids.map(ToString::to_string).collect()
    }

    fn built(body: &str, head: usize, change: fn(&mut [EventRow])) -> Option<(Vec<String>, i64)> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let mut rows = rows(&body);
        change(&mut rows);
        let head = &rows[head];
        let is_equal = |row: &EventRow| row.person_id == head.person_id;
        let built = rest_of_delivery(head, &rows, is_equal, (&body, Mask::default()));
        built.map(|(body, last)| (mids(&body), last))
    }

    fn unchanged(_: &mut [EventRow]) {}

    #[test]
    fn the_events_of_the_lane_at_and_behind_the_head_are_sent_together() {
        let found = |head| built(BODY, head, unchanged).unwrap();
        assert_eq!(found(0), (vec!["a".into(), "b".into(), "d".into()], 13));
        assert_eq!(found(1), (vec!["b".into(), "d".into()], 13));
        assert_eq!(found(2), (vec!["c".into()], 12));
    }

    #[test]
    fn a_delivery_of_one_lane_keeps_its_bytes() {
        let body = Bytes::from(BODY.replace("\"8\"", "\"7\""));
        let rows = rows(&body);
        let built = rest_of_delivery(&rows[0], &rows, |_| true, (&body, Mask::default()));
        assert_eq!(built, Some((body, 13)));
    }

    #[test]
    fn erased_events_are_left_out_and_settled_with_the_others() {
        let erase = |rows: &mut [EventRow]| {
            for at in [0, 3] {
                rows[at].erased_at = Some(jiff::Timestamp::UNIX_EPOCH);
            }
        };
        let found = built(BODY, 0, erase).unwrap();
        assert_eq!(found, (vec!["b".into()], 13));
    }

    #[test]
    fn nothing_is_built_from_a_body_without_the_items() {
        let body = Bytes::from(BODY);
        let rows = rows(&body);
        let gone = Bytes::from_static(b"{}");
        let built = rest_of_delivery(&rows[0], &rows, |_| true, (&gone, Mask::default()));
        assert_eq!(built, None);
    }
}
