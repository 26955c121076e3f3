//! Loop of the owner.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::{Consuming, DEADLINE, OWNED, Rest, SOON, job::Job, lookup, within_deadline};
use crate::{
    forward::consumer::{self, Desk, Found, Lookup, Settings, Writing},
    query::stream::{LogBatch, LogSubscription},
    store::{
        Connection, Error,
        consumers::{self, Flush, Flushed, Taken},
    },
    telemetry::{
        LogEvent,
        consumers::{ConsumerFlushed, ConsumerReleased, OwnershipLost},
    },
};

/// Time after the start of a flush in which no other process takes the consumer, with a margin for
/// clocks of different speed.
const SURE: Duration = OWNED.saturating_sub(Duration::from_secs(3));

/// Time after which the ownership is extended if there is nothing to write, and in which a pause or
/// a move by an operator is noticed.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// Reason of a pause because a clock jumped.
const CLOCK: &str = "clock";

/// Least and longest pause between two flushes.
const PACE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// A consumer that this process owns.
#[derive(Debug)]
pub(super) struct Owned<'c> {
    consuming: &'c mut Consuming,
    desk: Desk,
    generation: i64,
    /// The session of the flushes, unless one runs.
    connection: Option<Connection>,
    /// Progress whose write runs, or failed and is repeated.
    writing: Option<Writing>,
    flush: Job<Flushing>,
    lookup: Job<(Lookup, Result<Found, Error>)>,
    settings: Arc<Settings>,
    log: LogSubscription,
    /// Time at which the log ended: the server stops, or the database was replaced.
    log_ended: Option<Instant>,
    /// Earliest time of the next flush.
    next_flush: Instant,
    /// Time of the next flush if there is nothing to write.
    heartbeat: Instant,
    /// Earliest time of the next lookup.
    next_lookup: Instant,
    /// Time up to which no other process can own the consumer.
    until: Instant,
    /// Reason of a pause to write.
    pause: Option<&'static str>,
}

/// A flush that ended.
#[derive(Debug)]
struct Flushing {
    connection: Option<Connection>,
    result: Result<Flushed, Error>,
    began: Instant,
    /// Pause that was written too.
    pause: Option<&'static str>,
}

impl<'c> Owned<'c> {
    /// The consumer as taken over: `began` is a moment before that.
    pub(super) fn new(
        consuming: &'c mut Consuming,
        connection: Connection,
        (mut desk, log): (Desk, LogSubscription),
        (taken, began): (&Taken, Instant),
    ) -> Self {
        desk.set_paused(taken.progress.paused.clone());
        let settings = Arc::clone(&consuming.settings.borrow());
        Self {
            settings,
            log,
            log_ended: None,
            consuming,
            desk,
            generation: taken.generation,
            connection: Some(connection),
            writing: None,
            flush: Job::none(),
            lookup: Job::none(),
            next_flush: began,
            heartbeat: began + HEARTBEAT,
            next_lookup: began,
            until: began + SURE,
            pause: None,
        }
    }

    /// Runs until the stop, a change of the settings, or the loss of the consumer.
    pub(super) async fn run(mut self, stop: &CancellationToken) -> Rest {
        loop {
            let now = Instant::now();
            self.advance(now);
            if self.log_ended.is_some_and(|at| now >= at + SOON) {
                return self.end().await;
            }
            let (takes_calls, reads) = (self.takes_calls(now), self.reads());
            let next = self.next_time(now);
            tokio::select! {
                () = stop.cancelled() => return self.end().await,
                Ok(()) = self.consuming.settings.changed() => return self.end().await,
                flushed = self.flush.done() => {
                    if let Some(rest) = self.flushed(flushed) {
                        return rest;
                    }
                }
                found = self.lookup.done() => self.found(found),
                Some(call) = self.consuming.calls.recv(), if takes_calls => {
                    self.desk.take(call, Instant::now());
                }
                batch = self.log.next(), if reads => self.read(batch),
                () = sleep_until(next.into()) => {}
            }
        }
    }

    /// Hands out what is ready, and starts what is due.
    fn advance(&mut self, now: Instant) {
        if self.desk.has_clock_jumped() && !self.desk.is_paused() {
            self.desk.set_paused(Some(CLOCK.to_owned()));
            self.pause = Some(CLOCK);
        }
        if now < self.until && now >= self.next_lookup {
            let log = &self.consuming.shared.log;
            self.desk
                .serve(now, |position| lookup::cached(log, position));
        }
        self.desk.end_waits(now);
        self.log.set_urgent(self.desk.is_wanted());
        self.start_work(now);
    }

    /// Starts a lookup and a flush, if they are due.
    fn start_work(&mut self, now: Instant) {
        if now >= self.next_lookup
            && !self.lookup.is_running()
            && let Some(asked) = self.desk.lookup()
        {
            let shared = self.consuming.shared.clone();
            let settings = Arc::clone(&self.settings);
            self.lookup.start(lookup::answer(shared, settings, asked));
        }
        if self.is_flush_due(now) && self.desk.can_write() {
            self.start_flush();
        }
    }

    fn is_flush_due(&self, now: Instant) -> bool {
        !self.flush.is_running() && now >= self.flush_at()
    }

    fn flush_at(&self) -> Instant {
        if self.is_unwritten() || self.writing.is_some() {
            self.next_flush
        } else {
            self.heartbeat
        }
    }

    fn is_unwritten(&self) -> bool {
        self.desk.is_unwritten() || self.pause.is_some()
    }

    /// True if more of the log is to be read.
    fn reads(&self) -> bool {
        self.log_ended.is_none() && self.desk.has_room()
    }

