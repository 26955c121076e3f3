//! The seam between the door and the store: what `http` hands over, and to whom.
//!
//! Functions behind a handle, so that the door can be tested without a database and says nothing
//! about how a delivery is stored.

use std::{fmt, net::IpAddr, pin::Pin, sync::Arc};

use jiff::Timestamp;
use uuid::Uuid;

use super::outcome::{Outcome, Rejection};
use crate::meta::signature::VerifiedBody;

type Count = dyn Fn(&str, Rejection, Option<IpAddr>) + Send + Sync;
type Pending = Pin<Box<dyn Future<Output = Outcome> + Send>>;

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

/// Takes arrivals: parses, queues and commits each, and says how it ended.
#[derive(Clone)]
pub struct Intake(Arc<dyn Fn(Arrival) -> Pending + Send + Sync>);

impl Intake {
    /// An intake that does `work` for each arrival.
    pub fn new<F, W>(work: F) -> Self
    where
        F: Fn(Arrival) -> W + Send + Sync + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        Self(Arc::new(move |arrival| Box::pin(work(arrival))))
    }

    /// Stores `arrival`, or says why not.
    pub async fn take(&self, arrival: Arrival) -> Outcome {
        (self.0)(arrival).await
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Intake")
    }
}

/// Counts refused deliveries; bounded in memory, written to Postgres from time to time.
#[derive(Clone)]
pub struct Rejections(Arc<Count>);

impl Rejections {
    /// A counter that calls `count` with app, reason and address.
    pub fn new(count: impl Fn(&str, Rejection, Option<IpAddr>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(count))
    }

    /// Counts one refused delivery to `app`.
    pub fn count(&self, app: &str, reason: Rejection, from: Option<IpAddr>) {
        (self.0)(app, reason, from);
    }
}

impl fmt::Debug for Rejections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rejections")
    }
}
