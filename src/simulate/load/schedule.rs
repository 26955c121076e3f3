//! The order of a run: who sends what next, and when everything is done.
//!
//! With a rate, a delivery that waits for a retry holds no connection. After its pause, the next free
//! connection sends it, before any new delivery.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::yield_now};

use super::post::Post;

/// Minimum sleep between two releases. Deliveries that become due during the sleep are released
/// together. The minimum bounds the CPU time of the thread; the sleep delays a delivery by at most
/// this.
const SHORTEST: Duration = Duration::from_micros(500);

/// The longest sleep, after which a stopped run is noticed.
const LONGEST: Duration = Duration::from_millis(50);

/// Maximum delay between due time and start of a delivery that is not counted as late. Smaller
/// delays are within the precision of timers.
const LATE: Duration = Duration::from_millis(5);

/// Maximum memory for deliveries that wait for a retry. Beyond it a delivery keeps its connection
/// during its pause, which slows down the other deliveries.
const MOST_WAITING_BYTES: usize = 256 * 1024 * 1024;

/// Length of a run. With both limits, the run ends at the first one reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Length {
    /// Maximum number of deliveries, including repeats and forgeries.
    pub deliveries: Option<u64>,
    /// Maximum time. Deliveries begun or due before its end are still completed.
    pub time: Option<Duration>,
}

/// The turn of a delivery that was not sent before.
pub(super) struct Turn {
    /// Its place in the run, counted from 0.
    pub(super) number: u64,
    /// Due time: start of the latency.
    pub(super) due: Instant,
    /// True if it is begun more than [`LATE`] after it was due.
    pub(super) is_late: bool,
}

/// The order of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    start: Instant,
    /// Deliveries a second. Without a rate each is due when a connection is free.
    rate: Option<f64>,
    end: Option<Instant>,
    state: Mutex<State>,
    /// At a rate, a permit for each job; closed when the run is over.
    jobs: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    /// Number of deliveries of the run.
    total: u64,
    handed_out: u64,
    settled: u64,
    unsent: u64,
    /// Deliveries in a pause before a retry, by retry time and number.
    waiting: BTreeMap<(Instant, u64), Post>,
    waiting_bytes: usize,
    /// Deliveries after their pause, ready to send.
    again: VecDeque<Post>,
}

impl Schedule {
    pub(super) fn new(length: Length, rate: Option<f64>, start: Instant) -> Self {
        let by_time = rate.zip(length.time).map(|(rate, time)| within(rate, time));
        let total = [length.deliveries, by_time].into_iter().flatten().min();
        Self {
            start,
            rate,
            end: length.time.and_then(|time| start.checked_add(time)),
            state: Mutex::new(State {
                total: total.unwrap_or(u64::MAX),
                ..State::default()
            }),
            jobs: Semaphore::new(0),
        }
    }

    /// True if deliveries are due by the clock.
    pub(super) fn is_paced(&self) -> bool {
        self.rate.is_some()
    }

    /// The next delivery, or `None` after the last. `begin` creates a new delivery for its turn.
    pub(super) async fn next(&self, begin: impl FnOnce(Turn) -> Post) -> Option<Post> {
        if self.is_paced() {
            self.jobs.acquire().await.ok()?.forget();
            // Yields once, so that the runtime polls its sockets before the next request: the
            // server may have closed the connection meanwhile.
            yield_now().await;
        }
        if let Some(post) = self.take_waited() {
            return Some(post);
        }
        Some(begin(self.hand_out()?))
    }

    /// A delivery whose pause is over.
    fn take_waited(&self) -> Option<Post> {
        let mut state = self.state();
        let post = state.again.pop_front()?;
        state.waiting_bytes -= post.bytes();
        Some(post)
    }

    /// The turn of the next new delivery, or `None` if the run has no more.
    fn hand_out(&self) -> Option<Turn> {
        let (mut state, now) = (self.state(), Instant::now());
        let is_over = !self.is_paced() && self.end.is_some_and(|end| end <= now);
        if is_over || state.handed_out >= state.total || self.jobs.is_closed() {
            return None;
        }
        let number = state.handed_out;
        state.handed_out += 1;
        let due = self.rate.map_or(now, |rate| self.due(rate, number));
        let is_late = now.duration_since(due) > LATE;
        Some(Turn {
            number,
            due,
            is_late,
        })
    }

