//! State of an open connection: its close signal, its idle time, and if it ever sent a verified
//! delivery.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use axum::http::Extensions;
use tokio_util::sync::CancellationToken;

/// Value of `quiet_since` while a request is being answered.
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
    streams: Streams,
}

/// Number of connections of a listener that serve a stream. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<AtomicUsize>);

/// Guard of a connection that serves a stream.
#[derive(Debug)]
pub(super) struct Streaming(Streams);

impl Streams {
    pub(super) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

impl Connection {
    /// A new connection, open until `close`.
    pub(super) fn new(close: CancellationToken, streams: Streams) -> Arc<Self> {
        Arc::new(Self {
            close,
            streams,
            opened_at: Instant::now(),
            quiet_since: AtomicU64::new(0),
            sent_request: AtomicBool::new(false),
            verified: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        })
    }

    /// Marks the connection as serving a stream, so that it does not count against the connection
    /// limit.
    pub(super) fn begin_stream(&self) -> Streaming {
        self.streams.0.fetch_add(1, Relaxed);
        Streaming(self.streams.clone())
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

    /// Notes that a body was not read to its end, so that the connection cannot be used again.
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

    /// Time left until the connection has been quiet for `time` since its last answer; `None` if
    /// no time is left.
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

/// Marks the connection of the request with these `extensions` as verified, so that it is not
/// closed for others.
pub(super) fn mark_verified(extensions: &Extensions) {
    if let Some(connection) = extensions.get::<Arc<Connection>>() {
        connection.verified.store(true, Relaxed);
    }
}
