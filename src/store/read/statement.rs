//! Lists of events as statements for a person, with their values in them.

use std::fmt::Display;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Between, ConversationRow, EventFilter, MediaRow, Order, Place, conversations::ELSEWHERE,
    events::late, search::containing,
};

/// Statement for the events of a range, at most `limit`, to be run in `psql`.
pub(crate) fn statement(
    filter: &EventFilter,
    range: Between,
    (order, limit): (Order, u32),
) -> String {
    let mut conditions = conditions(filter);
    let bounds = [("position > ", range.after), ("position < ", range.before)];
    for (name, position) in bounds {
        conditions.extend(position.map(|position| format!("{name}{position}")));
    }
    let order = match order {
        Order::Newest => "DESC",
        Order::Oldest => "ASC",
    };
    let conditions = match conditions.join("\n  AND ") {
        none if none.is_empty() => none,
        some => format!("\nWHERE {some}"),
    };
    format!("SELECT * FROM events{conditions}\nORDER BY position {order}\nLIMIT {limit};")
}

/// Statement for the event at a position.
pub(crate) fn event_statement(position: i64) -> String {
    format!("SELECT * FROM events WHERE position = {position};")
}

/// Statement for a delivery, to be run in `psql`.
pub(crate) fn delivery_statement(id: Uuid) -> String {
    format!("SELECT * FROM deliveries WHERE id = {};", literal(id))
}

/// Statement for the events of a conversation from its first place to its last one.
pub(crate) fn conversation_statement(
    of: &ConversationRow,
    [first, last]: [Option<Place>; 2],
) -> String {
    let at = "coalesce(occurred_at, received_at), position";
    let is = |name: &str, value: &str| format!("{name} = {}", literal(value));
    let elsewhere: Vec<_> = ELSEWHERE.iter().map(|it| literal(it.as_str())).collect();
    let mut conditions = vec![
        is("app", &of.app),
        is("account_id", &of.account_id),
        is("person_id", &of.person_id),
        format!("kind NOT IN ({})", elsewhere.join(", ")),
    ];
    for (comparison, place) in [(">=", first), ("<=", last)] {
        conditions.extend(place.map(|Place { at: time, position }| {
            format!("({at}) {comparison} ({}, {position})", literal(time))
        }));
    }
    format!(
        "SELECT * FROM events\nWHERE {}\nORDER BY {at};",
        conditions.join("\n  AND ")
    )
}

/// Statement for the comments of threads on a media and on its ads. A thread has the id of its first
/// comment; of a comment without an id, `positions` has the position.
pub(crate) fn threads_statement(of: &MediaRow, threads: &[&str], positions: &[i64]) -> String {
    let is = |name: &str, value: &str| format!("{name} = {}", literal(value));
    let of_threads = [
        among("comment_id", threads.iter()),
        among("parent_id", threads.iter()),
        among("position", positions.iter()),
    ];
    let of_threads: Vec<_> = of_threads.into_iter().flatten().collect();
    let conditions = [
        "kind IN ('comment', 'live_comment')".to_owned(),
        is("app", &of.app),
        is("account_id", &of.account_id),
        is(
            "coalesce(data ->> 'original_media_id', media_id)",
            &of.media_id,
        ),
        format!("({})", of_threads.join(" OR ")),
    ];
    format!(
        "SELECT * FROM events\nWHERE {}\nORDER BY position;",
        conditions.join("\n  AND ")
    )
}

/// Conditions of a filter.
fn conditions(filter: &EventFilter) -> Vec<String> {
    let is =
        |name: &str, value: &Option<String>| Some(format!("{name} = {}", literal(value.as_ref()?)));
    let at = |name: &str, at: Option<Timestamp>| Some(format!("{name} {}", literal(at?)));
    let contains = |name: &str, text: &Option<String>| {
        let pattern = containing(text.as_ref()?);
        Some(format!("{name} ~ {}", literal(pattern)))
    };
    let username = filter
        .username
        .as_ref()
        .map(|name| name.to_ascii_lowercase());
    [
        among("kind", filter.kinds.iter().map(|kind| kind.as_str())),
        among(
            "source",
            filter.sources.iter().map(|source| source.as_str()),
        ),
        is("field", &filter.field),
        is("app", &filter.app),
        among("account_id", filter.account_ids.iter()),
        of_client(filter.client.as_deref()),
        is("person_id", &filter.person_id),
        is("message_id", &filter.message_id),
        is("comment_id", &filter.comment_id),
        is("media_id", &filter.media_id),
        among("position", filter.positions.iter()),
        filter
            .delivery
            .map(|items| format!("delivery_id = {}", literal(items.id))),
        filter
            .problem
            .map(|problem| format!("problem = {}", literal(problem.as_str()))),
        filter.is_echo.map(|is_echo| format!("is_echo = {is_echo}")),
        filter.is_late.map(|is_late| late(is_late).to_owned()),
        is("lower(username)", &username),
        contains("text", &filter.text),
        contains("payload::text", &filter.payload),
        at("received_at >=", filter.since),
        at("received_at <", filter.until),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn among<T: Display>(name: &str, values: impl Iterator<Item = T>) -> Option<String> {
    let values: Vec<_> = values.map(literal).collect();
    (!values.is_empty()).then(|| format!("{name} IN ({})", values.join(", ")))
}

fn of_client(client: Option<&str>) -> Option<String> {
    let client = literal(client?);
    Some(format!(
        "(app, account_id) IN (SELECT app, account_id FROM accounts WHERE client = {client})"
    ))
}

/// A value as a string of SQL. A backslash has a meaning only in a string with E before it.
fn literal(value: impl Display) -> String {
    format!("'{}'", value.to_string().replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::event::Kind;

    #[test]
    fn a_statement_has_each_condition() {
        let filter = EventFilter {
            kinds: vec![Kind::Comment, Kind::Message],
            client: Some("o'neill".to_owned()),
            text: Some("50% \\ off".to_owned()),
            ..EventFilter::default()
        };
        let range = Between {
            after: Some(7),
            before: None,
        };
        assert_eq!(
            statement(&filter, range, (Order::Oldest, 2)),
            "SELECT * FROM events\n\
             WHERE kind IN ('comment', 'message')\n  \
             AND (app, account_id) IN (SELECT app, account_id FROM accounts \
             WHERE client = 'o''neill')\n  \
             AND text ~ '50\\% \\\\ [oO][fF][fF]'\n  \
             AND position > 7\n\
             ORDER BY position ASC\n\
             LIMIT 2;"
        );
    }
}
