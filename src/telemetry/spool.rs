//! Events of single deliveries in the spool.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    messages::messages,
    metrics::{EVENTS, SPOOL_REFUSALS},
    sparingly::sparingly,
};

messages! {
    target: "spool";

    /// Postgres did not accept it either. Meta sends it again.
    SpoolRefused { code: &'static str }
        "failed to spool a delivery; it got 503" [code] ERROR if sparingly!(), DEBUG
        => SPOOL_REFUSALS.count([("code", code.into())]);

    /// A delivery of the spool was committed. Moves metrics only.
    DeliveryDrained { app: Arc<str>, new: usize, repeated: usize }
        => for (seen, items) in [("new", new), ("repeated", repeated)] {
            let labels = [("app", app.clone().into()), ("seen", seen.into())];
            EVENTS.counter(labels).increment(items as u64);
        };

    /// Postgres fails on this delivery only.
    DeliveryPassedOver { delivery: Uuid }
        "failed to drain a delivery; it is retried after the others" [delivery = display(delivery)] WARN;
}
