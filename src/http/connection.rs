//! State of an open connection: its close signal, its idle time, and if it ever sent a verified
//! delivery.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::http::Extensions;
use tokio_util::sync::CancellationToken;

/// While an answer is being made, nobody is quiet.
const BUSY: u64 = u64::MAX;

/// State of a connection, shared by its task, the connection limit and the handlers.
#[derive(Debug)]
pub(super) struct Connection {
    /// Cancelled when the connection has to close.
    pub(super) close: CancellationToken,
    opened_at: Instant,
    /// Milliseconds from `opened_at` to the end of the last answer, or [`BUSY`].
    quiet_since: AtomicU64,
    sent_request: AtomicBool,
    verified: AtomicBool,
    refused: AtomicBool,
}

impl Connection {
    /// A new connection, open until `close`.
    pub(super) fn new(close: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            close,
            opened_at: Instant::now(),
            quiet_since: AtomicU64::new(0),
            sent_request: AtomicBool::new(false),
            verified: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        })
    }

    pub(super) fn begin_request(&self) {
        self.quiet_since.store(BUSY, Relaxed);
        self.sent_request.store(true, Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.quiet_since.store(self.age(), Relaxed);
    }

    pub(super) fn has_sent_request(&self) -> bool {
        self.sent_request.load(Relaxed)
    }

    /// A body of it was not read to its end, and its connection is of no further use.
    pub(super) fn note_refused_body(&self) {
        self.refused.store(true, Relaxed);
    }

    pub(super) fn had_body_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// True if the connection ever sent a verified delivery.
    pub(super) fn is_verified(&self) -> bool {
        self.verified.load(Relaxed)
    }

    /// How long to wait before looking again; none where it has been quiet for `time`, counted
    /// from its last answer.
    pub(super) fn until_quiet_for(&self, time: Duration) -> Option<Duration> {
        let since = match self.quiet_since.load(Relaxed) {
            BUSY => return Some(time),
            since => Duration::from_millis(since),
        };
        let left = time.saturating_sub(self.opened_at.elapsed().saturating_sub(since));
        (!left.is_zero()).then_some(left)
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

/// Notes that the request which carries `extensions` is a delivery with a right signature: its
/// connection is not closed for others.
pub(super) fn mark_verified(extensions: &Extensions) {
    if let Some(connection) = extensions.get::<Arc<Connection>>() {
        connection.verified.store(true, Relaxed);
    }
}
