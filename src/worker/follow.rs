//! Runs a follower: at full speed while it is behind, then whenever positions are committed.
//!
//! A commit wakes a follower at once, but a follower that moved rests for a second: nobody waits
//! for counts, and a turn for each commit of a busy server would cost more than the commits. While
//! another client holds a transaction open, it rests longer once its turns are slow: Postgres keeps
//! each version of a row that the follower changes, and each change looks at all of them.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    store::{
        self, ConnectOptions, Connection, Error,
        follow::{Consumer, Follower, Turn},
        horizon,
        wake::{Waiter, WokenBy},
    },
    telemetry::{FollowerMoved, FollowerResumed, FollowerStumbled, LogEvent, Woken},
};

/// Rest after rows were processed, or if another session has the follower's lock.
const REST: Duration = Duration::from_secs(1);

/// Rest instead, if the turns since the last one took this long beside an old transaction.
const LONG_REST: Duration = Duration::from_secs(30);
const SLOW: Duration = Duration::from_millis(50);

/// Number of later transactions that makes a transaction old.
const OLD: i64 = 10_000;

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
    waiter: Waiter,
    connection: Option<Connection>,
    /// Position of the cursor after the last move.
    position: i64,
    /// Time of the turns since the last rest.
    busy: Duration,
    woken_by: Option<WokenBy>,
    failing: bool,
}

/// Time of the next turn.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// After a pause.
    After(Duration),
    /// When woken, after a pause at the earliest.
    WhenWoken(Duration),
}

impl<C: Consumer> Following<C> {
    /// Runs `follower` on the database at `options`, with `consumer` for its batches.
    pub fn new(options: ConnectOptions, follower: Follower, consumer: C, waiter: Waiter) -> Self {
        Self {
            options,
            follower,
            consumer,
            waiter,
            connection: None,
            position: 0,
            busy: Duration::ZERO,
            woken_by: None,
            failing: false,
        }
    }

    /// Runs until `stop`; a turn in progress ends first.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let next = self.go_on().await;
            stop.run_until_cancelled(self.rest(next)).await;
        }
    }

    async fn rest(&mut self, next: Next) {
        let (Next::After(pause) | Next::WhenWoken(pause)) = next;
        tokio::time::sleep(pause).await;
        if let Next::WhenWoken(_) = next {
            self.woken_by = Some(self.waiter.wait(self.position).await);
        }
    }

    /// Takes a turn.
    async fn go_on(&mut self) -> Next {
        let began = Instant::now();
        let taken = timeout(PATIENCE, self.turn()).await;
        self.busy += began.elapsed();
        match taken.unwrap_or(Err(Error::TimedOut)) {
            Ok(turn) => {
                self.log_resumed();
                let is_at_end = matches!(turn, Turn::Moved(lag) if lag.positions == 0);
                let rest = if is_at_end {
                    self.rest_at_end().await
                } else {
                    REST
                };
                self.report_turn(turn, rest)
            }
            Err(error) => self.stumble(&error),
        }
    }

    /// Rest of a follower that reached the end of the log.
    async fn rest_at_end(&mut self) -> Duration {
        let busy = std::mem::take(&mut self.busy);
        let Some(connection) = self.connection.as_mut().filter(|_| busy >= SLOW) else {
            return REST;
        };
        match timeout(DEADLINE, horizon::oldest(connection)).await {
            Ok(Ok(Some(holder))) if holder.transactions >= OLD => LONG_REST,
            Ok(Ok(_)) => REST,
            _ => {
                self.connection = None;
                REST
            }
        }
    }

    async fn turn(&mut self) -> Result<Turn, Error> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(store::connect_follower(&self.options, DEADLINE).await?),
        };
        self.follower.turn(connection, &mut self.consumer).await
    }

    fn report_turn(&mut self, turn: Turn, rest: Duration) -> Next {
        let woken_by = self.woken_by.take();
        let (lag, next) = match turn {
            Turn::Taken => return Next::WhenWoken(REST),
            Turn::Idle => (None, Next::WhenWoken(Duration::ZERO)),
            Turn::Moved(lag) if lag.positions == 0 => (Some(lag), Next::WhenWoken(rest)),
            Turn::Moved(lag) => (Some(lag), Next::After(Duration::ZERO)),
        };
        if let Some(lag) = lag {
            self.position = lag.position;
            woken_by.inspect(|by| Woken { by: by.code() }.emit());
        }
        FollowerMoved {
            follower: self.follower.name().to_owned(),
            positions: lag.map_or(0, |lag| lag.positions.unsigned_abs()),
            seconds: lag.map_or(0.0, |lag| lag.time.as_secs_f64()),
        }
        .emit();
        next
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
    fn stumble(&mut self, error: &Error) -> Next {
        self.connection = None;
        FollowerStumbled {
            follower: self.follower.name().to_owned(),
            cause: error.cause(),
            first: !std::mem::replace(&mut self.failing, true),
        }
        .emit();
        Next::After(SOON)
    }
}
