//! Splits a notification into events: one per change, messaging item or standby item.
//!
//! The split is total. For any bytes it returns the events it found and the problems it met. The
//! caller keeps a signed but unreadable body all the same.

mod entry;
mod kind;
mod place;
mod row;

use bytes::Bytes;
use bytestring::ByteString;
use jiff::Timestamp;

use super::{
    dedupe::Occurrences,
    event::{Event, Problem},
    json::{self, Index, Object, Value},
    sanitise::SafeText,
};
use entry::{Entry, Item};
use kind::Typing;
use row::Around;

pub use place::{Part, Place, Wrapper, places};

/// Maximum number of items. If there are more, only the body is kept: Meta sends 1,000 at most
/// (Graph API Webhooks, Getting Started), and each item takes memory.
pub const MAX_ITEMS: usize = 5_000;

/// Maximum length of an id in a column, in bytes. Meta's longest, the `mid`, has 164.
pub(super) const MAX_ID: usize = 512;

/// Maximum length in the body of a string that may fit into a column, if every byte is escaped.
const MAX_SPELLED: usize = 6 * MAX_ID + 2;

/// Input of the split beside the body.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// App of the delivery, part of every dedupe key.
    pub app: &'a str,
    /// Receive time: a time more than a day later is implausible.
    pub received_at: Timestamp,
}

/// A parsed body.
#[derive(Clone, Debug, Default)]
pub struct Notification {
    /// `object`, of the first notification if the body is a list of notifications.
    pub object: Option<ByteString>,
    /// True if sent by the dashboard's Test button: the id of each entry is `0`.
    pub is_test: bool,
    /// Events of the items, for each entry in the order changes, messaging, standby, flat,
    /// `changed_fields`.
    pub events: Vec<Event>,
    /// Problem on reading the body.
    pub unreadable: Option<Problem>,
}

impl Notification {
    /// The first problem, of the body or of an event.
    pub fn problem(&self) -> Option<Problem> {
        self.unreadable
            .or_else(|| self.events.iter().find_map(|event| event.problem))
    }
}

/// Splits a body.
pub fn split(body: &Bytes, context: Context<'_>) -> Notification {
    match document(body) {
        Ok((text, index)) => Walk::over(&text, &index, mark(body), context),
        Err(problem) => Notification {
            unreadable: Some(problem),
            ..Notification::default()
        },
    }
}

/// UTF-8 byte order mark, which some senders write before a document.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Length of the byte order mark of a body.
fn mark(body: &[u8]) -> usize {
    if body.starts_with(MARK) {
        MARK.len()
    } else {
        0
    }
}

/// Parses the body into a storable JSON text and its index.
fn document(body: &Bytes) -> Result<(SafeText, Index), Problem> {
    let text = ByteString::try_from(body.slice(mark(body)..)).map_err(|_| Problem::NotUtf8)?;
    match Index::of(&text) {
        Some(index) if index.has_escapes() => Ok((SafeText::new(text), index)),
        Some(index) => Ok((SafeText::unescaped(text), index)),
        None if text.trim().is_empty() => Err(Problem::Empty),
        None => Err(Problem::NotJson),
    }
}

/// The notifications of a body: usually the document itself, else the members of a list.
fn documents<'t, 'a>(root: Value<'t, 'a>) -> impl Iterator<Item = Object<'t, 'a>> {
    let list = root.list().filter(|list| list.clone().next().is_some());
    let single = list.is_none().then_some(root);
    let all = single.into_iter().chain(list.unwrap_or_default());
    all.map(|document| document.object().unwrap_or_default())
}

/// State of the split of a document.
struct Walk<'a> {
    text: &'a SafeText,
    /// Offset of the text in the body.
    start: usize,
    too_deep: bool,
    context: Context<'a>,
    occurrences: Occurrences,
    /// True if an entry was not sent by the Test button.
    is_live: bool,
    found: Notification,
}

impl<'a> Walk<'a> {
    fn over(text: &'a SafeText, index: &Index, start: usize, context: Context<'a>) -> Notification {
        let mut walk = Self {
            text,
            start,
            too_deep: index.depth() > json::MAX_DEPTH,
            context,
            occurrences: Occurrences::default(),
            is_live: false,
            found: Notification::default(),
        };
        documents(index.root(text.as_str())).for_each(|document| walk.document(&document));
        walk.end()
    }

    fn document(&mut self, document: &Object<'_, 'a>) {
        let object = document.text("object").filter(|object| !object.is_empty());
        let app = self.context.app;
        if let Some(entries) = document.list("entry") {
            let typing = Typing::of(object.as_deref());
            for value in entries {
                match Entry::read(value, app) {
                    Some(entry) => self.entry(&entry, typing),
                    None => self.found.unreadable = Some(Problem::UnknownShape),
                }
            }
        } else if let Some(envelope) = Entry::threads(document, app) {
            self.items(&envelope, Typing::NONE, envelope.values());
        } else {
            self.found.unreadable = Some(Problem::UnknownShape);
        }
        self.found.object = self
            .found
            .object
            .take()
            .or(object.map(|object| self.text.share(row::short(object))));
    }

    fn entry(&mut self, entry: &Entry<'_, 'a>, typing: Typing) {
        self.is_live |= !entry.is_test();
        self.found.is_test |= entry.is_test();
        if entry.is_odd() {
            self.found.unreadable = Some(Problem::UnknownShape);
        }
        self.items(entry, typing, entry.items());
    }

    fn items<'t>(
        &mut self,
        entry: &Entry<'t, 'a>,
        typing: Typing,
        items: impl Iterator<Item = Item<'t, 'a>>,
    ) where
        'a: 't,
    {
        let around = Around {
            text: self.text,
            start: self.start,
            entry,
            typing,
            received_at: self.context.received_at,
        };
        for item in items {
            if self.found.events.len() > MAX_ITEMS {
                return;
            }
            let too_deep = self.too_deep && item.slice.depth() > json::MAX_DEPTH;
            let event = row::event(&item, &around, too_deep, &mut self.occurrences);
            self.found.events.push(event);
        }
    }

    fn end(mut self) -> Notification {
        self.found.is_test &= !self.is_live;
        if self.found.unreadable.is_some() && self.too_deep {
            self.found.unreadable = Some(Problem::TooDeep);
        }
        if self.found.events.len() > MAX_ITEMS {
            self.found.events = Vec::new();
            self.found.unreadable = Some(Problem::TooManyItems);
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
