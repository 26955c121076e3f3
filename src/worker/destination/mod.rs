//! Sender of a destination: leases events, sends them, and settles them.
//!
//! Each destination has a sender with its own task, so a slow destination delays no other. Senders
//! share the HTTP client and the sessions that read deliveries.

mod sending;
mod settling;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::{sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    forward::{
        Bucket,
        consumer::{HandedOut, Handle, Refusal, Verb, Want},
        destination::{Group, Settings, settlement, spread},
        http::{Attempt, Breaker, Permit, Verdict},
    },
    telemetry::{BreakerClosed, BreakerOpened, LogEvent},
};
pub use sending::Senders;
use sending::{Leased, Sent};

/// Name of the sender among the workers of its consumer.
const WORKER: &str = "sender";

/// Time to wait for an event.
const WAIT: Duration = Duration::from_mins(1);

/// Time of a lease beyond the timeout of the request: for reading the delivery and settling.
const SLACK: Duration = Duration::from_mins(2);

/// Pause after a refusal of the consumer, such as a pause of the destination.
const SOON: Duration = Duration::from_secs(1);

/// Pause after 410: the owner learns of the pause meanwhile.
const GONE: Duration = Duration::from_secs(5);

/// Time of a request up to which events are leased ahead. A slower destination waits for its own
/// requests, not for leases.
const QUICK: Duration = Duration::from_secs(1);

/// Settlements at the same time. At this number nothing is leased.
const SETTLING: usize = 256;

/// Time for which a stop waits for requests and settlements. The owner of the consumer ends about as
/// long after the log.
const GRACE: Duration = Duration::from_secs(1);

type Leasing = Pin<Box<dyn Future<Output = Result<Vec<HandedOut>, Refusal>> + Send>>;

/// Sender of one destination.
pub struct Sender {
    name: Arc<str>,
    handle: Handle,
    settings: watch::Receiver<Arc<Settings>>,
    senders: Senders,
    breaker: Breaker,
    /// Time at which the breaker opened.
    down_since: Option<Instant>,
    bucket: Bucket,
    /// Nothing is leased before this time.
    not_before: Instant,
    leasing: Option<Leasing>,
    /// Events leased ahead, for the next free slots. Their deliveries are being read.
    ready: VecDeque<Leased>,
    /// True if the last request took less than [`QUICK`].
    is_quick: bool,
    sends: JoinSet<Sent>,
    settles: JoinSet<()>,
}

impl Sender {
    /// Sender of the destination `name`, whose events come from `handle`.
    pub fn new(
        name: Arc<str>,
        handle: Handle,
        settings: watch::Receiver<Arc<Settings>>,
        senders: Senders,
    ) -> Self {
        Self {
            name,
            handle,
            settings,
            senders,
            breaker: Breaker::default(),
            down_since: None,
            bucket: Bucket::default(),
            not_before: Instant::now(),
            leasing: None,
            ready: VecDeque::new(),
            is_quick: false,
            sends: JoinSet::new(),
            settles: JoinSet::new(),
        }
    }

    /// Runs until `stop`, or until the destination is removed. Then waits shortly for the
    /// requests that are out: an event whose request is cut off is sent again.
    pub async fn run(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(self.send()).await;
        self.stop_leasing();
        let _ = timeout(GRACE, self.finish()).await;
    }

