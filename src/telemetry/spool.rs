//! What happens to deliveries that Postgres does not take at once.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    messages::messages,
    metrics::{EVENTS, SPOOL_REFUSALS},
    sparingly::sparingly,
};

messages! {
    /// Neither Postgres nor the spool accepted a delivery, and it got 503.
    SpoolRefused { code: &'static str }
        "spool refused a delivery" [code] ERROR if sparingly!(), DEBUG
        => SPOOL_REFUSALS.count([("code", code.into())]);

    /// A delivery of the spool was committed. Moves metrics only.
    DeliveryDrained { app: Arc<str>, new: usize, repeated: usize }
        => for (seen, items) in [("new", new), ("repeated", repeated)] {
            let labels = [("app", app.clone().into()), ("seen", seen.into())];
            EVENTS.counter(labels).increment(items as u64);
        };

    /// Postgres fails on this delivery alone. It is tried again after the others.
    DeliveryPassedOver { delivery: Uuid }
        "delivery put behind the others in the spool" [delivery = display(delivery)] WARN;
}
