//! Runs the feed of the streams while there are subscribers.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    query::stream::Feed,
    store::{
        Error,
        wake::{Urgent, Wakes, WokenBy},
    },
    telemetry::{FollowerResumed, FollowerStumbled, LogEvent, Woken},
};

/// Minimum time between the starts of two looks at the log: a busy server commits more often.
const PACE: Duration = Duration::from_millis(20);

/// The same while a worker waits for events: half of them wait for less than 10 ms. A look costs
/// about a millisecond of CPU.
const URGENT_PACE: Duration = Duration::from_millis(10);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(1);

/// Deadline of a look.
const PATIENCE: Duration = Duration::from_secs(40);

/// Time for which the poll goes on without an urgent subscriber. A worker that leases one event after
/// the other would else make the poll connect each time.
const LINGER: Duration = Duration::from_secs(2);

/// Name of the feed in logs and metrics.
const NAME: &str = "stream";

/// A running feed.
#[derive(Debug)]
pub struct Streaming {
    feed: Feed,
    wakes: Wakes,
    /// Guard of the poll, and the last time at which a subscriber was urgent.
    urgent: Option<(Urgent, Instant)>,
    failing: bool,
}

impl Streaming {
    /// Runs `feed`, woken by `wakes`.
    pub fn new(feed: Feed, wakes: Wakes) -> Self {
        Self {
            feed,
            wakes,
            urgent: None,
            failing: false,
        }
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(async {
            loop {
                self.feed.until_wanted().await;
                self.stream().await;
                self.feed.rest();
            }
        })
        .await;
    }

    /// Feeds the subscribers until the last one leaves.
    async fn stream(&mut self) {
        let mut waiter = self.wakes.waiter();
        let mut woken_by = None;
        while self.feed.is_wanted() {
            self.urge();
            let next = Instant::now() + self.look(woken_by.take()).await;
            tokio::time::sleep_until(next.into()).await;
            let position = self.feed.position();
            tokio::select! {
                by = waiter.wait(position) => woken_by = Some(by),
                () = self.feed.asked(self.urgent.is_some()) => {}
            }
        }
        self.urgent = None;
    }

    /// Keeps the poll running while a subscriber is urgent, and for a short time after.
    fn urge(&mut self) {
        if self.feed.is_urgent() {
            let (urgent, _) = self.urgent.take().unzip();
            let urgent = urgent.unwrap_or_else(|| self.wakes.urge());
            self.urgent = Some((urgent, Instant::now()));
        } else {
            self.urgent.take_if(|(_, last)| last.elapsed() > LINGER);
        }
    }

    /// Looks at the log, and returns the minimum time until the next look.
    async fn look(&mut self, woken_by: Option<WokenBy>) -> Duration {
        let looked = timeout(PATIENCE, self.feed.look()).await;
        match looked.unwrap_or(Err(Error::TimedOut)) {
            Ok(found) => {
                woken_by
                    .filter(|_| found)
                    .inspect(|by| Woken { by: by.code() }.emit());
                if std::mem::take(&mut self.failing) {
                    let follower = NAME.to_owned();
                    FollowerResumed { follower }.emit();
                }
                if self.urgent.is_some() {
                    URGENT_PACE
                } else {
                    PACE
                }
            }
            Err(error) => {
                FollowerStumbled {
                    follower: NAME.to_owned(),
                    cause: error.cause(),
                    first: !std::mem::replace(&mut self.failing, true),
                }
                .emit();
                SOON
            }
        }
    }
}
