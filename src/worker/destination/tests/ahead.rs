//! Events that a sender leases ahead, and gives back.

use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU16, Ordering},
    time::Instant,
};

use super::*;

/// Requests at the same time.
const SLOTS: i64 = 16;

const AHEAD: RangeInclusive<i64> = SLOTS + 1..=2 * SLOTS;

const KEYS: &str = "rate = \"off\"\nconcurrency = 16";

const AT_ONCE: Verb = Verb::GiveBack {
    delay: Duration::ZERO,
};

impl World {
    /// A destination that has answered an event, and then holds back its answers to the following
    /// ones, up to `last`. All of them are handed out, and those with a slot are requested.
    async fn holding(last: i64, status: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        let mut world = Self::start_with(KEYS, status).await;
        world.hold(last).await;
        for position in 0..=last {
            assert_eq!(world.next_handed_out().await, position);
        }
        let slots = usize::try_from(last.min(SLOTS)).unwrap();
        world.requested(1 + slots).await;
        world
    }

    async fn hold(&mut self, last: i64) {
        self.offer(event(0));
        assert_eq!(self.settled().await, (0, Verb::Ack));
        self.answers.send_replace(false);
        for position in 1..=last {
            self.offer(event(position));
        }
    }

    async fn next_handed_out(&mut self) -> i64 {
        let position = tokio::time::timeout(PATIENCE, self.handed_out.recv());
        position.await.unwrap().unwrap()
    }

    /// Waits until the destination has this number of requests.
    async fn requested(&self, count: usize) {
        let requested = async {
            while self.requests().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, requested).await.unwrap();
    }

    /// The next settlements, by position.
    async fn settlements(&mut self, positions: RangeInclusive<i64>) -> Vec<(i64, Verb)> {
        let mut settled = Vec::new();
        for _ in positions {
            settled.push(self.settled().await);
        }
        settled.sort_by_key(|(position, _)| *position);
        settled
    }

    /// Stops the sender while the destination holds back its answers; returns what goes back.
    async fn given_back(mut self) -> Vec<(i64, Verb)> {
        self.stop.cancel();
        self.sender.await.unwrap();
        let mut settled = Vec::new();
        while let Ok(Settlement { lease, verb }) = self.settlements.try_recv() {
            settled.push((lease.parse().unwrap(), verb));
        }
        settled.sort_by_key(|(position, _)| *position);
        settled
    }
}

/// Settlements that give these events back at once.
fn at_once(positions: RangeInclusive<i64>) -> Vec<(i64, Verb)> {
    positions.map(|position| (position, AT_ONCE)).collect()
}

#[tokio::test]
async fn events_leased_ahead_go_back_when_the_sender_stops() {
    let world = World::holding(2 * SLOTS, |_| 200).await;
    assert_eq!(world.given_back().await, at_once(AHEAD));
}

#[tokio::test]
async fn events_leased_ahead_are_sent_once_slots_are_free() {
    let mut world = World::holding(2 * SLOTS, |_| 200).await;
    world.answers.send_replace(true);
    let settled = world.settlements(1..=2 * SLOTS).await;
    let acked: Vec<_> = (1..=2 * SLOTS).map(|it| (it, Verb::Ack)).collect();
    assert_eq!(settled, acked);
}

#[tokio::test]
async fn events_leased_ahead_go_back_when_the_settings_change() {
    let mut world = World::holding(2 * SLOTS, |_| 200).await;
    world.settings.send_modify(|_| {});
    assert_eq!(world.settlements(AHEAD).await, at_once(AHEAD));
}

#[tokio::test]
async fn events_leased_ahead_go_back_when_the_destination_is_paused() {
    let mut world = World::holding(SLOTS + 5, |_| 200).await;
    let refusal = Refusal::Paused("operator".to_owned());
    world.refusal.send_replace(Some(refusal));
    let ahead = SLOTS + 1..=SLOTS + 5;
    assert_eq!(world.settlements(ahead.clone()).await, at_once(ahead));
}

#[tokio::test]
async fn events_leased_ahead_go_back_when_the_destination_is_gone() {
    let status = Arc::new(AtomicU16::new(200));
    let answered = Arc::clone(&status);
    let mut world = World::holding(2 * SLOTS, move |_| answered.load(Ordering::SeqCst)).await;
    world.requested(17).await;
    status.store(410, Ordering::SeqCst);
    world.answers.send_replace(true);
    assert_eq!(world.settlements(AHEAD).await, at_once(AHEAD));
    assert_eq!(world.requests().len(), 17);
}

/// The tenth failure opens the breaker. It does not count, nor do the requests after it, and events
/// that were not sent yet are not sent.
#[tokio::test]
async fn events_leased_ahead_go_back_when_the_breaker_opens() {
    let status = Arc::new(AtomicU16::new(200));
    let answered = Arc::clone(&status);
    let mut world = World::holding(2 * SLOTS, move |_| answered.load(Ordering::SeqCst)).await;
    status.store(503, Ordering::SeqCst);
    world.answers.send_replace(true);
    let settled = world.settlements(1..=2 * SLOTS).await;
    let (counted, given_back): (Vec<_>, Vec<_>) = settled
        .into_iter()
        .map(|(_, verb)| verb)
        .partition(|verb| matches!(verb, Verb::Nack { .. }));
    assert_eq!(counted.len(), 9);
    let goes_back = |verb: &Verb| matches!(verb, Verb::GiveBack { .. });
    assert!(given_back.iter().all(goes_back), "{given_back:?}");
    assert!(world.requests().len() <= 1 + 16 + 9, "sent while down");
}

#[tokio::test]
async fn a_destination_with_a_rate_leases_nothing_ahead() {
    let keys = "rate = \"1000/s\"\nconcurrency = 16";
    let mut world = World::start_with(keys, |_| 200).await;
    world.hold(2 * SLOTS).await;
    world.requested(17).await;
    assert_eq!(world.given_back().await, []);
}

#[tokio::test]
async fn an_event_that_waited_for_seconds_is_stale() {
    let options = store::options("postgres://127.0.0.1:1/none").unwrap();
    let senders = Senders::new(&options, Clock::system());
    let leased = senders.read(&settings("http://127.0.0.1:1/", ""), event(7));
    let now = Instant::now();
    assert!(!leased.is_stale(now));
    assert!(leased.is_stale(now + Duration::from_secs(3)));
}
