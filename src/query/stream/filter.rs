//! Filters of a stream, applied to columns in memory.

use jiff::SignedDuration;

use super::clients::Clients;
use crate::{
    meta::event::{Kind, Problem, Source},
    store::read::{EventFilter, EventRow, Items},
};

/// Time between occurrence and receipt from which an event is late, as in `store::read`.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// True if the event meets the filter. A stream has no filters for texts and payloads.
pub(super) fn meets(event: &EventRow, filter: &EventFilter, clients: &Clients) -> bool {
    // Names every field: a new filter must not be forgotten here.
    let EventFilter {
        kinds,
        sources,
        field,
        app,
        client,
        account_ids,
        person_id,
        message_id,
        comment_id,
        media_id,
        delivery,
        problem,
        is_echo,
        is_late,
        username,
        text: _,
        payload: _,
        positions,
        since,
        until,
    } = filter;
    spelled(&event.kind, kinds, Kind::as_str)
        && spelled(&event.source, sources, Source::as_str)
        && is(event.field.as_ref(), field.as_ref())
        && is(Some(&event.app), app.as_ref())
        && is(clients.of(event), client.as_ref())
        && among(event.account_id.as_ref(), account_ids)
        && is(event.person_id.as_ref(), person_id.as_ref())
        && is(event.ids.message_id.as_ref(), message_id.as_ref())
        && is(event.ids.comment_id.as_ref(), comment_id.as_ref())
        && is(event.ids.media_id.as_ref(), media_id.as_ref())
        && delivery.is_none_or(|items| contains(items, event.position))
        && is(event.problem.as_deref(), problem.map(Problem::as_str))
        && is_echo.is_none_or(|is_echo| event.is_echo == is_echo)
        && is_late.is_none_or(|is_late| is_an_hour_late(event) == is_late)
        && names(event.username.as_deref(), username.as_deref())
        && among(Some(&event.position), positions)
        && since.is_none_or(|since| event.received_at >= since)
        && until.is_none_or(|until| event.received_at < until)
}

fn spelled<T: Copy>(value: &str, wanted: &[T], spell: fn(T) -> &'static str) -> bool {
    wanted.is_empty() || wanted.iter().any(|one| spell(*one) == value)
}

fn among<T: PartialEq>(value: Option<&T>, wanted: &[T]) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
}

fn is<T: PartialEq + ?Sized>(value: Option<&T>, wanted: Option<&T>) -> bool {
    wanted.is_none() || value == wanted
}

fn names(value: Option<&str>, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|value| value.eq_ignore_ascii_case(wanted)))
}

/// True if the event was received more than an hour after it occurred.
fn is_an_hour_late(event: &EventRow) -> bool {
    let after = |at| event.received_at.duration_since(at);
    event.occurred_at.is_some_and(|at| after(at) > LATE)
}

fn contains(items: Items, position: i64) -> bool {
    (items.first..items.first + i64::from(items.count)).contains(&position)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::meta::ids::Ids;

    fn event() -> EventRow {
        let text = |text: &str| Some(text.to_owned());
        EventRow {
            position: 7,
            received_at: Timestamp::from_second(3_701).unwrap(),
            occurred_at: Timestamp::from_second(100).ok(),
            app: "bakery".to_owned(),
            field: text("comments"),
            kind: "comment".to_owned(),
            source: "live".to_owned(),
            account_id: text("account"),
            person_id: text("person"),
            username: text("Some.Body"),
            problem: text("unsafe_text"),
            ids: Ids {
                message_id: text("mid"),
                comment_id: text("comment"),
                media_id: text("media"),
                parent_id: None,
            },
            ..EventRow::default()
        }
    }

    /// Filters that the event meets, each paired with one that it does not.
    fn pairs() -> Vec<[EventFilter; 2]> {
        fn pair<T>(values: [T; 2], set: fn(&mut EventFilter, T)) -> [EventFilter; 2] {
            values.map(|value| {
                let mut filter = EventFilter::default();
                set(&mut filter, value);
                filter
            })
        }
        let texts = |value: &str| [value.to_owned(), "other".to_owned()];
        let items = |first| Items {
            id: Uuid::nil(),
            received_at: Timestamp::UNIX_EPOCH,
            first,
            count: 2,
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        vec![
            pair([Kind::Comment, Kind::Message], |it, value| {
                it.kinds = vec![Kind::Mention, value];
            }),
            pair([Source::Live, Source::Test], |it, value| {
                it.sources = vec![value];
            }),
            pair(texts("comments"), |it, value| it.field = Some(value)),
            pair(texts("bakery"), |it, value| it.app = Some(value)),
            pair(texts("client"), |it, value| it.client = Some(value)),
            pair(texts("account"), |it, value| it.account_ids = vec![value]),
            pair(texts("person"), |it, value| it.person_id = Some(value)),
            pair(texts("mid"), |it, value| it.message_id = Some(value)),
            pair(texts("comment"), |it, value| it.comment_id = Some(value)),
            pair(texts("media"), |it, value| it.media_id = Some(value)),
            pair([items(6), items(8)], |it, value| it.delivery = Some(value)),
            pair([Problem::UnsafeText, Problem::TooDeep], |it, value| {
                it.problem = Some(value);
            }),
            pair([false, true], |it, value| it.is_echo = Some(value)),
            pair([true, false], |it, value| it.is_late = Some(value)),
            pair(texts("some.body"), |it, value| it.username = Some(value)),
            pair([7, 8], |it, value| it.positions = vec![value]),
            pair([at(3_701), at(3_702)], |it, value| it.since = Some(value)),
            pair([at(3_702), at(3_701)], |it, value| it.until = Some(value)),
        ]
    }

    #[test]
    fn each_filter_passes_its_events_and_no_others() {
        let clients = Clients::from([("bakery", "account", "client")]);
        assert!(meets(&event(), &EventFilter::default(), &clients));
        for [met, unmet] in pairs() {
            assert!(meets(&event(), &met, &clients), "{met:?}");
            assert!(!meets(&event(), &unmet, &clients), "{unmet:?}");
        }
    }
}
