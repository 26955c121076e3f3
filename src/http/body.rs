//! Reads a body frame by frame, within its size, its deadline and the memory budget of all bodies.

use std::{error::Error, io, iter, sync::Arc};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::Limits;
use crate::{
    ingest::{Failure, Outcome, Rejection},
    telemetry::http::BodyBytes,
};

const TOO_LARGE: Outcome = Outcome::Rejected(Rejection::BodyTooLarge);
const TOO_LATE: Outcome = Outcome::Rejected(Rejection::BodyTimeout);
const INCOMPLETE: Outcome = Outcome::Rejected(Rejection::BodyIncomplete);
const MALFORMED: Outcome = Outcome::Rejected(Rejection::BodyMalformed);
const NO_BUDGET: Outcome = Outcome::Failed(Failure::BodyBudget);

/// Maximum size of a body that is copied out of the read buffer of its connection. A small body
/// would keep the whole buffer until its commit: several times the bytes that the budget counts,
/// and a new buffer for each delivery.
const COPIED: usize = 4 << 10;

/// Memory budget of all bodies in flight.
///
/// Bytes are counted as they arrive, not by `Content-Length`, so a large promised length reserves
/// nothing. A quarter is reserved for small bodies, no larger than an equal part of it: nearly all
/// bodies are small, and a few large ones that never end must not block them.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    free: Arc<Semaphore>,
    /// Bytes reserved for small bodies.
    reserve: usize,
    /// Each connection's equal part of the reserve.
    small: usize,
    shown: BodyBytes,
}

/// A body in memory, and its share of the budget for as long as it lives.
#[derive(Debug)]
pub(super) struct BufferedBody {
    bytes: Bytes,
    _share: Share,
}

/// Bytes of the budget that one body uses.
#[derive(Debug)]
struct Share {
    budget: Budget,
    taken: Option<OwnedSemaphorePermit>,
}

/// Frames of a body. A single frame is not copied; further frames are joined as they arrive, so
/// that many small frames cost no more than their bytes.
enum Gathered {
    One(Bytes),
    Joined(BytesMut),
}

/// Reads `body` to its end.
///
/// # Errors
/// If the body exceeds a limit or breaks off: the outcome of the delivery.
pub(super) async fn read(
    body: Body,
    limits: &Limits,
    budget: &Budget,
) -> Result<BufferedBody, Outcome> {
    let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if promised > limits.max_body_bytes {
        return Err(TOO_LARGE);
    }
    let gathering = gather(body, limits.max_body_bytes, budget);
    let in_time = timeout(limits.body_timeout, gathering).await;
    in_time.unwrap_or(Err(TOO_LATE))
}

async fn gather(mut body: Body, limit: usize, budget: &Budget) -> Result<BufferedBody, Outcome> {
    let mut share = budget.share();
    let mut gathered = Gathered::One(Bytes::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broken_off(&error))?.into_data() else {
            continue; // Trailers carry nothing of ours.
        };
        if data.len() > limit - gathered.len() {
            return Err(TOO_LARGE);
        }
        share.take(data.len())?;
        gathered = gathered.and(data);
    }
    Ok(BufferedBody {
        bytes: gathered.freeze(),
        _share: share,
    })
}

/// Outcome of a body that breaks off: malformed chunks, or an early end.
fn broken_off(error: &axum::Error) -> Outcome {
    let mut causes = iter::successors(error.source(), |error| (*error).source());
    let cause = causes.find_map(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => MALFORMED,
        _ => INCOMPLETE,
    }
}

impl BufferedBody {
    /// The bytes as they arrived.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Joined(bytes) => bytes.len(),
        }
    }

    fn and(self, more: Bytes) -> Self {
        let mut joined = match self {
            Self::One(bytes) if bytes.is_empty() => return Self::One(more),
            Self::One(bytes) => BytesMut::from(bytes),
            Self::Joined(bytes) => bytes,
        };
        joined.extend_from_slice(&more);
        Self::Joined(joined)
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::One(bytes) if bytes.len() <= COPIED => Bytes::copy_from_slice(&bytes),
            Self::One(bytes) => bytes,
            Self::Joined(bytes) => bytes.freeze(),
        }
    }
}

impl Budget {
    /// The budget for `limits`. The largest body fits in beside the reserve.
    pub(super) fn new(limits: &Limits) -> Self {
        let total = limits.body_budget_bytes.min(Semaphore::MAX_PERMITS);
        let reserve = (total / 4).min(total.saturating_sub(limits.max_body_bytes));
        Self {
            free: Arc::new(Semaphore::new(total)),
            reserve,
            small: reserve / limits.connections.max(1),
            shown: BodyBytes::gauge(),
        }
    }

    /// True if a body that uses `taken` bytes may use `more`.
    fn grants(&self, taken: usize, more: usize) -> bool {
        let left = self.free.available_permits().checked_sub(more);
        taken + more <= self.small || left.is_some_and(|left| left >= self.reserve)
    }

    fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            taken: None,
        }
    }
}

impl Share {
    /// Takes `bytes` more, without waiting: Meta comes again.
    fn take(&mut self, bytes: usize) -> Result<(), Outcome> {
        if !self.budget.grants(self.bytes(), bytes) {
            return Err(NO_BUDGET);
        }
        let permits = u32::try_from(bytes).map_err(|_| NO_BUDGET)?;
        let free = Arc::clone(&self.budget.free);
        let more = free
            .try_acquire_many_owned(permits)
            .map_err(|_| NO_BUDGET)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        self.budget.shown.add(bytes);
        Ok(())
    }

    fn bytes(&self) -> usize {
        let taken = self.taken.as_ref();
        taken.map_or(0, OwnedSemaphorePermit::num_permits)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.shown.remove(self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    fn limits(max_body_bytes: usize, body_budget_bytes: usize, connections: usize) -> Limits {
        Limits {
            max_body_bytes,
            body_timeout: Duration::from_secs(10),
            body_budget_bytes,
            connections,
            answer_within: Duration::from_secs(3),
            trusted_proxies: [].into(),
        }
    }

    #[test]
    fn what_is_shown_is_the_sum_of_what_is_taken() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let budget = || Budget::new(&limits(100, 1000, 4));
        let budgets = metrics::with_local_recorder(&recorder, || [budget(), budget()]);
        let shows = |bytes: usize| {
            let shown = handle.render();
            let line = format!("hookshelf_body_bytes {bytes}\n");
            assert!(shown.contains(&line), "{bytes}: {shown}");
        };
        let mut first = taking(&budgets[0], 10);
        let second = taking(&budgets[1], 300);
        assert_eq!(first.take(5), Ok(()));
        assert_eq!(first.take(1000), Err(NO_BUDGET));
        shows(315);
        drop(first);
        shows(300);
        drop(second);
        shows(0);
    }

    fn taking(budget: &Budget, bytes: usize) -> Share {
        let mut share = budget.share();
        assert_eq!(share.take(bytes), Ok(()));
        share
    }

    #[test]
    fn a_greedy_body_leaves_each_other_connection_its_part_whatever_the_budget_is() {
        for (max, total, connections) in [(100, 100, 3), (100, 110, 65), (1000, 1600, 4)] {
            let budget = Budget::new(&limits(max, total, connections));
            drop(taking(&budget, max));
            let mut greedy = budget.share();
            while greedy.take(1).is_ok() {}
            let others: Vec<_> = (1..connections)
                .map(|_| taking(&budget, budget.small))
                .collect();
            let bytes = greedy.bytes() + others.iter().map(Share::bytes).sum::<usize>();
            assert_eq!(budget.free.available_permits(), total - bytes);
        }
    }
}
