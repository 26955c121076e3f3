//! The third step of a delivery: an arrival becomes a delivery with its events, and one of the
//! spool a delivery again. It cannot fail.

use super::Arrival;
use crate::{
    meta::{
        event::Source,
        split::{self, Context, Notification},
    },
    spool::Record,
    store::Delivery,
};

/// Reads the body of `arrival`. What cannot be read becomes the delivery's problem; the bytes stay.
pub fn parse(arrival: Arrival) -> Delivery {
    read(Record {
        id: arrival.id,
        received_at: arrival.received_at,
        app: arrival.app,
        headers: arrival.headers,
        remote_addr: arrival.remote_addr,
        simulated: arrival.simulated,
        secret: arrival.body.secret().clone(),
        body: arrival.body.bytes().clone(),
    })
}

/// Reads what was verified before it went into the spool. The secret that proved it may be gone
/// since, and so it is not asked again.
pub fn read(record: Record) -> Delivery {
    let context = Context {
        app: &record.app,
        received_at: record.received_at,
    };
    let notification = split::split(&record.body, context);
    Delivery {
        id: record.id,
        received_at: record.received_at,
        headers: record.headers,
        remote_addr: record.remote_addr,
        secret: record.secret,
        problem: notification.problem(),
        source: source(record.simulated, &notification),
        app: record.app,
        body: record.body,
        object: notification.object,
        event_count: notification.events.len(),
        events: notification.events,
    }
}

/// What the spool keeps of `delivery`: all that its events can be read from again.
pub(super) fn record(delivery: Delivery) -> Record {
    Record {
        id: delivery.id,
        received_at: delivery.received_at,
        app: delivery.app,
        headers: delivery.headers,
        remote_addr: delivery.remote_addr,
        simulated: delivery.source == Source::Simulated,
        secret: delivery.secret,
        body: delivery.body,
    }
}

/// A simulated press of the Test button is simulated before it is a test.
fn source(simulated: bool, notification: &Notification) -> Source {
    match (simulated, notification.is_test) {
        (true, _) => Source::Simulated,
        (false, true) => Source::Test,
        (false, false) => Source::Live,
    }
}
