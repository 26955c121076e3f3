//! Requests to the owner of a consumer, and their answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    forward::lanes::{Answer, Code, Counts, WaitingLane},
    store::consumers::EventRow,
};

/// Request for events.
#[derive(Clone, Debug)]
pub struct Want {
    /// Maximum number of events, at least one.
    pub max: usize,
    /// Time to wait for the first event.
    pub wait: Duration,
    /// Time for which the events are lent; the setting of the consumer if `None`.
    pub lease: Option<Duration>,
    /// Name of the worker.
    pub worker: Arc<str>,
    /// True if the caller may see texts, user names and payloads.
    pub content: bool,
}

/// Event that was handed out.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// Token of the lease.
    pub lease: String,
    /// Attempt, counted from one.
    pub attempt: u32,
    /// True if the event was handed out before, or may have been before a restart.
    pub redelivered: bool,
    /// Number of the replay that hands the event out.
    pub replay: Option<i32>,
    /// Time since the first failed attempt.
    pub failed_for: Option<Duration>,
    /// Code of the last failure.
    pub code: Option<Code>,
    /// Position up to which [`Verb::AckThrough`] may settle events of the lane together.
    pub through: i64,
    /// The event in its JSON form.
    pub json: Bytes,
    /// Columns of the event, without text, `data` and payload.
    pub event: Arc<EventRow>,
}

/// Settlement of one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Token of the lease, as the caller gave it.
    pub lease: String,
    /// Action.
    pub verb: Verb,
}

/// Action of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The event is done.
    Ack,
    /// The event is done, and so are the events of its lane up to this position.
    AckThrough(i64),
    /// The attempt failed. The event is tried again after the delay, or after its backoff.
    Nack {
        /// Time until the next attempt.
        delay: Option<Duration>,
        /// Reason.
        code: Code,
    },
    /// The event was not tried: no attempt is counted. It is handed out again after the delay.
    GiveBack {
        /// Time until the next hand-out.
        delay: Duration,
    },
    /// The lease goes on for this time from now; for the time of the consumer if `None`.
    Extend(Option<Duration>),
    /// The event becomes a dead letter.
    Bury(Code),
}

/// Answer to the settlement of one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Token of the lease, as the caller gave it.
    pub lease: String,
    /// Result.
    pub answer: Answer,
}

/// Reason why a consumer does not serve a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No consumer of this name is configured.
    Unknown,
    /// The consumer is paused for this reason: operator, gone, clock or breaker.
    Paused(String),
    /// Another process owns the consumer, at this address if it is known.
    Elsewhere(Option<String>),
    /// Postgres is unavailable, or the server starts or stops.
    Unavailable,
}

/// State of a consumer in the memory of its owner.
#[derive(Clone, Debug)]
pub struct Status {
    /// Last position read.
    pub position: i64,
    /// Events that are out.
    pub in_flight: usize,
    /// Waiting lanes, and those whose head failed before and is out.
    pub waiting: usize,
    /// The first of these lanes, at most a hundred, in the order of their heads.
    pub lanes: Vec<WaitingLane>,
    /// True if events of an account are held back, because too many of its lanes wait.
    pub is_blocked: bool,
    /// Number of accounts whose events were passed over: they are read again later.
    pub backlogs: usize,
    /// First unsettled event: position and time of receipt.
    pub oldest: Option<(i64, Timestamp)>,
    /// Numbers of settled and skipped events.
    pub counts: Counts,
    /// Workers that asked in the last hour.
    pub workers: Vec<WorkerStatus>,
    /// Settled events a second, over the last minute.
    pub rate: f64,
    /// Reason of a pause.
    pub paused: Option<String>,
    /// Duration of the last flush.
    pub flush: Option<Duration>,
    /// The replay that goes on.
    pub replay: Option<ReplayStatus>,
}

/// A replay that goes on, with its numbers of events.
#[derive(Clone, Copy, Debug)]
pub struct ReplayStatus {
    /// Number of the replay.
    pub id: i32,
    /// Events of the plan.
    pub events: i64,
    /// Last position read.
    pub position: i64,
    /// Last position of the plan.
    pub through: i64,
    /// Settled events.
    pub settled: i64,
    /// Skipped events.
    pub skipped: i64,
    /// Events that became dead letters.
    pub dead: i64,
}

impl ReplayStatus {
    /// Number of events that are left, as planned.
    pub fn left(&self) -> u64 {
        let ended = self.settled + self.skipped + self.dead;
        u64::try_from(self.events - ended).unwrap_or_default()
    }
}

/// Worker that asked for events.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// Name of the worker.
    pub name: Arc<str>,
    /// Number of events that it has.
    pub in_flight: usize,
    /// Time since its last request.
    pub seen: Duration,
}
