//! Events of the quarantine for deliveries without a valid signature.

use std::sync::Arc;

use super::{
    messages::messages,
    metrics::{HELD_BYTES, HELD_REJECTIONS, REJECTIONS_HELD, REJECTIONS_NOT_HELD},
};

messages! {
    target: "quarantine";

    /// WARN for the first quarantined delivery after 10 minutes without a quarantined delivery.
    /// `network` is `meta` (a configured secret is probably wrong) or `elsewhere`.
    RejectionQuarantined { app: Arc<str>, from_meta: bool, first: bool }
        "invalid signature: deliveries are quarantined; if a secret is wrong, correct it, then store them with hookshelf rejections recheck --yes"
        [app = &*app, network = network(from_meta)] WARN if first, DEBUG
        => REJECTIONS_HELD.count([("from", network(from_meta).into())]);

    /// A delivery without a valid signature was not quarantined, or was dropped from the quarantine
    /// before its time. Moves metrics only.
    RejectionNotQuarantined { reason: &'static str }
        => REJECTIONS_NOT_HELD.count([("reason", reason.into())]);

    /// Number and bytes of quarantined deliveries, from Meta's own networks and from all others.
    /// Moves metrics only.
    QuarantineSize { metas: (u64, u64), others: (u64, u64) }
        => for (from_meta, (count, bytes)) in [(true, metas), (false, others)] {
            let from = || [("from", network(from_meta).into())];
            HELD_REJECTIONS.show(from(), count);
            HELD_BYTES.show(from(), bytes);
        };

    /// Directory not usable, or disk full.
    QuarantineFailed { cause: String, first: bool }
        "failed to quarantine deliveries with an invalid signature" [cause] WARN if first, DEBUG;
}

/// Label for the sender's network.
fn network(from_meta: bool) -> &'static str {
    if from_meta { "meta" } else { "elsewhere" }
}
