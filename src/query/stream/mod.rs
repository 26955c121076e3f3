//! Live stream of events: one reader of the log per process serves all subscribers and consumers.
//!
//! The [`Feed`] reads new events on one connection, builds the bytes of each event once, and keeps
//! the latest in a ring. A [`Subscriber`] filters the events of the ring by ids and columns. A
//! subscriber that starts or lags behind the ring reads pages from the database, four subscribers
//! at a time. Positions appear in commit order, so a subscriber misses nothing and sees nothing
//! twice.

mod audience;
mod clients;
mod feed;
mod filter;
mod json;
mod log;
mod log_batch;
mod log_subscription;
mod pages;
mod ring;
mod shared_pages;
mod source;
mod subscriber;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

pub use self::{
    clients::Clients,
    feed::Feed,
    json::json,
    log::{CachedEvent, Log},
    log_batch::LogBatch,
    log_subscription::LogSubscription,
    pages::PageSession,
    subscriber::Subscriber,
};
use self::{
    pages::Pages,
    ring::{Ring, Room},
    shared_pages::SharedPages,
};
use super::Scope;
pub use crate::store::follow::Gap;
use crate::store::{ConnectOptions, Error, read::EventFilter};

/// Maximum wait of a new subscriber for a look at the log.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shared state of the streams of a process. Clones share it.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Latest events.
    ring: watch::Sender<Ring>,
    /// Wishes of the subscribers.
    asks: watch::Sender<Asks>,
    /// Number of the last finished look at the log.
    looked: watch::Sender<u64>,
    /// Clients of the accounts.
    clients: watch::Sender<Arc<Clients>>,
    pages: Pages,
    /// Pages behind the ring.
    behind: SharedPages,
    stop: CancellationToken,
    heartbeat: Duration,
}

/// Limits of the streams.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Size of the ring in bytes.
    pub bytes: usize,
    /// Maximum time without an item.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: ring::BYTES,
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// Wishes of the subscribers.
#[derive(Clone, Copy, Debug, Default)]
struct Asks {
    subscribers: usize,
    /// Number of subscribers to accounts of some clients.
    by_client: usize,
    /// Number of subscribers that must see commits of other processes within milliseconds.
    urgent: usize,
    /// Number of subscribers so far.
    registered: u64,
    /// Number of the last look that was begun.
    begun: u64,
}

/// Part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamItem {
    /// An event.
    Event {
        /// Position of the event.
        position: i64,
        /// The event as JSON without line breaks.
        json: bytes::Bytes,
    },
    /// All events of the time before the subscription were sent.
    CaughtUp {
        /// Position of the subscriber.
        position: i64,
    },
    /// The subscriber is at this position, without an event.
    Position(i64),
    /// Events that are no longer stored.
    Gap(Gap),
}

/// Reason why there is no subscription.
#[derive(Debug)]
pub enum Refusal {
    /// The start is beyond the end of the log.
    Beyond {
        /// End of the log.
        end: i64,
    },
    /// Postgres is unavailable or does not answer in time.
    Unavailable(Error),
}

impl StreamItem {
    /// Position from which a client resumes after this item.
    pub fn position(&self) -> i64 {
        match self {
            Self::Event { position, .. }
            | Self::CaughtUp { position }
            | Self::Position(position) => *position,
            Self::Gap(gap) => gap.to,
        }
    }
}

impl Hub {
    /// Creates the hub of the database at `options`, and the feed to run. Subscriptions end when
    /// `stop` is cancelled.
    pub fn new(options: ConnectOptions, stop: CancellationToken) -> (Self, Feed) {
        Self::with(options, stop, Limits::default())
    }

    /// Same as [`new`](Self::new), with other limits.
    pub fn with(options: ConnectOptions, stop: CancellationToken, limits: Limits) -> (Self, Feed) {
        let hub = Self(Arc::new(Shared {
            ring: watch::Sender::new(Ring::new(Room(limits.bytes))),
            asks: watch::Sender::default(),
            looked: watch::Sender::default(),
            clients: watch::Sender::default(),
            pages: Pages::new(options.clone()),
            behind: SharedPages::default(),
            stop,
            heartbeat: limits.heartbeat,
        }));
        let feed = Feed::new(hub.clone(), options);
        (hub, feed)
    }

    /// Subscribes to the events of `scope` behind the position `start`, or from now on. The filter
    /// for texts does not apply.
    ///
    /// # Errors
    /// If `start` is beyond the end of the log, or if Postgres is unavailable.
    pub async fn subscribe(
        &self,
        scope: &Scope,
        filter: EventFilter,
        start: Option<i64>,
    ) -> Result<Subscriber, Refusal> {
        let by_client = scope.is_by_client() || filter.client.is_some();
        let mut registered = self.register(by_client);
        registered.set_urgent(true);
        let end = timeout(PATIENCE, self.end_of_log()).await;
        let end = end.map_err(|_| Refusal::Unavailable(Error::TimedOut))?;
        let ahead = start.filter(|start| *start > end);
        self.prepare(by_client, ahead).await?;
        Ok(Subscriber::new(
            registered,
            (scope.clone(), filter),
            start.unwrap_or(end),
            end,
        ))
    }

    /// End of the log, as of now.
    async fn end_of_log(&self) -> i64 {
        let begun = self.0.asks.borrow().begun;
        let mut looked = self.0.looked.subscribe();
        // The sender lives as long as `self`.
        let _ = looked.wait_for(|number| *number > begun).await;
        self.0.ring.borrow().through()
    }

    /// Reads the clients of the accounts if they are needed. Refuses a position that was never
    /// drawn.
    async fn prepare(&self, by_client: bool, ahead: Option<i64>) -> Result<(), Refusal> {
        if by_client {
            self.read_clients().await?;
        }
        if let Some(start) = ahead {
            let mut session = self.0.pages.session().await?;
            let end = session.last_drawn().await?;
            session.keep();
            if start > end {
                return Err(Refusal::Beyond { end });
            }
        }
        Ok(())
    }

    /// Reads the clients of the accounts.
    async fn read_clients(&self) -> Result<(), Error> {
        let mut session = self.0.pages.session().await?;
        self.0.clients.send_replace(session.clients().await?);
        session.keep();
        Ok(())
    }

    fn register(&self, by_client: bool) -> Registered {
        self.0.asks.send_modify(|asks| {
            asks.subscribers += 1;
            asks.registered += 1;
            asks.by_client += usize::from(by_client);
        });
        Registered {
            hub: self.clone(),
            by_client,
            is_urgent: false,
        }
    }

    /// True if the clients of the accounts should be read again.
    fn needs_clients(&self) -> bool {
        self.0.asks.borrow().by_client > 0 && !self.0.clients.borrow().is_fresh()
    }
}

/// Guard of a subscription.
#[derive(Debug)]
struct Registered {
    hub: Hub,
    by_client: bool,
    is_urgent: bool,
}

impl Registered {
    /// Sets if the subscriber must see commits of other processes within milliseconds.
    fn set_urgent(&mut self, is_urgent: bool) {
        if std::mem::replace(&mut self.is_urgent, is_urgent) == is_urgent {
            return;
        }
        self.hub.0.asks.send_modify(|asks| {
            asks.urgent = asks.urgent + usize::from(is_urgent) - usize::from(!is_urgent);
        });
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.set_urgent(false);
        let shared = &self.hub.0;
        shared.asks.send_modify(|asks| {
            asks.subscribers -= 1;
            asks.by_client -= usize::from(self.by_client);
        });
        if shared.asks.borrow().subscribers == 0 {
            shared.pages.close();
            shared.behind.clear();
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Unavailable(error)
    }
}
