//! Flushes of the owner: one at a time, repeated until it is written or the consumer is lost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;

use super::{
    OWNED, Rest, SOON, Shared,
    owned::{Flushing, HEARTBEAT, Look, Owned, SURE},
    retried::retried,
    within_deadline,
};
use crate::{
    forward::consumer::{self, Settings},
    store::{
        Connection, Error,
        consumers::{self, Flush, Flushed, RowPlace},
        replays,
    },
    telemetry::{
        LogEvent,
        consumers::{ConsumerFlushed, OwnershipLost},
    },
};

/// Least and longest pause between two flushes.
const PACE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Deadline of a look for changes by an operator. The settlements of the flush before it, which are
/// written, wait for it.
const LOOKING: Duration = Duration::from_secs(2);

impl Owned<'_> {
    /// Starts the next flush, or repeats one that failed.
    pub(super) fn start_flush(&mut self) {
        if let Some(at) = self.log.caught_up_at() {
            self.desk.caught_up(self.log.position(), at);
        }
        let writing = self.writing.take();
        let writing = writing.unwrap_or_else(|| self.desk.begin_write());
        let began = Instant::now();
        let owned = consumer::Ownership {
            name: &self.consuming.name,
            generation: self.generation,
            lane: self.settings.lane,
            time: OWNED,
            pause: self.pause,
        };
        let flush = writing.flush(&owned, began);
        self.writing = Some(writing);
        let (shared, connection) = (self.consuming.shared.clone(), self.connection.take());
        let mut place = self.place.clone();
        let looking = self.looking(began);
        self.flush.start(async move {
            let mut flushing = Flushing {
                result: write(&shared, connection, &flush, &mut place).await,
                place,
                began,
                took: began.elapsed(),
                pause: flush.pause,
                look: None,
            };
            if let Some(looking) = looking {
                let look = flushing.look(&flush.name, &looking);
                let _ = timeout(LOOKING, look).await;
            }
            flushing
        });
    }

    /// Settings with which the next flush looks for changes by an operator, and the replays in
    /// memory, if it is time.
    fn looking(&mut self, now: Instant) -> Option<(Arc<Settings>, Vec<i32>)> {
        if now < self.next_look {
            return None;
        }
        self.next_look = now + HEARTBEAT;
        Some((Arc::clone(&self.settings), self.desk.replays()))
    }

    /// Takes the result of a flush. Returns if the consumer is lost.
    pub(super) fn flushed(&mut self, flushed: Option<Flushing>) -> Option<Rest> {
        let (now, writing) = (Instant::now(), self.writing.take());
        let Some((flushed, writing)) = flushed.zip(writing) else {
            // The work panicked: the stored state counts.
            return Some(self.lost());
        };
        self.heartbeat = now + HEARTBEAT;
        match flushed.result {
            Ok((connection, Flushed::Written { paused })) => {
                (self.connection, self.place) = (connection, flushed.place);
                let took = flushed.took;
                self.next_flush = now + (took * 10).clamp(PACE.0, PACE.1);
                self.until = flushed.began + SURE;
                let consumer = &self.consuming.name;
                ConsumerFlushed { consumer, took }.emit();
                self.desk.written(&writing, took);
                if writing.ends_replay() {
                    (self.next_look, self.heartbeat) = (now, now);
                }
                if let Some(look) = flushed.look {
                    self.desk.set_replays(&look.replays);
                    self.desk.retry(&look.retried);
                }
                self.desk.measure(self.consuming.shared.log.end());
                if self.pause == flushed.pause {
                    self.pause = None;
                    self.desk.set_paused(paused);
                }
                if !self.is_reading_failed {
                    self.consuming.resumed();
                }
                None
            }
            Ok((_, Flushed::Lost)) => Some(self.lost()),
            Err(error) => {
                self.writing = Some(writing);
                self.next_flush = now + SOON;
                self.consuming.stumble(&error);
                None
            }
        }
    }

    /// Another process has the consumer, or an operator moved or removed it.
    fn lost(&mut self) -> Rest {
        let consumer = Arc::clone(&self.consuming.name);
        OwnershipLost { consumer }.emit();
        self.desk.give_up_answers();
        Rest::short()
    }
}

impl Flushing {
    /// Looks for changes by an operator. After an error it looks again later, in a new session.
    async fn look(&mut self, name: &str, (settings, known): &(Arc<Settings>, Vec<i32>)) {
        let Ok((session, _)) = &mut self.result else {
            return;
        };
        if let Some(mut connection) = session.take()
            && let Ok(retried) = retried(&mut connection, name, settings).await
            && let Ok(replays) =
                within_deadline(replays::running_and(&mut connection, name, known)).await
        {
            self.look = Some(Look { retried, replays });
            *session = Some(connection);
        }
    }
}

/// Writes a flush, in a new session if there is none.
async fn write(
    shared: &Shared,
    connection: Option<Connection>,
    flush: &Flush,
    place: &mut RowPlace,
) -> Result<(Option<Connection>, Flushed), Error> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => shared.connect().await?,
    };
    let flushed = within_deadline(consumers::flush_at(&mut connection, flush, place)).await?;
    Ok((Some(connection), flushed))
}
