//! Runs a follower: at full speed while it is behind, then once a second.
//!
//! The follower polls. A NOTIFY in the commit would take a lock shared by all databases of the
//! server, on the path of every delivery, while polling costs two small statements a second.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    store::{
        self, ConnectOptions, Connection, Error,
        follow::{Consumer, Follower, Turn},
    },
    telemetry::{FollowerMoved, FollowerResumed, FollowerStumbled, LogEvent},
};

/// Pause when there was nothing to do, or another session has the follower's lock.
const PAUSE: Duration = Duration::from_secs(1);

/// Pause after a failure.
const SOON: Duration = Duration::from_secs(5);

/// Deadline for connecting.
const DEADLINE: Duration = Duration::from_secs(10);

/// Deadline of a turn. Its statements time out earlier, on the server.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running follower, and its session.
#[derive(Debug)]
pub struct Following<C> {
    options: ConnectOptions,
    follower: Follower,
    consumer: C,
    connection: Option<Connection>,
    failing: bool,
}

impl<C: Consumer> Following<C> {
    /// Runs `follower` on the database at `options`, with `consumer` for its batches.
    pub fn new(options: ConnectOptions, follower: Follower, consumer: C) -> Self {
        Self {
            options,
            follower,
            consumer,
            connection: None,
            failing: false,
        }
    }

    /// Runs until `stop`; a turn in progress ends first.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = self.go_on().await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes a turn, and returns the pause before the next turn.
    async fn go_on(&mut self) -> Duration {
        let taken = timeout(PATIENCE, self.turn()).await;
        match taken.unwrap_or(Err(Error::TimedOut)) {
            Ok(turn) => {
                self.log_resumed();
                self.report_turn(turn)
            }
            Err(error) => self.stumble(&error),
        }
    }

    async fn turn(&mut self) -> Result<Turn, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(store::connect_follower(&self.options, DEADLINE).await?),
        };
        self.follower.turn(connection, &mut self.consumer).await
    }

    fn report_turn(&self, turn: Turn) -> Duration {
        let (lag, pause) = match turn {
            Turn::Taken => return PAUSE,
            Turn::Idle => (None, PAUSE),
            Turn::Moved(lag) if lag.positions == 0 => (Some(lag), PAUSE),
            Turn::Moved(lag) => (Some(lag), Duration::ZERO),
        };
        FollowerMoved {
            follower: self.follower.name().to_owned(),
            positions: lag.map_or(0, |lag| lag.positions.unsigned_abs()),
            seconds: lag.map_or(0.0, |lag| lag.time.as_secs_f64()),
        }
        .emit();
        pause
    }

    fn log_resumed(&mut self) {
        if std::mem::take(&mut self.failing) {
            FollowerResumed {
                follower: self.follower.name().to_owned(),
            }
            .emit();
        }
    }

    /// Drops the session with its open transaction.
    fn stumble(&mut self, error: &Error) -> Duration {
        self.connection = None;
        FollowerStumbled {
            follower: self.follower.name().to_owned(),
            cause: error.cause(),
            first: !std::mem::replace(&mut self.failing, true),
        }
        .emit();
        SOON
    }
}
