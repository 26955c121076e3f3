//! What the drain of the spool has done so far, and how it is told to go on at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(10);

/// The drain writes it, whoever tells of the spool reads it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Drained(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    done: Mutex<Done>,
    go_on: Notify,
}

/// Why the drain does not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The bounded word for it.
    pub code: &'static str,
    /// What was said of it, where nothing else says that.
    pub why: Option<String>,
}

#[derive(Debug, Default)]
struct Done {
    total: u64,
    passed_over: u64,
    obstacle: Option<Obstacle>,
    /// How many records were noted when, within the window.
    recent: VecDeque<(Instant, u64)>,
}

impl Drained {
    /// So many records more are in the database and out of the spool, or none is left: nothing is in
    /// the way.
    pub fn note(&self, records: u64, now: Instant) {
        let mut done = self.lock();
        done.total += records;
        done.obstacle = None;
        done.forget(now);
        if records > 0 {
            done.recent.push_back((now, records));
        }
    }

    /// How many records this run has drained.
    pub fn total(&self) -> u64 {
        self.lock().total
    }

    /// Records a second, over the last ten.
    pub fn rate(&self, now: Instant) -> f64 {
        let mut done = self.lock();
        done.forget(now);
        let records: u64 = done.recent.iter().map(|(_, records)| records).sum();
        exact(records) / WINDOW.as_secs_f64()
    }

    /// Postgres failed on one record alone: it was put behind the others.
    pub fn pass_over(&self) {
        self.lock().passed_over += 1;
    }

    /// How many times a record was put behind the others in this run.
    pub fn passed_over(&self) -> u64 {
        self.lock().passed_over
    }

    /// The drain does not get on, for the reason that this bounded word names, and with what was
    /// said of it.
    pub fn fail(&self, code: &'static str, why: Option<String>) {
        self.lock().obstacle = Some(Obstacle { code, why });
    }

    /// Why the drain does not get on; none while it does, or has nothing to do.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.lock().obstacle.clone()
    }

    /// Ends the pause of the drain: the next try begins at once. One that is not in a pause makes
    /// no next one.
    pub fn wake(&self) {
        self.0.go_on.notify_one();
    }

    /// Waits for [`Self::wake`].
    pub async fn woken(&self) {
        self.0.go_on.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.0.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Done {
    /// Drops what is older than the window, so that a long drain keeps no more than that.
    fn forget(&mut self, now: Instant) {
        let old = |(at, _): &mut (Instant, u64)| now.saturating_duration_since(*at) >= WINDOW;
        while self.recent.pop_front_if(old).is_some() {}
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate; exact below 2^53 records"
)]
fn exact(records: u64) -> f64 {
    records as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(rate: f64, expected: f64) -> bool {
        (rate - expected).abs() < 1e-9
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let (drained, start) = (Drained::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(near(drained.rate(start), 0.0));
        drained.note(100, at(0));
        drained.note(300, at(4));
        assert!(near(drained.rate(at(5)), 40.0));
        assert!(near(drained.rate(at(10)), 30.0));
        assert!(near(drained.rate(at(14)), 0.0));
        assert_eq!(drained.total(), 400);
        // One that asks with an earlier moment gets an answer, too.
        assert!(near(drained.rate(start), 0.0));
    }

    #[test]
    fn a_long_drain_keeps_the_last_ten_seconds_only() {
        let (drained, start) = (Drained::default(), Instant::now());
        for second in 0..1000 {
            drained.note(1, start + Duration::from_secs(second));
        }
        assert_eq!(drained.lock().recent.len(), 10);
        assert_eq!(drained.total(), 1000);
    }

    #[test]
    fn an_obstacle_lasts_until_a_record_is_through() {
        let drained = Drained::default();
        let told = drained.clone();
        drained.fail("postgres", None);
        let (code, why) = ("spool", Some("no such device".to_owned()));
        drained.fail(code, why.clone());
        drained.pass_over();
        let last = Obstacle { code, why };
        assert_eq!((told.obstacle(), told.passed_over()), (Some(last), 1));
        drained.note(1, Instant::now());
        assert_eq!((told.obstacle(), told.passed_over()), (None, 1));
    }

    #[tokio::test]
    async fn it_goes_on_when_it_is_told_to_before_or_while_it_waits() {
        let drained = Drained::default();
        drained.wake();
        drained.woken().await;
        let told = drained.clone();
        let waiting = tokio::spawn(async move { told.woken().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drained.wake();
        waiting.await.unwrap();
    }
}