    /// Takes a part of the log.
    fn read(&mut self, batch: Option<Result<LogBatch, Error>>) {
        match batch {
            Some(Ok(batch)) => self.offer(&batch),
            Some(Err(error)) => drop(self.consuming.stumble(&error)),
            None => self.log_ended = Some(Instant::now()),
        }
    }

    fn offer(&mut self, batch: &LogBatch) {
        let clients = self.consuming.shared.log.clients();
        for event in batch.events() {
            let client = clients.of(event).map(String::as_str);
            self.desk.offer(event, client);
        }
        self.desk.pass(batch.through);
        if let Some(at) = batch.at_end {
            self.desk.caught_up(batch.through, at);
        }
    }

    /// True unless a flush waits for a lookup: later settlements would need further lookups.
    fn takes_calls(&self, now: Instant) -> bool {
        !self.is_flush_due(now)
    }

    /// Time at which there is something to do without an event.
    fn next_time(&self, now: Instant) -> Instant {
        let mut next = self.desk.next_due(now).unwrap_or(self.heartbeat);
        if !self.flush.is_running() && !self.is_flush_due(now) {
            next = next.min(self.flush_at());
        }
        if self.next_lookup > now {
            next = next.min(self.next_lookup);
        }
        next
    }

    /// Starts the next flush, or repeats one that failed.
    fn start_flush(&mut self) {
        if let Some(at) = self.log.caught_up_at() {
            self.desk.caught_up(self.log.position(), at);
        }
        let writing = self.writing.take();
        let writing = writing.unwrap_or_else(|| self.desk.begin_write());
        let began = Instant::now();
        let owned = consumer::Owned {
            name: &self.consuming.name,
            generation: self.generation,
            lane: self.settings.lane,
            time: OWNED,
        };
        let flush = writing.flush(&owned, began);
        self.writing = Some(writing);
        let (shared, connection) = (self.consuming.shared.clone(), self.connection.take());
        let pause = self.pause;
        self.flush.start(async move {
            let mut connection = match connection {
                Some(connection) => Ok(connection),
                None => shared.connect().await,
            };
            let result = match &mut connection {
                Ok(connection) => within_deadline(write(connection, &flush, pause)).await,
                Err(_) => Err(Error::TimedOut),
            };
            Flushing {
                connection: connection.ok().filter(|_| result.is_ok()),
                result,
                began,
                pause,
            }
        });
    }

    /// Takes the result of a flush. Returns if the consumer is lost.
    fn flushed(&mut self, flushed: Option<Flushing>) -> Option<Rest> {
        let (now, writing) = (Instant::now(), self.writing.take());
        let Some((flushed, writing)) = flushed.zip(writing) else {
            // The work panicked: the stored state counts.
            return Some(self.lost());
        };
        self.connection = flushed.connection;
        self.heartbeat = now + HEARTBEAT;
        match flushed.result {
            Ok(Flushed::Written { paused }) => {
                let took = now - flushed.began;
                self.next_flush = now + (took * 10).clamp(PACE.0, PACE.1);
                self.until = flushed.began + SURE;
                let consumer = &self.consuming.name;
                ConsumerFlushed { consumer, took }.emit();
                self.desk.written(&writing, took);
                self.desk.measure(self.consuming.shared.log.end());
                if self.pause == flushed.pause {
                    self.pause = None;
                    self.desk.set_paused(paused);
                }
                self.consuming.resumed();
                None
            }
            Ok(Flushed::Lost) => Some(self.lost()),
            Err(error) => {
                self.writing = Some(writing);
                self.next_flush = now + SOON;
                self.consuming.stumble(&error);
                None
            }
        }
    }

    /// Writes what is settled, and gives the consumer up.
    async fn end(mut self) -> Rest {
        let end = Instant::now() + DEADLINE;
        self.desk.not_found(Instant::now());
        self.desk.end_waits(end + DEADLINE);
        while self.flush.is_running() || self.is_unwritten() {
            let now = Instant::now();
            self.start_work(now);
            let next = self.next_time(now);
            tokio::select! {
                flushed = self.flush.done() => {
                    if let Some(rest) = self.flushed(flushed) {
                        return rest;
                    }
                }
                found = self.lookup.done() => self.found(found),
                () = sleep_until(next.into()) => {}
                () = sleep_until(end.into()) => break,
            }
        }
        self.desk.give_up_answers();
        self.release().await;
        let consumer = Arc::clone(&self.consuming.name);
        ConsumerReleased { consumer }.emit();
        Rest::short()
    }

    /// Lets another process take the consumer at once. Without Postgres it waits for the end of the
    /// ownership.
    async fn release(&mut self) {
        if let Some(connection) = &mut self.connection {
            let name = &self.consuming.name;
            let released = consumers::release(connection, name, self.generation);
            let _ = within_deadline(released).await;
        }
    }

    /// Another process has the consumer, or an operator moved or removed it.
    fn lost(&mut self) -> Rest {
        let consumer = Arc::clone(&self.consuming.name);
        OwnershipLost { consumer }.emit();
        self.desk.give_up_answers();
        Rest::short()
    }

    fn found(&mut self, found: Option<(Lookup, Result<Found, Error>)>) {
        let now = Instant::now();
        match found {
            Some((asked, Ok(found))) => self.desk.found(&asked, found, now),
            failed => {
                self.desk.not_found(now);
                self.next_lookup = now + SOON;
                if let Some((_, Err(error))) = failed {
                    self.consuming.stumble(&error);
                }
            }
        }
    }
}

async fn write(
    connection: &mut Connection,
    flush: &Flush,
    pause: Option<&'static str>,
) -> Result<Flushed, Error> {
    if let Some(reason) = pause {
        consumers::pause(connection, &flush.name, reason).await?;
    }
    consumers::flush(connection, flush).await
}
