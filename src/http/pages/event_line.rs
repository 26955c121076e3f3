//! Line of an event in a list.

use std::fmt;

use askama::filters::{HtmlSafe, Safe};
use jiff::{SignedDuration, Timestamp};

use super::{
    accounts::{AccountName, AccountNames},
    kinds::{Look, look_of},
    text::{short_id, stored},
};
use crate::query::{self, EventForm, EventRow};

/// Time between occurrence and receipt from which an event is late.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Maximum number of characters of a text in a line.
const LONGEST: usize = 280;

/// Line of an event.
#[derive(Debug)]
pub(super) struct EventLine {
    pub(super) position: i64,
    pub(super) received_at: Timestamp,
    pub(super) occurred_at: Option<Timestamp>,
    /// Link of the line in its list; empty outside of one.
    pub(super) link: String,
    /// True if the event is open beside the list.
    pub(super) is_open: bool,
    pub(super) look: Look,
    pub(super) is_echo: bool,
    pub(super) account: Option<AccountName>,
    pub(super) person: Option<Person>,
    pub(super) said: Said,
    pub(super) notes: Vec<Note>,
}

/// The other party of an event.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) username: Option<String>,
}

/// The written text of an event.
#[derive(Debug)]
pub(super) enum Said {
    Text(String),
    /// The reader may not see it.
    Masked,
    /// It was erased at this time.
    Erased(Timestamp),
    /// The kind has none, or the event.
    Nothing,
}

/// Remark on an event.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) icon: &'static str,
    pub(super) text: String,
}

impl EventLine {
    /// Line of an event.
    pub(super) fn of(event: &EventForm, names: &AccountNames) -> Self {
        let row = event.columns();
        Self {
            position: row.position,
            received_at: row.received_at,
            occurred_at: row.occurred_at,
            link: String::new(),
            is_open: false,
            look: look_of(&row.kind),
            is_echo: row.is_echo,
            account: row.account_id.as_deref().map(|id| names.get(id)),
            person: row.person_id.clone().map(|id| Person {
                id,
                username: row.username.clone(),
            }),
            said: said(event),
            notes: notes(row),
        }
    }
}

impl EventLine {
    /// The line in a list, with its link.
    pub(super) fn in_list(self, link: String, is_open: bool) -> Self {
        Self {
            link,
            is_open,
            ..self
        }
    }
}

impl Person {
    /// The user name, or the shortened id.
    pub(super) fn shown(&self) -> Safe<Shown<'_>> {
        Safe(Shown(self))
    }
}

/// Name of a person as HTML.
#[derive(Debug)]
pub(super) struct Shown<'p>(&'p Person);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.username {
            Some(username) => write!(f, "{}", stored(&format!("@{username}")).0),
            None => write!(
                f,
                "<span class=\"mono\">{}</span>",
                stored(&short_id(&self.0.id)).0
            ),
        }
    }
}

impl HtmlSafe for Shown<'_> {}

fn said(event: &EventForm) -> Said {
    let row = event.columns();
    let text = row.text.clone().or_else(|| query::reaction(row));
    match (text, row.erased_at) {
        (Some(text), _) => Said::Text(text.chars().take(LONGEST).collect()),
        (None, Some(at)) => Said::Erased(at),
        (None, None) if event.is_masked() => Said::Masked,
        (None, None) => Said::Nothing,
    }
}

fn notes(row: &EventRow) -> Vec<Note> {
    let note = |icon, text: String| Note { icon, text };
    let mut notes = Vec::new();
    if let Some(problem) = &row.problem {
        notes.push(note("triangle-alert", problem.replace('_', " ")));
    }
    if row.source != "live" {
        notes.push(note("tag", row.source.clone()));
    }
    let late = row.occurred_at.map(|at| row.received_at.duration_since(at));
    if let Some(late) = late.filter(|late| *late > LATE) {
        notes.push(note("clock", format!("{} late", duration(late))));
    }
    notes
}

/// Duration in its largest unit.
pub(super) fn duration(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
