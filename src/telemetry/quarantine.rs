//! What happens to deliveries that were refused for their signature: they are held, or not.

use std::sync::Arc;

use super::{
    messages::messages,
    metrics::{HELD_BYTES, HELD_REJECTIONS, REJECTIONS_HELD, REJECTIONS_NOT_HELD},
};

messages! {
    /// A delivery without a valid signature was quarantined. WARN for the first one after 10
    /// minutes without. `from` is `meta` or `elsewhere`; `meta`: a configured secret is probably
    /// wrong.
    RejectionQuarantined { app: Arc<str>, from_meta: bool, first: bool }
        "refused deliveries are held: no secret made their signature; where a secret is wrong, correct it, then store them with hookshelf rejections recheck --yes"
        [app = &*app, from = network(from_meta)] WARN if first, DEBUG
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

    /// The directory of the quarantine cannot be used, or its disk is full.
    QuarantineFailed { cause: String, first: bool }
        "refused deliveries cannot be held" [cause] WARN if first, DEBUG;
}

/// The bounded word for whose network it is.
fn network(from_meta: bool) -> &'static str {
    if from_meta { "meta" } else { "elsewhere" }
}
