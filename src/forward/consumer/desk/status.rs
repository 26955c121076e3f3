//! State of a consumer for operators.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::Desk;
use crate::{
    forward::consumer::{Status, WorkerStatus},
    telemetry::{
        LogEvent,
        consumers::{ConsumerMeasured, LanesBlocked, LanesUnblocked},
    },
};

/// Lanes in a status.
const LANES: usize = 100;

/// Time for which a worker is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Workers that are remembered.
const MOST_WORKERS: usize = 1_000;

impl Desk {
    /// State for operators.
    pub(super) fn status(&mut self, now: Instant) -> Status {
        Status {
            position: self.lanes.read(),
            in_flight: self.lanes.in_flight(),
            waiting: self.lanes.waiting(),
            lanes: self.lanes.waiting_lanes().take(LANES).collect(),
            is_blocked: self.lanes.is_blocked(),
            backlogs: self.lanes.backlogs(),
            oldest: self.lanes.oldest(),
            counts: self.lanes.counts(),
            workers: self.workers(now),
            rate: self.rate.per_second(now),
            paused: self.paused.clone(),
            flush: self.flush,
            replay: self.replay_status(),
        }
    }

    /// Reports the state in metrics, in a log that ends at `end`.
    pub fn measure(&mut self, end: i64) {
        let oldest = self.lanes.oldest();
        let first = oldest.map_or(self.lanes.read() + 1, |(position, _)| position);
        let unread = self.last.filter(|_| self.lanes.read() < end);
        let since = oldest.map(|(_, at)| at).or(unread);
        let lag = since.map(|at| self.clock.now().duration_since(at));
        let blocked = self.lanes.is_blocked();
        let waiting = self.lanes.waiting();
        ConsumerMeasured {
            consumer: &self.name,
            lag_positions: u64::try_from(end - first + 1).unwrap_or_default(),
            lag: lag.and_then(|it| it.try_into().ok()).unwrap_or_default(),
            in_flight: self.lanes.in_flight(),
            waiting,
            blocked,
            paused: self.paused.as_deref(),
            replay_left: self.replay_status().map_or(0, |replay| replay.left()),
        }
        .emit();
        let consumer = Arc::clone(&self.name);
        match (std::mem::replace(&mut self.was_blocked, blocked), blocked) {
            (false, true) => LanesBlocked { consumer, waiting }.emit(),
            (true, false) => LanesUnblocked { consumer }.emit(),
            _ => {}
        }
    }

    /// Workers that asked in the last hour.
    fn workers(&self, now: Instant) -> Vec<WorkerStatus> {
        let out = self.lanes.workers();
        let seen = self
            .workers
            .iter()
            .map(|(name, at)| (name, now.duration_since(*at)));
        let seen = seen.filter(|(_, seen)| *seen < REMEMBERED);
        seen.map(|(name, seen)| WorkerStatus {
            name: Arc::clone(name),
            in_flight: out.get(name).copied().unwrap_or_default(),
            seen,
        })
        .collect()
    }

    /// Notes a request of a worker.
    pub(super) fn see(&mut self, worker: &Arc<str>, now: Instant) {
        if let Some(seen) = self.workers.get_mut(worker) {
            *seen = now;
            return;
        }
        if self.workers.len() >= MOST_WORKERS {
            self.workers
                .retain(|_, seen| now.duration_since(*seen) < REMEMBERED);
        }
        if self.workers.len() < MOST_WORKERS {
            self.workers.insert(Arc::clone(worker), now);
        }
    }
}
