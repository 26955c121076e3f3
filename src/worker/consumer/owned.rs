//! Loop of the owner.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::{
    Consuming, OWNED, Rest, SOON, Takeover,
    job::Job,
    lookup,
    replaying::{Read, Replaying},
};
use crate::{
    forward::{
        consumer::{Call, Desk, Found, Lookup, Refusal, Settings, Writing},
        lanes::Item,
    },
    query::stream::{LogBatch, LogSubscription},
    store::{
        Connection, Error,
        consumers::{Flushed, RowPlace},
        follow::Gap,
        replays::Replay,
    },
    telemetry::{LogEvent, consumers::ConsumerMissed},
};

/// Time after the start of a flush in which no other process takes the consumer, with a margin for
/// clocks of different speed.
pub(super) const SURE: Duration = OWNED.saturating_sub(Duration::from_secs(3));

/// Time after which the ownership is extended if there is nothing to write, and in which a pause, a
/// move, a retry or a replay by an operator is noticed.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(3);

/// Reason of a pause because a clock jumped.
const CLOCK: &str = "clock";

/// A consumer that this process owns.
#[derive(Debug)]
pub(super) struct Owned<'c> {
    pub(super) consuming: &'c mut Consuming,
    pub(super) desk: Desk,
    pub(super) generation: i64,
    /// The session of the flushes, unless one runs.
    pub(super) connection: Option<Connection>,
    /// Place of the row of the consumer.
    pub(super) place: RowPlace,
    /// Progress whose write runs, or failed and is repeated.
    pub(super) writing: Option<Writing>,
    pub(super) flush: Job<Flushing>,
    pub(super) lookup: Job<(Lookup, Result<Found, Error>)>,
    pub(super) replaying: Replaying,
    pub(super) settings: Arc<Settings>,
    pub(super) log: LogSubscription,
    /// Time at which the log ended: the server stops, or the database was replaced.
    log_ended: Option<Instant>,
    pub(super) is_reading_failed: bool,
    /// Earliest time of the next flush.
    pub(super) next_flush: Instant,
    /// Time of the next flush if there is nothing to write.
    pub(super) heartbeat: Instant,
    /// Earliest time at which a flush looks for retried letters and replays.
    pub(super) next_look: Instant,
    /// Earliest time of the next lookup.
    next_lookup: Instant,
    /// Time up to which no other process can own the consumer.
    pub(super) until: Instant,
    /// Reason of a pause to write.
    pub(super) pause: Option<&'static str>,
}

/// A flush that ended.
#[derive(Debug)]
pub(super) struct Flushing {
    /// The session, if it works, and the answer.
    pub(super) result: Result<(Option<Connection>, Flushed), Error>,
    pub(super) place: RowPlace,
    pub(super) began: Instant,
    pub(super) took: Duration,
    /// Pause that was written too.
    pub(super) pause: Option<&'static str>,
    /// Changes by an operator, if it was time to look for them.
    pub(super) look: Option<Look>,
}

/// Changes by an operator. They are read after a flush, which may have settled events.
#[derive(Debug)]
pub(super) struct Look {
    /// Events of letters that are retried.
    pub(super) retried: Vec<Item>,
    /// The replays in memory, and the first running one.
    pub(super) replays: Vec<Replay>,
}

