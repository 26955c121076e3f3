//! Runs the feed of the streams while there are subscribers.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    query::stream::Feed,
    store::{
        Error,
        wake::{Wakes, WokenBy},
    },
    telemetry::{FollowerResumed, FollowerStumbled, LogEvent, Woken},
};

/// Minimum time between the starts of two looks at the log: a busy server commits more often.
const PACE: Duration = Duration::from_millis(20);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(1);

/// Deadline of a look.
const PATIENCE: Duration = Duration::from_secs(40);

/// Name of the feed in logs and metrics.
const NAME: &str = "stream";

/// A running feed.
#[derive(Debug)]
pub struct Streaming {
    feed: Feed,
    wakes: Wakes,
    failing: bool,
}

impl Streaming {
    /// Runs `feed`, woken by `wakes`.
    pub fn new(feed: Feed, wakes: Wakes) -> Self {
        Self {
            feed,
            wakes,
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
        let _urgent = self.wakes.urge();
        let mut waiter = self.wakes.waiter();
        let mut woken_by = None;
        while self.feed.is_wanted() {
            let next = Instant::now() + self.look(woken_by.take()).await;
            tokio::time::sleep_until(next.into()).await;
            let position = self.feed.position();
            tokio::select! {
                by = waiter.wait(position) => woken_by = Some(by),
                () = self.feed.asked() => {}
            }
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
                PACE
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
