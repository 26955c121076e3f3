//! Envelope of a delivery: its metadata, carried from accept to ack.

use std::{fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

/// Identity and origin of a delivery, without the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Id of the delivery, a UUID v7 of `received_at`; makes a second commit harmless.
    pub id: Uuid,
    /// Receive time.
    pub received_at: Timestamp,
    /// App named by the path, with whose secrets the signature is verified.
    pub app: Arc<str>,
    /// Headers of the allow-list, as a JSON object.
    pub headers: String,
    /// Sender's address, with trusted proxies resolved.
    pub remote_addr: Option<IpAddr>,
}

impl fmt::Debug for Envelope {
    /// Shows id, time and app, and hides the headers, which contain the signature.
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

    /// Envelopes with any content, at any time that Postgres can store.
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
