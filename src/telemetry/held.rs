//! What happens to deliveries that were refused for their signature: they are held, or not.

use std::sync::Arc;

use super::{
    messages::messages,
    metrics::{HELD_BYTES, HELD_REJECTIONS, REJECTIONS_HELD, REJECTIONS_NOT_HELD},
};

messages! {
    /// A refused delivery is held, the first after a while without or one of many.
    RejectionHeld { app: Arc<str>, from_meta: bool, first: bool }
        "refused deliveries are held: no secret made their signature; where a secret is wrong, correct it, then store them with hookshelf rejections recheck --yes"
        [app = &*app, from = network(from_meta)] WARN if first, DEBUG
        => REJECTIONS_HELD.count([("from", network(from_meta).into())]);

    /// A delivery that was refused for its signature is not held, or not any more though its time
    /// is not over.
    RejectionNotHeld { reason: &'static str }
        => REJECTIONS_NOT_HELD.count([("reason", reason.into())]);

    /// So many refused deliveries of Meta's own networks and of all others are held, and take so
    /// many bytes.
    RejectionsHeld { metas: (u64, u64), others: (u64, u64) }
        => for (from_meta, (count, bytes)) in [(true, metas), (false, others)] {
            let from = || [("from", network(from_meta).into())];
            HELD_REJECTIONS.show(from(), count);
            HELD_BYTES.show(from(), bytes);
        };

    /// The disk does not do what holding asks of it, for the first time after it did or again.
    HoldFailed { cause: String, first: bool }
        "refused deliveries cannot be held" [cause] WARN if first, DEBUG;
}

/// The bounded word for whose network it is.
fn network(from_meta: bool) -> &'static str {
    if from_meta { "meta" } else { "elsewhere" }
}
