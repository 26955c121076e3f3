//! Parse step: turns a verified body into a delivery with its events. It cannot fail.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    envelope::Envelope,
    meta::{
        event::Source,
        signature::VerifiedBody,
        split::{self, Context, Notification},
    },
    spool::Record,
    store::Delivery,
};

/// Parses a body that arrived at the listener. If the body is unreadable, the delivery gets a
/// `problem` and keeps the bytes. `simulated` is true for a body with a valid mark of `hookshelf
/// simulate`.
pub fn parse(envelope: Envelope, body: &VerifiedBody, simulated: bool) -> Delivery {
    let secret = Arc::clone(body.secret());
    read_body(envelope, (secret, simulated), body.bytes().clone())
}

/// Parses a body that was verified before it was spooled. The signature is not verified again,
/// since the secret may have been removed since.
pub fn read(record: Record) -> Delivery {
    let proof = (record.secret, record.simulated);
    read_body(record.envelope, proof, record.body)
}

fn read_body(envelope: Envelope, (secret, simulated): (Arc<str>, bool), body: Bytes) -> Delivery {
    let context = Context {
        app: &envelope.app,
        received_at: envelope.received_at,
    };
    let notification = split::split(&body, context);
    Delivery {
        envelope,
        secret,
        body,
        problem: notification.problem(),
        source: source(simulated, &notification),
        object: notification.object,
        event_count: notification.events.len(),
        events: notification.events,
    }
}

/// Spool record of `delivery`, from which its events can be parsed again.
pub(super) fn record(delivery: Delivery) -> Record {
    Record {
        envelope: delivery.envelope,
        simulated: delivery.source == Source::Simulated,
        secret: delivery.secret,
        body: delivery.body,
    }
}

/// Simulated wins over test: the Test button may be simulated.
fn source(simulated: bool, notification: &Notification) -> Source {
    match (simulated, notification.is_test) {
        (true, _) => Source::Simulated,
        (false, true) => Source::Test,
        (false, false) => Source::Live,
    }
}
