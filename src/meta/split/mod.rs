//! Turns a notification into events: one per change, messaging item or standby item.
//!
//! The split is total. Whatever the bytes are, it says what it found and what it could not read;
//! a body that is signed but strange is kept by its caller all the same.

mod entry;
mod kind;
mod row;

use jiff::Timestamp;

use super::{
    event::{Event, Problem},
    fields::Detail,
    json::{self, Object},
    sanitise::SafeText,
};
use entry::Entry;
use kind::Typed;

/// More items than this and the body alone is kept: Meta sends 1,000 at most (Graph API Webhooks,
/// Getting Started), and each takes memory.
pub const MAX_ITEMS: usize = 5_000;

/// The longest id a column holds, in bytes. Meta's longest, the `mid`, has 164.
const MAX_ID: usize = 512;

/// What the split has to know beside the body.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The app that the delivery belongs to: part of every dedupe key.
    pub app: &'a str,
    /// When it arrived: nothing can have happened a day later.
    pub received_at: Timestamp,
}

/// A body, read.
#[derive(Clone, Debug, Default)]
pub struct Notification {
    /// `object`, of the first notification where the body is a list of them.
    pub object: Option<String>,
    /// The dashboard's Test button made it: an entry's id is `0`.
    pub is_test: bool,
    /// Its items, in the order changes, messaging, standby, flat, `changed_fields` of each entry.
    pub events: Vec<Event>,
    /// What of the body could not be read.
    pub unreadable: Option<Problem>,
}

impl Notification {
    /// The first thing that could not be read as it came, in the body or in an item.
    pub fn problem(&self) -> Option<Problem> {
        self.unreadable
            .or_else(|| self.events.iter().find_map(|event| event.problem))
    }
}

/// Reads a body.
pub fn split(body: &[u8], context: Context<'_>) -> Notification {
    match json_text(body) {
        Ok(text) => Walk::over(&SafeText::new(text), context),
        Err(problem) => Notification {
            unreadable: Some(problem),
            ..Notification::default()
        },
    }
}

/// The typed content of an event, read again from its payload.
pub fn detail(event: &Event) -> Detail<'_> {
    let payload = event.payload.as_deref().unwrap_or_default();
    let typed = Typed::of(event.kind, event.channel, payload);
    Detail::read(typed.kind, typed.key, &typed.value)
}

/// The body as one JSON document; what is inside it is not read yet.
fn json_text(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::NotUtf8)?;
    if text.trim().is_empty() {
        return Err(Problem::Empty);
    }
    let document: &serde_json::value::RawValue =
        serde_json::from_str(text).map_err(|_| Problem::NotJson)?;
    Ok(document.get())
}

/// The way through a document.
struct Walk<'a> {
    text: &'a SafeText<'a>,
    context: Context<'a>,
    found: Notification,
}

impl<'a> Walk<'a> {
    fn over(text: &'a SafeText<'a>, context: Context<'a>) -> Notification {
        let document = text.as_str();
        let mut walk = Self {
            text,
            context,
            found: Notification::default(),
        };
        match json::list(document) {
            Some(documents) if !documents.is_empty() => {
                for document in documents {
                    walk.document(document);
                }
            }
            _ => walk.document(document),
        }
        if walk.found.unreadable.is_some() && json::too_deep(document) {
            walk.found.unreadable = Some(Problem::TooDeep);
        }
        if walk.found.events.len() > MAX_ITEMS {
            walk.found.events = Vec::new();
            walk.found.unreadable = Some(Problem::TooManyItems);
        }
        walk.found
    }

    fn document(&mut self, document: &'a str) {
        let document = Object::read(document).unwrap_or_default();
        let object = document.text("object").filter(|object| !object.is_empty());
        let entries = document.list("entry");
        if entries.is_none() {
            self.found.unreadable = Some(Problem::UnknownShape);
        }
        for text in entries.unwrap_or_default() {
            match Entry::read(text, object.as_deref(), self.context.app) {
                Some(entry) => self.entry(&entry),
                None => self.found.unreadable = Some(Problem::UnknownShape),
            }
        }
        self.found.object = self
            .found
            .object
            .take()
            .or(object.as_deref().map(row::short));
    }

    fn entry(&mut self, entry: &Entry<'a>) {
        self.found.is_test |= entry.id.as_deref() == Some("0");
        if entry.is_odd() {
            self.found.unreadable = Some(Problem::UnknownShape);
        }
        let id_touched = self.text.touched(entry.id_source());
        for item in entry.items() {
            if self.found.events.len() > MAX_ITEMS {
                return;
            }
            let touched = id_touched || item.sources.iter().any(|part| self.text.touched(part));
            self.found
                .events
                .push(row::event(&item, entry, touched, self.context.received_at));
        }
    }
}

#[cfg(test)]
mod tests;