    /// Releases each delivery when it is due, until the run is over. Blocks its thread: timers of the
    /// runtime are 1 to 2 ms late, which would distort every latency.
    pub(super) fn release_by_clock(&self, rate: f64) {
        let (mut released, total) = (0, self.state().total);
        while !self.jobs.is_closed() {
            let now = Instant::now();
            let due = self.due_by(rate, now).min(total);
            let permits = due - released + self.wake(now);
            self.jobs
                .add_permits(usize::try_from(permits).unwrap_or_default());
            released = due;
            let wait = self.due(rate, released).saturating_duration_since(now);
            std::thread::sleep(wait.clamp(SHORTEST, LONGEST));
        }
    }

    /// Ends the waiting of deliveries whose pause is over; says how many there are.
    fn wake(&self, now: Instant) -> u64 {
        let mut state = self.state();
        let mut woken = 0;
        while let Some(first) = state.waiting.first_entry()
            && first.key().0 <= now
        {
            let post = first.remove();
            state.again.push_back(post);
            woken += 1;
        }
        woken
    }

    /// A delivery has come to its end, whichever that is.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        state.settled += 1;
        if state.settled >= state.total {
            self.jobs.close();
        }
    }

    /// Schedules a retry of `post` and returns `None`. Returns `post` if the run has no rate, or if
    /// the waiting deliveries would exceed [`MOST_WAITING_BYTES`]: the caller then waits itself.
    pub(super) fn bring_back(&self, post: Post, after: Duration) -> Option<Post> {
        let mut state = self.state();
        let bytes = state.waiting_bytes + post.bytes();
        if !self.is_paced() || bytes > MOST_WAITING_BYTES {
            return Some(post);
        }
        state.waiting_bytes = bytes;
        let key = (Instant::now() + after, post.number);
        state.waiting.insert(key, post);
        None
    }

    /// Number of deliveries that were due and unsent when the run was stopped.
    pub(super) fn unsent(&self) -> u64 {
        self.state().unsent
    }

    /// Ends the run early and counts the unsent deliveries. Deliveries in flight may still finish.
    pub(super) fn stop(&self) {
        if self.jobs.is_closed() {
            return;
        }
        let mut state = self.state();
        state.again.clear();
        let due = self
            .rate
            .map_or(0, |rate| self.due_by(rate, Instant::now()));
        state.unsent = due.min(state.total).saturating_sub(state.handed_out);
        self.jobs.close();
    }

    /// Due time of a delivery. If `Instant` cannot represent it, the start of the run.
    fn due(&self, rate: f64, number: u64) -> Instant {
        let due = self.start.checked_add(after(rate, number));
        due.unwrap_or(self.start)
    }

    /// Number of deliveries due by `now`.
    fn due_by(&self, rate: f64, now: Instant) -> u64 {
        within(rate, now.saturating_duration_since(self.start))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time from the start to the due time of the delivery with this number, counted from 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for more deliveries than a run has"
)]
fn after(rate: f64, number: u64) -> Duration {
    let after = Duration::try_from_secs_f64(number as f64 / rate);
    after.unwrap_or(Duration::MAX)
}

/// Number of deliveries due within `length`; at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a product of positive numbers, rounded up"
)]
fn within(rate: f64, length: Duration) -> u64 {
    let count = (length.as_secs_f64() * rate).ceil() as u64;
    // The product may be a little too large: 1.1 * 100 is more than 110.
    let is_too_many = count > 1 && after(rate, count - 1) >= length;
    count.saturating_sub(u64::from(is_too_many)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_due_at_even_distances() {
        let millis = |number| after(40.0, number).as_millis();
        assert_eq!([millis(0), millis(1), millis(4000)], [0, 25, 100_000]);
    }

    #[test]
    fn as_many_are_released_as_were_due() {
        let count = |rate, ms| within(rate, Duration::from_millis(ms));
        let counts = [0, 1, 25, 26, 100_000].map(|ms| count(40.0, ms));
        assert_eq!(counts, [1, 1, 1, 2, 4000]);
        let counts = [70, 1100, 1101].map(|ms| count(100.0, ms));
        assert_eq!(counts, [7, 110, 111]);
        assert_eq!(count(0.01, 1000), 1);
    }

    #[tokio::test]
    async fn a_stop_says_how_many_were_due() {
        let length = Length {
            deliveries: Some(5),
            time: None,
        };
        let schedule = Schedule::new(length, Some(1e6), Instant::now());
        assert!(schedule.hand_out().is_some());
        while schedule.due_by(1e6, Instant::now()) < 5 {
            tokio::task::yield_now().await;
        }
        schedule.stop();
        assert_eq!(schedule.unsent(), 4);
        assert!(schedule.hand_out().is_none());
    }
}
