//! Leases as the worker sees them: token, hand-out, and the answer to a settlement.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    code::Code,
    item::{LaneKey, Origin},
};

/// Content of a lease token. The caller encodes it, and checks that a token is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Lane of the event. It tells a settled event from one that a restart made unsettled again.
    pub lane: LaneKey,
    /// Position of the event.
    pub position: i64,
    /// Attempt, counted from one.
    pub attempt: u32,
    /// Number of the hand-out. Those of each takeover start at its generation in the upper half. The
    /// highest bit marks an extra.
    pub number: u64,
}

/// Bit of the number of the hand-out of an extra.
pub(super) const EXTRA: u64 = 1 << 63;

impl Token {
    /// True for a lease of an extra.
    pub(super) fn is_extra(&self) -> bool {
        self.number & EXTRA != 0
    }

    /// Generation of the owner that gave the lease.
    pub(super) fn generation(&self) -> u64 {
        (self.number & !EXTRA) >> 32
    }
}

/// One hand-out of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the lease when the worker settles it.
    pub token: Token,
    /// Time at which the delivery of the event arrived.
    pub received_at: Timestamp,
    /// True if the item was handed out before, or may have been before a restart.
    pub redelivered: bool,
    /// Position up to which all items of the lane are in memory. [`Lanes::ack_through`] may settle
    /// them together, unless the lease ends before; after a failure there is only this item.
    ///
    /// [`Lanes::ack_through`]: super::Lanes::ack_through
    pub through: i64,
    /// Time since the first failed attempt.
    pub failed_for: Option<Duration>,
    /// Code of the last failed attempt.
    pub code: Option<Code>,
    /// Origin of an extra.
    pub origin: Option<Origin>,
}

/// Answer to the settlement of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The item is settled.
    Acked,
    /// The item was settled before.
    Already,
    /// The item waits for its next hand-out.
    Waiting,
    /// The item is a dead letter.
    Dead,
    /// The lease has a new end.
    Extended,
    /// The lease is over: the item was handed out again, or will be.
    Lost,
    /// No such lease was given, or a restart forgot it.
    Unknown,
}

impl Answer {
    /// Name for callers and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acked => "acked",
            Self::Already => "already",
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Extended => "extended",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}
