//! What happens to deliveries that Postgres does not take at once.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    messages::messages,
    metrics::{EVENTS, SPOOL_REFUSALS},
    sparingly::sparingly,
};

messages! {
    /// The spool did not take a delivery that Postgres did not take: it was not acked.
    SpoolRefused { code: &'static str }
        "spool refused a delivery" [code] ERROR if sparingly!(), DEBUG
        => SPOOL_REFUSALS.count([("code", code.into())]);

    /// A delivery of the spool was committed: only metrics, the drain tells how it gets on.
    DeliveryDrained { app: Arc<str>, new: usize, repeated: usize }
        => for (seen, items) in [("new", new), ("repeated", repeated)] {
            let labels = [("app", app.clone().into()), ("seen", seen.into())];
            EVENTS.counter(labels).increment(items as u64);
        };

    /// Postgres failed on a delivery of the spool alone, and not on the one behind it.
    DeliveryPassedOver { delivery: Uuid }
        "delivery put behind the others in the spool" [delivery = display(delivery)] WARN;
}
