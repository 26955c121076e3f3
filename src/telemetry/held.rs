//! What happens to deliveries that were refused for their signature: they are held, or not.

use std::sync::Arc;

use super::{Happening, metrics as catalogue};

/// A refused delivery is held.
#[derive(Clone, Debug)]
pub struct RejectionHeld {
    /// The app whose path it used.
    pub app: Arc<str>,
    /// Whether it came from one of Meta's own networks.
    pub from_meta: bool,
    /// Whether it is the first after a while without.
    pub first: bool,
}

impl RejectionHeld {
    const SAID: &str = "refused deliveries are held: no secret made their signature; where a secret is wrong, correct it, then store them with hookshelf rejections recheck --yes";
}

impl Happening for RejectionHeld {
    fn emit(self) {
        let (app, from) = (&*self.app, network(self.from_meta));
        if self.first {
            tracing::warn!(app, from, "{}", Self::SAID);
        } else {
            tracing::debug!(app, from, "{}", Self::SAID);
        }
        catalogue::REJECTIONS_HELD
            .counter([("from", from.into())])
            .increment(1);
    }
}

/// A delivery that was refused for its signature is not held.
#[derive(Clone, Copy, Debug)]
pub struct RejectionNotHeld {
    /// The bounded word for why.
    pub reason: &'static str,
}

impl Happening for RejectionNotHeld {
    fn emit(self) {
        catalogue::REJECTIONS_NOT_HELD
            .counter([("reason", self.reason.into())])
            .increment(1);
    }
}

/// How many refused deliveries are held, and the bytes that they take.
#[derive(Clone, Copy, Debug)]
pub struct RejectionsHeld {
    /// From Meta's own networks.
    pub metas: (u64, u64),
    /// From all others.
    pub others: (u64, u64),
}

impl Happening for RejectionsHeld {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float; what is held is far below 2^53 bytes"
    )]
    fn emit(self) {
        for (from_meta, (count, bytes)) in [(true, self.metas), (false, self.others)] {
            let from = || [("from", network(from_meta).into())];
            catalogue::HELD_REJECTIONS.gauge(from()).set(count as f64);
            catalogue::HELD_BYTES.gauge(from()).set(bytes as f64);
        }
    }
}

/// The disk does not do what holding asks of it.
#[derive(Clone, Debug)]
pub struct HoldFailed {
    /// Which directory, and what the system said.
    pub cause: String,
    /// Whether it is the first time after it went well.
    pub first: bool,
}

impl HoldFailed {
    const SAID: &str = "refused deliveries cannot be held";
}

impl Happening for HoldFailed {
    fn emit(self) {
        let Self { cause, first } = self;
        if first {
            tracing::warn!(cause, "{}", Self::SAID);
        } else {
            tracing::debug!(cause, "{}", Self::SAID);
        }
    }
}

/// The bounded word for whose network it is.
fn network(from_meta: bool) -> &'static str {
    if from_meta { "meta" } else { "elsewhere" }
}