impl<'c> Owned<'c> {
    /// The consumer as taken over.
    pub(super) fn new(consuming: &'c mut Consuming, taken: Takeover) -> Self {
        let (mut desk, began) = (taken.desk, taken.began);
        desk.set_paused(taken.paused);
        Self {
            consuming,
            settings: taken.settings,
            desk,
            log: taken.log,
            log_ended: None,
            is_reading_failed: false,
            generation: taken.generation,
            connection: Some(taken.connection),
            place: RowPlace::default(),
            writing: None,
            flush: Job::none(),
            lookup: Job::none(),
            replaying: Replaying::new(began),
            next_flush: began,
            heartbeat: began + HEARTBEAT,
            next_look: began + HEARTBEAT,
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
                read = self.replaying.done() => self.replay_read(read),
                Some(call) = self.consuming.calls.recv(), if takes_calls => self.take(call),
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
        self.desk.expire(now);
        self.desk.offer_replayed(now);
        if self.is_sure(now) && now >= self.next_lookup {
            let log = &self.consuming.shared.log;
            self.desk
                .serve(now, |at, content| lookup::cached(log, at, content));
        }
        self.desk.end_waits(now);
        self.log.set_urgent(self.desk.is_wanted());
        self.start_replay(now);
        self.start_work(now);
    }

    /// Begins to read the next events of the replay, if there is room for them.
    fn start_replay(&mut self, now: Instant) {
        if !self.desk.is_replaying() {
            self.replaying.close();
        }
        if self.replaying.is_free(now)
            && let Some(wish) = self.desk.replay_wish()
        {
            let options = self.consuming.shared.options.clone();
            let name = Arc::clone(&self.consuming.name);
            self.replaying.start(options, name, wish);
        }
    }

    /// Takes events of the replay.
    fn replay_read(&mut self, read: Option<Read>) {
        match self.replaying.ended(read, Instant::now()) {
            Ok(None) => {}
            Ok(Some((wish, page))) => {
                let clients = self.consuming.shared.log.clients();
                let found = (&page.events[..], page.through);
                let client = |event: &_| clients.of(event).map(String::as_str);
                self.desk.replay_found(&wish, found, client);
            }
            Err(error) => {
                self.consuming.stumble(&error);
            }
        }
    }

    /// Starts a lookup and a flush, if they are due.
    pub(super) fn start_work(&mut self, now: Instant) {
        if now >= self.next_lookup
            && !self.lookup.is_running()
            && let Some(asked) = self.desk.lookup()
        {
            let shared = self.consuming.shared.clone();
            let settings = Arc::clone(&self.settings);
            self.lookup.start(lookup::answer(shared, settings, asked));
        }
        if self.is_flush_due(now) && (self.desk.can_write() || now >= self.flush_at() + SOON) {
            self.start_flush();
        }
    }

    /// True if no other process can own the consumer.
    fn is_sure(&self, now: Instant) -> bool {
        now < self.until
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

    pub(super) fn is_unwritten(&self) -> bool {
        self.desk.is_unwritten() || self.pause.is_some()
    }

    /// True if more of the log is to be read.
    fn reads(&self) -> bool {
        self.log_ended.is_none() && self.desk.has_room()
    }

    /// Takes a part of the log.
    fn read(&mut self, batch: Option<Result<LogBatch, Error>>) {
        match batch {
            Some(Ok(batch)) => {
                self.is_reading_failed = false;
                self.offer(&batch);
            }
            Some(Err(error)) => {
                self.is_reading_failed = true;
                self.consuming.stumble(&error);
            }
            None => self.log_ended = Some(Instant::now()),
        }
    }

    fn offer(&mut self, batch: &LogBatch) {
        if let Some(gap) = batch.gap {
            self.tell_gap(gap);
        }
        let clients = self.consuming.shared.log.clients();
        let (mut events, mut chosen) = (0, 0);
        for event in batch.events() {
            let client = clients.of(event).map(String::as_str);
            events += 1;
            chosen += usize::from(self.desk.offer(event, client));
        }
        self.log.set_content(2 * chosen > events);
        self.desk.pass(batch.through);
        if let Some(at) = batch.at_end {
            self.desk.caught_up(batch.through, at);
        }
    }

    /// Reports positions that were dropped before they were read. A consumer that has read nothing
    /// starts at the first event that is stored, and misses none.
    fn tell_gap(&self, Gap { from, to }: Gap) {
        if from > 1 {
            let consumer = Arc::clone(&self.consuming.name);
            ConsumerMissed { consumer, from, to }.emit();
        }
    }

    /// True unless a flush waits for a lookup: later settlements would need further lookups.
    fn takes_calls(&self, now: Instant) -> bool {
        !self.is_flush_due(now)
    }

    /// Takes a request. Another process may have the consumer if the last flush is long ago.
    fn take(&mut self, call: Call) {
        let now = Instant::now();
        match call {
            Call::Lease(_, reply) if !self.is_sure(now) => {
                let _ = reply.send(Err(Refusal::Unavailable));
            }
            call => self.desk.take(call, now),
        }
    }

    /// Time at which there is something to do without an event.
    pub(super) fn next_time(&self, now: Instant) -> Instant {
        let mut next = self.desk.next_due(now).unwrap_or(now + HEARTBEAT);
        if !self.flush.is_running() {
            let wait = if self.is_flush_due(now) {
                SOON
            } else {
                Duration::ZERO
            };
            next = next.min(self.flush_at() + wait);
        }
        if self.next_lookup > now {
            next = next.min(self.next_lookup);
        }
        self.replaying
            .next_time(now)
            .into_iter()
            .fold(next, Instant::min)
    }

    pub(super) fn found(&mut self, found: Option<(Lookup, Result<Found, Error>)>) {
        let now = Instant::now();
        match found {
            Some((asked, Ok(found))) if self.is_sure(now) => self.desk.found(&asked, found, now),
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
