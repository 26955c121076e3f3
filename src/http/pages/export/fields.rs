//! Filters of a list as fields of the form.

use super::data::{Data, Given};
use crate::{
    http::{
        api::filters::{names, problem_names},
        pages::kinds::{Look, look_of},
    },
    meta::event::{Kind, Problem, Source},
};

/// A filter with one value.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    /// Allowed values, if they are few.
    pub(super) choices: Vec<&'static str>,
    pub(super) value: String,
}

/// A kind to choose.
#[derive(Debug)]
pub(super) struct KindChoice {
    pub(super) name: &'static str,
    pub(super) look: Look,
    pub(super) is_chosen: bool,
}

/// Label and hint of each filter.
const FIELDS: [(&str, &str, &str); 22] = [
    ("since", "Since", "24h, today, 2026-11-30"),
    ("until", "Until", "1h, today, 2026-11-30"),
    ("account", "Account", "Id, label or user name"),
    ("client", "Client", "Client of the account"),
    ("person", "Person", "Instagram-scoped id"),
    ("username", "User name", "Of the other party"),
    ("text", "Words", "Part of the text"),
    ("source", "Source", ""),
    ("problem", "Problem", ""),
    ("app", "App", "Configured app"),
    ("field", "Field", "Subscription field"),
    ("message", "Message", "Message id"),
    ("comment", "Comment", "Comment id"),
    ("media", "Media", "Media id"),
    ("delivery", "Delivery", "Delivery id"),
    ("echo", "Sent by the account", ""),
    ("late", "Over an hour late", ""),
    ("payload", "Payload", "Part of the item's JSON"),
    ("waiting", "Waiting for an answer", ""),
    ("unanswered", "With unanswered comments", ""),
    ("token", "Token", "Name of the token"),
    ("subject", "Subject", "Position, delivery, person, account"),
];

/// Fields of a list with their values, but for the kinds.
pub(super) fn fields(data: Data, given: &[Given]) -> Vec<Field> {
    let filters = data.filters().iter();
    let known = filters.filter_map(|name| FIELDS.iter().find(|(other, ..)| other == name));
    let field = |&(name, label, hint): &(&'static str, &'static str, &'static str)| Field {
        name,
        label,
        hint,
        choices: choices(data, name),
        value: values(given, name).next().unwrap_or_default().to_owned(),
    };
    known.map(field).collect()
}

/// Kinds to choose; none for a list without them.
pub(super) fn kinds(data: Data, given: &[Given]) -> Vec<KindChoice> {
    if !data.filters().contains(&"kind") {
        return Vec::new();
    }
    let chosen: Vec<_> = values(given, "kind")
        .flat_map(|value| value.split(','))
        .collect();
    let choice = |kind: &Kind| KindChoice {
        name: kind.as_str(),
        look: look_of(kind.as_str()),
        is_chosen: chosen.contains(&kind.as_str()),
    };
    Kind::ALL.iter().map(choice).collect()
}

fn values<'g>(given: &'g [Given], name: &str) -> impl Iterator<Item = &'g str> {
    let named = given.iter().filter(move |(other, _)| *other == name);
    named.map(|(_, value)| value.as_str())
}

fn choices(data: Data, name: &str) -> Vec<&'static str> {
    match name {
        "problem" if data == Data::Deliveries => problem_names(),
        "source" => names(Source::ALL, Source::as_str),
        "problem" => names(Problem::ALL, Problem::as_str),
        "echo" | "late" | "waiting" | "unanswered" => vec!["true", "false"],
        _ => Vec::new(),
    }
}