    async fn send(&mut self) {
        // Events that a sender had which ended without a settlement.
        let _ = self.handle.release(WORKER.into()).await;
        loop {
            self.begin_ready();
            self.lease();
            tokio::select! {
                leased = some(self.leasing.as_mut()) => {
                    self.leasing = None;
                    self.take(leased);
                }
                Some(sent) = self.sends.join_next() => self.ended(sent.ok()),
                Some(_) = self.settles.join_next() => {}
                changed = self.settings.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    // Events leased before may lack the content that the new format needs.
                    self.stop_leasing();
                }
            }
        }
    }

    async fn finish(&mut self) {
        while let Some(sent) = self.sends.join_next().await {
            self.ended(sent.ok());
        }
        while self.settles.join_next().await.is_some() {}
    }

    /// Begins to lease as many events as may be sent now or are wanted ahead, unless a lease waits
    /// already.
    fn lease(&mut self) {
        let settings = Arc::clone(&self.settings.borrow());
        let leased = self.sends.len() + self.ready.len();
        let free = self.most(&settings).saturating_sub(leased);
        if self.leasing.is_some() || free == 0 || self.settles.len() >= SETTLING {
            return;
        }
        let now = Instant::now();
        let (mut begin, mut max) = (self.not_before.max(now), free);
        if let Some(probe) = self.breaker.next_probe() {
            begin = begin.max(probe);
        }
        if let Some(rate) = settings.destination.rate {
            begin = begin.max(self.bucket.next(rate, now));
            max = max.min(self.bucket.available(rate, begin).max(1));
        }
        let want = Want {
            max,
            wait: WAIT,
            lease: Some(settings.destination.timeout + SLACK),
            worker: WORKER.into(),
            content: settings.wants_content(),
        };
        let handle = self.handle.clone();
        self.leasing = Some(Box::pin(async move {
            tokio::time::sleep_until(begin.into()).await;
            handle.lease(want).await
        }));
    }

    /// Number of events to lease, with those that are out. A slot that becomes free then has its
    /// next event at once: a lease and the read of a delivery take about as long as a request.
    fn most(&self, settings: &Settings) -> usize {
        let (slots, rate) = (settings.destination.concurrency, settings.destination.rate);
        match rate {
            _ if self.breaker.is_open() => 1,
            None if self.is_quick => 2 * slots,
            _ => slots,
        }
    }

    /// Takes leased events. After a refusal, such as a pause, the others go back.
    fn take(&mut self, leased: Result<Vec<HandedOut>, Refusal>) {
        let Ok(events) = leased else {
            self.not_before = Instant::now() + SOON;
            self.give_back_ready();
            return;
        };
        let settings = Arc::clone(&self.settings.borrow());
        let events = events.into_iter();
        let read = events.map(|event| self.senders.read(&settings, event));
        self.ready.extend(read);
    }

    /// Begins attempts while slots are free. If the breaker is open, the events go back.
    fn begin_ready(&mut self) {
        // The change is taken next, and the events go back.
        if self.settings.has_changed().unwrap_or(true) {
            return;
        }
        let slots = self.settings.borrow().destination.concurrency;
        while (self.sends.len() < slots || self.breaker.is_open())
            && let Some(leased) = self.ready.pop_front()
        {
            self.begin(leased);
        }
    }

    /// Begins the attempt at an event, or gives it back if it waited for too long, or if the breaker
    /// is open.
    fn begin(&mut self, leased: Leased) {
        let now = Instant::now();
        if leased.is_stale(now) {
            self.give_back_unsent(&leased.event);
            return;
        }
        let Ok(permit) = self.breaker.permit(now) else {
            self.give_back(&Group::of(&leased.event));
            return;
        };
        let settings = Arc::clone(&self.settings.borrow());
        if let Some(rate) = settings.destination.rate {
            self.bucket.take(rate, now);
        }
        let senders = self.senders.clone();
        self.sends.spawn(senders.send(settings, leased, permit));
    }

    /// Settles the events of a request that ended.
    fn ended(&mut self, sent: Option<Sent>) {
        // A panic has no result; its lease expires.
        let Some(sent) = sent else { return };
        let settings = Arc::clone(&self.settings.borrow());
        match &sent.result {
            Ok(attempt) => {
                self.is_quick = Duration::from_millis(attempt.millis.into()) < QUICK;
                self.senders.record(&self.name, &settings, &sent);
                self.judge(&sent.group, attempt, (sent.permit, &settings));
            }
            Err(unsent) => {
                let verb = settling::unsent(&self.name, &sent.group, *unsent, &settings);
                self.settle(&sent.group, verb);
            }
        }
    }

    /// Settles the events of an attempt. An attempt does not count if the destination is down.
    fn judge(&mut self, group: &Group, attempt: &Attempt, (permit, settings): (Permit, &Settings)) {
        let now = self.senders.clock.now();
        let outage = attempt.outage(now);
        self.breaker.record(permit, outage, Instant::now());
        self.tell(attempt);
        if outage.is_some() && self.breaker.is_open() {
            self.give_back(group);
            return;
        }
        let (verdict, verb) = settlement(group, attempt, &settings.retry, now);
        if verdict == Verdict::Pause {
            self.not_before = Instant::now() + GONE;
            self.stop_leasing();
            self.settles.spawn(settling::pause(
                self.senders.clone(),
                Arc::clone(&self.name),
                (self.handle.clone(), group.lease.clone()),
            ));
            return;
        }
        self.settle(group, verb);
    }

    /// Gives the events back until shortly after the next probe, so that the probe takes another
    /// lane if there is one.
    fn give_back(&mut self, group: &Group) {
        let now = Instant::now();
        let probe = self.breaker.next_probe().unwrap_or(now);
        let delay = probe.saturating_duration_since(now) + SOON / 4;
        let delay = spread(delay, group.position);
        self.settle(group, Verb::GiveBack { delay });
    }

    /// Ends the lease that waits, and gives back the events leased ahead. The answer to the lease may
    /// be there already.
    fn stop_leasing(&mut self) {
        let leased = self.leasing.take().and_then(FutureExt::now_or_never);
        for event in leased.into_iter().flatten().flatten() {
            self.give_back_unsent(&event);
        }
        self.give_back_ready();
    }

    /// Gives back the events leased ahead.
    fn give_back_ready(&mut self) {
        for leased in std::mem::take(&mut self.ready) {
            self.give_back_unsent(&leased.event);
        }
    }

    fn give_back_unsent(&mut self, event: &HandedOut) {
        let delay = Duration::ZERO;
        self.settle(&Group::of(event), Verb::GiveBack { delay });
    }

    fn settle(&mut self, group: &Group, verb: Verb) {
        let settling = settling::settle(self.handle.clone(), group.lease.clone(), verb);
        self.settles.spawn(settling);
    }

    /// Tells when the destination is down, and when it is up again.
    fn tell(&mut self, attempt: &Attempt) {
        let destination = self.name.to_string();
        match (self.breaker.is_open(), self.down_since) {
            (true, None) => {
                self.down_since = Some(Instant::now());
                let code = attempt.code();
                BreakerOpened { destination, code }.emit();
            }
            (false, Some(since)) => {
                self.down_since = None;
                let after = since.elapsed();
                BreakerClosed { destination, after }.emit();
            }
            _ => {}
        }
    }
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sender = f.debug_struct("Sender");
        sender.field("name", &self.name).finish_non_exhaustive()
    }
}

/// Waits for a future; for ever if there is none.
async fn some<F: Future + Unpin>(future: Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
