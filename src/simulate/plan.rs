//! The deliveries of one run, in the order in which they are sent.

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    envelope::{
        change, changes_entry, changes_notification, messaging_entry, messaging_notification,
        standby_entry,
    },
    json::{Json, object},
    serialise::Sender,
    world::{Moment, World},
};
use crate::meta::event::Kind;

/// Kinds as an expectation spells them: `message`, or `message!echo` for an echo.
pub type Kinds = &'static [&'static str];

/// One delivery to send, and what a receiver must make of it.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What it shows: the name of the fixture of the same shape, such as `messages/text`.
    pub name: &'static str,
    /// The events that come out, in the order of `tests/fixtures/README.md`.
    pub kinds: Kinds,
    /// How many of these events repeat another one of the same delivery.
    pub repeats: usize,
    /// Which of Meta's senders it is written like.
    pub sender: Sender,
    /// The bytes to sign and send.
    pub body: Bytes,
}

impl Variant {
    /// Whether one of its events has one of these kinds.
    pub(super) fn has_one_of(&self, kinds: &[Kind]) -> bool {
        self.kinds
            .iter()
            .map(|kind| kind.split('!').next().unwrap_or_default())
            .any(|name| kinds.iter().any(|kind| kind.as_str() == name))
    }
}

/// Collects variants as the stories tell them.
pub(super) struct Plan {
    pub(super) world: World,
    variants: Vec<Variant>,
}

impl Plan {
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        Self {
            world: World::new(seed, now),
            variants: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<Variant> {
        self.variants
    }

    /// Somebody writes to an account; `keys` follow the `mid` of the message.
    pub(super) fn message(&mut self, name: &'static str, keys: Json) {
        let moment = self.world.moment();
        let item = moment.message(keys);
        self.item(name, &["message"], &moment, item);
    }

    /// An account writes to somebody.
    pub(super) fn echo(&mut self, name: &'static str, keys: Json) {
        let moment = self.world.moment();
        let message = object! { "mid": &moment.mid }.and(keys);
        let item = moment.sent(object! { "message": message.and(object! { "is_echo": true }) });
        self.item(name, &["message!echo"], &moment, item);
    }

    /// A messaging item in a delivery of its own, which a person caused.
    pub(super) fn received(&mut self, name: &'static str, kinds: Kinds, keys: Json) {
        let moment = self.world.moment();
        let item = moment.received(keys);
        self.item(name, kinds, &moment, item);
    }

    /// A messaging item in a delivery of its own.
    pub(super) fn item(&mut self, name: &'static str, kinds: Kinds, moment: &Moment, item: Json) {
        let entry = messaging_entry(moment.talk.account.id, moment.sent_at, vec![item]);
        let body = messaging_notification("instagram", vec![entry]);
        self.post(name, kinds, Sender::Messaging, &body);
    }

    /// A standby item in a delivery of its own.
    pub(super) fn standby(
        &mut self,
        name: &'static str,
        kinds: Kinds,
        moment: &Moment,
        item: Json,
    ) {
        let entry = standby_entry(moment.talk.account.id, moment.sent_at, vec![item]);
        let body = messaging_notification("instagram", vec![entry]);
        self.post(name, kinds, Sender::Messaging, &body);
    }

    /// A change of an account in a delivery of its own.
    pub(super) fn change(&mut self, name: &'static str, kinds: Kinds, field: &str, value: Json) {
        let account = self.world.account();
        self.changes(name, kinds, account.id, vec![change(field, value)]);
    }

    /// Changes of one account in a delivery.
    pub(super) fn changes(
        &mut self,
        name: &'static str,
        kinds: Kinds,
        account_id: &str,
        changes: Vec<Json>,
    ) -> &mut Variant {
        let entry = changes_entry(account_id, self.world.tick(), changes);
        let body = changes_notification("instagram", vec![entry]);
        self.post(name, kinds, Sender::Changes, &body)
    }

    /// Any body.
    pub(super) fn post(
        &mut self,
        name: &'static str,
        kinds: Kinds,
        sender: Sender,
        body: &Json,
    ) -> &mut Variant {
        self.variants.push_mut(Variant {
            name,
            kinds,
            repeats: 0,
            sender,
            body: sender.write(body).into(),
        })
    }
}
