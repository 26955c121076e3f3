//! What is known of an open connection while it is open: whether it may stay, how long it has
//! been quiet, and whether it ever brought a delivery.

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

/// One connection, as its task, the door and the handlers share it.
#[derive(Debug)]
pub(super) struct Guest {
    /// Cancelled when the connection has to leave.
    pub(super) leave: CancellationToken,
    came: Instant,
    /// Milliseconds from `came` to the end of the last answer, or [`BUSY`].
    quiet_since: AtomicU64,
    asked: AtomicBool,
    proven: AtomicBool,
    refused: AtomicBool,
}

impl Guest {
    /// One that has just come and may stay until `leave`.
    pub(super) fn new(leave: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            leave,
            came: Instant::now(),
            quiet_since: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            proven: AtomicBool::new(false),
            refused: AtomicBool::new(false),
        })
    }

    pub(super) fn begin_request(&self) {
        self.quiet_since.store(BUSY, Relaxed);
        self.asked.store(true, Relaxed);
    }

    pub(super) fn end_request(&self) {
        self.quiet_since.store(self.age(), Relaxed);
    }

    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Relaxed)
    }

    /// A body of it was not read to its end, and its connection is of no further use.
    pub(super) fn note_refused_body(&self) {
        self.refused.store(true, Relaxed);
    }

    pub(super) fn had_body_refused(&self) -> bool {
        self.refused.load(Relaxed)
    }

    /// Whether it ever brought a delivery with a right signature.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Relaxed)
    }

    /// How long to wait before looking again; none where it has been quiet for `time`, counted
    /// from its last answer.
    pub(super) fn until_quiet_for(&self, time: Duration) -> Option<Duration> {
        let since = match self.quiet_since.load(Relaxed) {
            BUSY => return Some(time),
            since => Duration::from_millis(since),
        };
        let left = time.saturating_sub(self.came.elapsed().saturating_sub(since));
        (!left.is_zero()).then_some(left)
    }

    fn age(&self) -> u64 {
        u64::try_from(self.came.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

/// Notes that the request which carries `extensions` is a delivery with a right signature: its
/// connection keeps its seat, however many others come.
pub(super) fn prove(extensions: &Extensions) {
    if let Some(guest) = extensions.get::<Arc<Guest>>() {
        guest.proven.store(true, Relaxed);
    }
}
