//! Filters of a list as chips, each a part of a form with GET.

use std::collections::BTreeMap;

use super::kinds::{Look, look_of};
use crate::{
    http::parameters::Parameters,
    meta::event::{Kind, Problem, Source},
    query::{Count, Dimension},
};

/// Filters of a list.
#[derive(Debug)]
pub(super) struct Filters {
    /// Path of the list.
    pub(super) path: &'static str,
    /// Empty for a list of other things than events.
    pub(super) kinds: Vec<KindChoice>,
    pub(super) fields: Vec<Field>,
    /// Parameters that the form keeps without showing them.
    pub(super) hidden: Vec<(&'static str, String)>,
}

/// A kind to choose, with its events in the time of the list.
#[derive(Debug)]
pub(super) struct KindChoice {
    pub(super) name: &'static str,
    pub(super) look: Look,
    pub(super) count: i64,
    pub(super) is_chosen: bool,
}

/// A filter with one value.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) about: &'static str,
    /// Allowed values, if they are few.
    pub(super) choices: Option<Vec<&'static str>>,
    pub(super) value: Option<String>,
    /// Link to the list without this filter.
    pub(super) without: String,
}

/// Number of the filters that are always shown; others are shown if they are set.
const COMMON: usize = 6;

/// Name, label and meaning of each filter with any value, the common ones first.
const FIELDS: [(&str, &str, &str); 17] = [
    ("account", "Account", "Id, label or user name"),
    ("person", "Person", "Instagram-scoped id"),
    ("username", "User name", "User name of the other party"),
    ("text", "Words", "Part of the written text"),
    ("source", "Source", "Source of the delivery"),
    ("problem", "Problem", "Problem on reading it"),
    ("payload", "Payload", "Part of the item's own JSON"),
    ("message", "Message", "Message id"),
    ("comment", "Comment", "Comment id"),
    ("media", "Media", "Media id"),
    ("delivery", "Delivery", "Delivery id"),
    ("field", "Field", "Subscription field"),
    ("app", "App", "Configured app"),
    ("echo", "Echo", "true or false"),
    ("late", "Late", "Received over an hour after it occurred"),
    ("token", "Token", "Name of the token or user"),
    (
        "subject",
        "Subject",
        "Position, delivery, person, account, or name of a consumer",
    ),
];

/// Parameters that a form of filters keeps, unless it has a field of this name.
const KEPT: [&str; 5] = ["since", "until", "account", "client", "newest"];

impl Filters {
    /// Filters of a request for events at `path`, with the counts of the kinds. `link` makes a link to
    /// the list with changed parameters.
    pub(super) fn of_events(
        path: &'static str,
        parameters: &Parameters,
        counts: &[Count],
        link: impl Fn(&[(&str, String)]) -> String,
    ) -> Self {
        let names = FIELDS.iter().map(|(name, ..)| *name).enumerate();
        let is_shown = |(place, name): &(usize, &str)| {
            parameters.knows(name) && (*place < COMMON || given(parameters, name).is_some())
        };
        let names = names.filter(is_shown).map(|(_, name)| name);
        Self {
            kinds: kinds(parameters, counts),
            ..Self::of(path, names, parameters, link)
        }
    }

    /// Filters of a request for the list at `path`, by these names.
    pub(super) fn of(
        path: &'static str,
        names: impl IntoIterator<Item = &'static str>,
        parameters: &Parameters,
        link: impl Fn(&[(&str, String)]) -> String,
    ) -> Self {
        let field = |name: &'static str| {
            let (_, label, about) = FIELDS.into_iter().find(|(known, ..)| *known == name)?;
            Some(Field {
                name,
                label,
                about,
                choices: choices(name),
                value: given(parameters, name),
                without: link(&[(name, String::new())]),
            })
        };
        let fields: Vec<Field> = names.into_iter().filter_map(field).collect();
        let kept = KEPT.into_iter();
        let kept = kept.filter(|name| fields.iter().all(|field| field.name != *name));
        Self {
            path,
            kinds: Vec::new(),
            hidden: kept
                .filter_map(|name| Some((name, given(parameters, name)?)))
                .collect(),
            fields,
        }
    }

    /// True if a kind is chosen.
    pub(super) fn has_kinds(&self) -> bool {
        self.kinds.iter().any(|kind| kind.is_chosen)
    }

    /// Words of the chosen kinds: the first, and the number of the others.
    pub(super) fn chosen_kinds(&self) -> String {
        let mut chosen = self.kinds.iter().filter(|kind| kind.is_chosen);
        let first = chosen.next().map_or("", |kind| kind.look.word);
        match chosen.count() {
            0 => first.to_owned(),
            others => format!("{first} + {others}"),
        }
    }

    /// True if a filter or a time is set. Only events apply the client that the frame chose.
    pub(super) fn is_narrowed(&self) -> bool {
        let is_set = |field: &Field| field.value.is_some();
        let is_filter = |(name, _): &(&str, String)| match *name {
            "since" | "until" => true,
            "client" => !self.kinds.is_empty(),
            _ => false,
        };
        self.has_kinds() || self.fields.iter().any(is_set) || self.hidden.iter().any(is_filter)
    }
}

impl Field {
    pub(super) fn is(&self, choice: &str) -> bool {
        self.value.as_deref() == Some(choice)
    }
}

/// All kinds, those with the most events first.
fn kinds(parameters: &Parameters, counts: &[Count]) -> Vec<KindChoice> {
    let mut events: BTreeMap<&str, i64> = BTreeMap::new();
    for count in counts {
        let kind = count.values.iter().find(|(by, _)| *by == Dimension::Kind);
        if let Some((_, Some(kind))) = kind {
            *events.entry(kind).or_default() += count.events;
        }
    }
    let chosen: Vec<_> = parameters
        .pairs()
        .filter(|(name, _)| *name == "kind")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let choice = |kind: &Kind| KindChoice {
        name: kind.as_str(),
        look: look_of(kind.as_str()),
        count: events.get(kind.as_str()).copied().unwrap_or_default(),
        is_chosen: chosen.contains(&kind.as_str()),
    };
    let mut kinds: Vec<_> = Kind::ALL.iter().map(choice).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

fn choices(name: &str) -> Option<Vec<&'static str>> {
    match name {
        "source" => Some(Source::ALL.iter().map(|it| it.as_str()).collect()),
        "problem" => Some(Problem::ALL.iter().map(|it| it.as_str()).collect()),
        "late" => Some(vec!["true", "false"]),
        _ => None,
    }
}

fn given(parameters: &Parameters, name: &str) -> Option<String> {
    let value = parameters.get(name).filter(|value| !value.is_empty());
    value.map(str::to_owned)
}
