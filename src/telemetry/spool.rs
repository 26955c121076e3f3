//! What happens to deliveries that Postgres does not take at once.

use std::sync::Arc;

use uuid::Uuid;

use super::{Happening, metrics as catalogue, sparingly::Sparingly};

/// The spool did not take a delivery that Postgres did not take: it was not acked.
#[derive(Clone, Copy, Debug)]
pub struct SpoolRefused {
    /// The bounded word for why.
    pub code: &'static str,
}

static REFUSALS: Sparingly = Sparingly::new();

impl SpoolRefused {
    const SAID: &str = "spool refused a delivery";
}

impl Happening for SpoolRefused {
    fn emit(self) {
        let Self { code } = self;
        if REFUSALS.may_pass() {
            tracing::error!(code, "{}", Self::SAID);
        } else {
            tracing::debug!(code, "{}", Self::SAID);
        }
        catalogue::SPOOL_REFUSALS
            .counter([("code", code.into())])
            .increment(1);
    }
}

/// A delivery of the spool was committed: only metrics, the drain tells how it gets on.
#[derive(Clone, Debug)]
pub struct DeliveryDrained {
    /// The app whose it is.
    pub app: Arc<str>,
    /// Events that were not stored before.
    pub new: usize,
    /// Items whose event was stored already.
    pub repeated: usize,
}

impl Happening for DeliveryDrained {
    fn emit(self) {
        let Self { app, new, repeated } = self;
        for (seen, count) in [("new", new), ("repeated", repeated)] {
            let labels = [("app", app.clone().into()), ("seen", seen.into())];
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            catalogue::EVENTS.counter(labels).increment(count);
        }
    }
}

/// Postgres failed on a delivery of the spool alone, and not on the one behind it.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryPassedOver {
    /// Its id.
    pub delivery: Uuid,
}

impl DeliveryPassedOver {
    const SAID: &str = "delivery put behind the others in the spool";
}

impl Happening for DeliveryPassedOver {
    fn emit(self) {
        let delivery = self.delivery;
        tracing::warn!(%delivery, "{}", Self::SAID);
    }
}
