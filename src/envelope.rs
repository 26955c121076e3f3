//! Envelope of a delivery: what is known of it beside its body, carried from accept to ack.

use std::{fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

/// Identity and origin of one POST. The body stands beside it.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Id of the delivery, a UUID v7 of `received_at`; makes a second commit harmless.
    pub id: Uuid,
    /// Time of accept.
    pub received_at: Timestamp,
    /// App whose path and secret the delivery used.
    pub app: Arc<str>,
    /// Headers of the allow-list, as a JSON object.
    pub headers: String,
    /// Sender's address, behind trusted proxies.
    pub remote_addr: Option<IpAddr>,
}

impl fmt::Debug for Envelope {
    /// Names the delivery and hides its headers, which hold the signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("received_at", &self.received_at)
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any envelope, at any time that can be stored.
    pub(crate) fn envelopes() -> impl Strategy<Value = Envelope> {
        let time = (-377_705_023_201_i64..=253_402_207_200, 0..1_000_000_000);
        let address = any::<Option<IpAddr>>();
        (any::<u128>(), time, ".*", ".*", address).prop_map(
            |(id, (seconds, nanoseconds), app, headers, remote_addr)| Envelope {
                id: Uuid::from_u128(id),
                received_at: Timestamp::new(seconds, nanoseconds).unwrap_or(Timestamp::MIN),
                app: app.into(),
                headers,
                remote_addr,
            },
        )
    }
}
