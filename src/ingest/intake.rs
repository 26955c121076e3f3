//! The seam between the door and the store: what `http` hands over, and to whom.
//!
//! Functions behind a handle, so that the door can be tested without a database and says nothing
//! about how a delivery is stored.

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use jiff::Timestamp;
use uuid::Uuid;

use super::outcome::{Failure, Refusal};
use crate::{
    held::{self, Hold},
    meta::signature::VerifiedBody,
    store::Committed,
};

/// The row of requests whose path names no app that is configured. No app can be called so.
const NO_APP: &str = "-";

type Count = dyn Fn(&str, Refusal, Option<IpAddr>) + Send + Sync;
type Take = dyn Fn(Arrival, Box<dyn Caller>) + Send + Sync;

/// A verified delivery as it came through the door, not parsed yet.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Minted when it was accepted: a UUID v7 of `received_at`.
    pub id: Uuid,
    /// When its head had arrived.
    pub received_at: Timestamp,
    /// The app whose path and secret it used.
    pub app: Arc<str>,
    /// The headers of the allow-list, as a JSON object.
    pub headers: String,
    /// The address it came from, behind trusted proxies.
    pub remote_addr: Option<IpAddr>,
    /// Whether it carries a valid mark of `hookshelf simulate`.
    pub simulated: bool,
    /// Its body, which only a right signature can make.
    pub body: VerifiedBody,
}

/// Where a delivery is that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In Postgres, with its events.
    Stored(Committed),
    /// In the spool: its events come of it when Postgres takes them.
    Spooled,
}

/// What became of a delivery that was handed over.
pub type Settled = Result<Kept, Failure>;

/// Who waits for what becomes of a delivery. It goes the whole way with it, so that nobody else
/// has to stay: a sender who hangs up neither stops a delivery half way nor frees its memory early.
///
/// One that is dropped unsettled met a defect, or the end of the server.
pub trait Caller: Send {
    /// Whether an answer can still be of use at `now`; else it is not worth a commit.
    fn is_waiting(&self, now: Instant) -> bool;

    /// Whether it has what it handed over in a durable place, so that the spool need not keep it.
    fn has_a_copy(&self) -> bool;

    /// Takes the answer.
    fn settle(self: Box<Self>, settled: Settled);
}

/// Takes arrivals: parses, queues and commits each, and tells its caller how it ended.
#[derive(Clone)]
pub struct Intake(Arc<Take>);

impl Intake {
    /// An intake that calls `take` with each arrival and who waits for it.
    pub fn new(take: impl Fn(Arrival, Box<dyn Caller>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Hands `arrival` over; `caller` is told what became of it.
    pub fn take(&self, arrival: Arrival, caller: impl Caller + 'static) {
        (self.0)(arrival, Box::new(caller));
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Intake")
    }
}

/// Counts requests that were not stored; bounded in memory, written to Postgres from time to
/// time. Those that a right secret could still open may be held besides.
#[derive(Clone)]
pub struct Rejections {
    count: Arc<Count>,
    hold: Option<Hold>,
}

impl Rejections {
    /// A counter that calls `count` with app, reason and address.
    pub fn new(count: impl Fn(&str, Refusal, Option<IpAddr>) + Send + Sync + 'static) -> Self {
        let count = Arc::new(count);
        Self { count, hold: None }
    }

    /// The same, with what was refused for its signature held in `hold`.
    #[must_use]
    pub fn holding(self, hold: Hold) -> Self {
        let hold = Some(hold);
        Self { hold, ..self }
    }

    /// Counts one delivery to `app` that was not stored.
    pub fn count(&self, app: &str, reason: impl Into<Refusal>, from: Option<IpAddr>) {
        (self.count)(app, reason.into(), from);
    }

    /// Counts one request whose path leads nowhere. The path is a stranger's text, and kept nowhere.
    pub fn count_unknown(&self, reason: Refusal, from: Option<IpAddr>) {
        (self.count)(NO_APP, reason, from);
    }

    /// Holds a delivery of about `bytes` that came `from` an address, which `record` copies. Never
    /// waits.
    pub fn hold(&self, from: IpAddr, bytes: usize, record: impl FnOnce() -> held::Record) {
        if let Some(hold) = &self.hold {
            hold.offer(from, bytes, record);
        }
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejections")
    }
}
