//! Natural keys: an id of the item's own, or a moment with the parties and what was done.

use jiff::Timestamp;

use super::{Scope, content, hash::Hash, second};
use crate::meta::{json::Value, mid, parties::Parties};

/// The natural key of an item, part by part.
#[derive(Debug)]
pub struct NaturalKey<'k> {
    /// The name of the item's kind.
    pub(super) kind: &'static str,
    pub(super) hash: Hash,
    /// True once the key is complete; an item whose key is not is named by its content.
    pub(super) is_found: bool,
    /// The second of the time in the key, if it has one.
    pub(super) second: Option<u32>,
    sender: Option<&'k str>,
    recipient: Option<&'k str>,
    /// The item's own time.
    pub(super) at: Option<Timestamp>,
}

impl<'k> NaturalKey<'k> {
    /// The beginning of the key of an item of `kind` between `parties`.
    pub fn new(scope: &Scope, kind: &'static str, parties: &'k Parties<'_>) -> Self {
        let mut hash = scope.hash.clone();
        hash.part(Some(kind)).part(Some("natural"));
        let sender = parties.sender_id.as_deref();
        Self {
            kind,
            hash,
            is_found: false,
            second: None,
            sender: sender.or(parties.user_ref.as_deref()),
            recipient: parties.recipient_id.as_deref(),
            // Zero stands for no time.
            at: parties.timestamp.filter(|at| *at > Timestamp::UNIX_EPOCH),
        }
    }

    /// Sender and recipient.
    pub fn parties(&self) -> [Option<&'k str>; 2] {
        [self.sender, self.recipient]
    }

    /// Adds a part.
    pub fn part(&mut self, part: Option<&str>) -> &mut Self {
        self.hash.part(part);
        self
    }

    /// Adds the content of a value, whatever its key order, white space and escapes.
    pub fn content(&mut self, value: Value<'_, '_>) {
        self.hash.bytes(&content::digest(value));
    }

    /// Ends with an id of the item's own, in which no time stands.
    pub fn named(&mut self, id: Option<&str>, rest: &[Option<&str>]) {
        if id.is_some() {
            self.hash.part(id).parts(rest);
            self.is_found = true;
        }
    }

    /// Ends with the `mid` of a message.
    pub fn message(&mut self, mid: Option<&str>) {
        self.named(mid, &[]);
        self.second = mid.and_then(mid::created_second);
    }

    /// Ends with the item's own time and what was done.
    pub fn at(&mut self, what: &[Option<&str>]) {
        let Some(at) = self.at else {
            return;
        };
        let milliseconds = at.as_millisecond().to_string();
        self.hash.part(Some(&milliseconds)).parts(what);
        self.is_found = true;
        self.second = second(at);
    }

    /// Ends with both parties, the item's own time and what was done.
    pub fn between(&mut self, what: &[Option<&str>]) {
        self.hash.part(self.sender).part(self.recipient);
        self.at(what);
    }

    /// Ends with the time of something done to a message: its `mid` implies the recipient. Without
    /// one both parties count.
    pub fn of_message(&mut self, mid: Option<&str>, what: &[Option<&str>]) {
        self.hash.part(mid);
        if mid.is_none() {
            return self.between(what);
        }
        self.hash.part(self.sender);
        self.at(what);
    }
}
