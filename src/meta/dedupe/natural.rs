//! Natural keys: an id of the item, or a time with the parties and the distinguishing content.

use jiff::Timestamp;

use super::{Scope, content, hash::Hash, second};
use crate::meta::{json::Value, mid, parties::Parties};

/// Natural key of an item, built part by part.
#[derive(Debug)]
pub struct NaturalKey<'k> {
    /// Name of the item's kind.
    pub(super) kind: &'static str,
    pub(super) hash: Hash,
    /// True if the key is complete; otherwise the content identifies the item.
    pub(super) is_found: bool,
    /// Second of the time in the key, if the key has a time.
    pub(super) second: Option<u32>,
    sender: Option<&'k str>,
    recipient: Option<&'k str>,
    /// The item's own time.
    pub(super) at: Option<Timestamp>,
}

impl<'k> NaturalKey<'k> {
    /// Starts the key of an item of `kind` between `parties`.
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
            // Zero means no time.
            at: parties.timestamp.filter(|at| *at > Timestamp::UNIX_EPOCH),
        }
    }

    /// Sender and recipient of the item.
    pub fn parties(&self) -> [Option<&'k str>; 2] {
        [self.sender, self.recipient]
    }

    /// Adds a part.
    pub fn part(&mut self, part: Option<&str>) -> &mut Self {
        self.hash.part(part);
        self
    }

    /// Adds the digest of a value, independent of key order, white space and escapes.
    pub fn content(&mut self, value: Value<'_, '_>) {
        self.hash.bytes(&content::digest(value));
    }

    /// Completes the key with an id of the item, without a time.
    pub fn named(&mut self, id: Option<&str>, rest: &[Option<&str>]) {
        if id.is_some() {
            self.hash.part(id).parts(rest);
            self.is_found = true;
        }
    }

    /// Completes the key with the `mid` of a message.
    pub fn message(&mut self, mid: Option<&str>) {
        self.named(mid, &[]);
        self.second = mid.and_then(mid::created_second);
    }

    /// Completes the key with the item's own time and distinguishing content.
    pub fn at(&mut self, what: &[Option<&str>]) {
        let Some(at) = self.at else {
            return;
        };
        let milliseconds = at.as_millisecond().to_string();
        self.hash.part(Some(&milliseconds)).parts(what);
        self.is_found = true;
        self.second = second(at);
    }

    /// Completes the key with both parties, the item's own time and distinguishing content.
    pub fn between(&mut self, what: &[Option<&str>]) {
        self.hash.part(self.sender).part(self.recipient);
        self.at(what);
    }

    /// Completes the key of an action on a message with its time. The `mid` of the message implies
    /// the recipient; without a `mid` both parties are part of the key.
    pub fn of_message(&mut self, mid: Option<&str>, what: &[Option<&str>]) {
        self.hash.part(mid);
        if mid.is_none() {
            return self.between(what);
        }
        self.hash.part(self.sender);
        self.at(what);
    }
}
