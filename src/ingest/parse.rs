//! The third step of a delivery: an arrival becomes a delivery with its events. It cannot fail.

use super::Arrival;
use crate::{
    meta::{
        event::Source,
        split::{self, Context, Notification},
    },
    store::Delivery,
};

/// Reads the body of `arrival`. What cannot be read becomes the delivery's problem; the bytes stay.
pub fn parse(arrival: Arrival) -> Delivery {
    let bytes = arrival.body.bytes();
    let context = Context {
        app: &arrival.app,
        received_at: arrival.received_at,
    };
    let notification = split::split(bytes, context);
    Delivery {
        id: arrival.id,
        received_at: arrival.received_at,
        body: bytes.clone(),
        headers: arrival.headers,
        remote_addr: arrival.remote_addr,
        secret: arrival.body.secret().clone(),
        problem: notification.problem(),
        source: source(arrival.simulated, &notification),
        app: arrival.app,
        object: notification.object,
        event_count: notification.events.len(),
        events: notification.events,
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
