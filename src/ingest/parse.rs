//! Parse: a verified body becomes a delivery with its events. It cannot fail.

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

/// Reads a body that came through the door. What cannot be read becomes the delivery's problem;
/// the bytes stay. `simulated` is true for a body with a valid mark of `hookshelf simulate`.
pub fn parse(envelope: Envelope, body: &VerifiedBody, simulated: bool) -> Delivery {
    let secret = Arc::clone(body.secret());
    read_body(envelope, (secret, simulated), body.bytes().clone())
}

/// Reads a body that was verified before it went into the spool. The secret that proved it may be
/// gone since, so the signature is not checked again.
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

/// The spool's record of `delivery`: everything that its events can be read from again.
pub(super) fn record(delivery: Delivery) -> Record {
    Record {
        envelope: delivery.envelope,
        simulated: delivery.source == Source::Simulated,
        secret: delivery.secret,
        body: delivery.body,
    }
}

/// Simulated wins over test: a press of the Test button may be simulated.
fn source(simulated: bool, notification: &Notification) -> Source {
    match (simulated, notification.is_test) {
        (true, _) => Source::Simulated,
        (false, true) => Source::Test,
        (false, false) => Source::Live,
    }
}
