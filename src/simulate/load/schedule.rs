//! Who sends what next, and when everything is done.
//!
//! A delivery that waits to be sent again keeps no connection busy: it comes back through the same
//! door as those that fall due, and goes first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use super::{lock::lock, pace::Pace, post::Post};

/// The shortest sleep between releases: what falls due meanwhile is let go together. It bounds what
/// the thread costs at high rates, and is the most that a delivery is held up by it.
const SHORTEST: Duration = Duration::from_micros(500);

/// The longest sleep, after which a stopped run is noticed.
const LONGEST: Duration = Duration::from_millis(50);

/// Bodies that may wait to be sent again. Beyond it each waits on its connection instead, which
/// slows down the rest.
const MOST_WAITING_BYTES: usize = 256 * 1024 * 1024;

/// How long a run is: until the first of both is reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct Length {
    /// So many deliveries, those that come again and the forged ones included.
    pub deliveries: Option<u64>,
    /// So long; what was begun or due by then is brought to its end.
    pub time: Option<Duration>,
}

/// What a connection does next.
pub(super) enum Job {
    /// Another delivery, which was due at this moment.
    Next {
        /// Counted from 0.
        number: u64,
        /// From when its latency counts.
        due: Instant,
        /// When it was handed out.
        begun: Instant,
    },
    /// A delivery that was not acked.
    Again(Post),
}

/// The order of a run.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Option<Pace>,
    end: Option<Instant>,
    state: Mutex<State>,
    /// A permit for each job; closed when the run is over.
    jobs: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    /// How many deliveries there are to be, once that is known.
    total: Option<u64>,
    handed_out: u64,
    settled: u64,
    unsent: u64,
    again: VecDeque<Post>,
    waiting_bytes: usize,
    timers: JoinSet<()>,
}

impl Schedule {
    /// With a pace deliveries are due by the clock; without one, whenever a connection is free.
    pub(super) fn new(length: Length, pace: Option<Pace>, start: Instant) -> Self {
        let by_time = pace.zip(length.time).map(|(pace, time)| pace.within(time));
        let total = [length.deliveries, by_time].into_iter().flatten().min();
        Self {
            pace,
            end: length.time.and_then(|time| start.checked_add(time)),
            state: Mutex::new(State {
                total,
                ..State::default()
            }),
            jobs: Semaphore::new(0),
        }
    }

    /// The next job; none once the run is over.
    pub(super) async fn next(&self) -> Option<Job> {
        loop {
            if self.pace.is_none()
                && let Some(job) = self.take()
            {
                return Some(job);
            }
            self.jobs.acquire().await.ok()?.forget();
            if let Some(job) = self.take() {
                return Some(job);
            }
        }
    }

    fn take(&self) -> Option<Job> {
        let mut state = self.state();
        if let Some(post) = state.again.pop_front() {
            state.waiting_bytes -= post.bytes();
            return Some(Job::Again(post));
        }
        let now = Instant::now();
        if self.pace.is_none() && self.end.is_some_and(|end| end <= now) {
            let handed_out = state.handed_out;
            state.total.get_or_insert(handed_out);
            self.close_if_done(&state);
        }
        if state.total.is_some_and(|total| state.handed_out >= total) {
            return None;
        }
        let number = state.handed_out;
        state.handed_out += 1;
        let due = self.pace.map_or(now, |pace| pace.due(number));
        Some(Job::Next {
            number,
            due,
            begun: now,
        })
    }

    /// Lets deliveries go as they fall due, until the last one or until the run is over. Blocks: the
    /// runtime's timers are exact to a millisecond or two, which would show in every latency.
    pub(super) fn release_by_clock(&self) {
        let Some(pace) = self.pace else { return };
        let total = self.state().total.unwrap_or(u64::MAX);
        let mut released = 0;
        while released < total && !self.is_over() {
            let now = Instant::now();
            let due = pace.due_by(now).min(total);
            self.release(due - released);
            released = due;
            let wait = pace.due(released).saturating_duration_since(now);
            std::thread::sleep(wait.clamp(SHORTEST, LONGEST));
        }
    }

    fn release(&self, count: u64) {
        self.jobs
            .add_permits(usize::try_from(count).unwrap_or_default());
    }

    /// A delivery has come to its end, whichever that is.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        state.settled += 1;
        self.close_if_done(&state);
    }

    fn close_if_done(&self, state: &State) {
        if state.total.is_some_and(|total| state.settled >= total) {
            self.jobs.close();
        }
    }

    /// Brings a delivery back after a while. Gives it back where too much waits already.
    pub(super) fn bring_back(self: &Arc<Self>, post: Post, after: Duration) -> Option<Post> {
        let mut state = self.state();
        if state.waiting_bytes + post.bytes() > MOST_WAITING_BYTES {
            return Some(post);
        }
        state.waiting_bytes += post.bytes();
        // The ends of old timers are collected while new ones are set.
        while state.timers.try_join_next().is_some() {}
        let schedule = Arc::clone(self);
        state.timers.spawn(async move {
            sleep(after).await;
            schedule.state().again.push_back(post);
            schedule.jobs.add_permits(1);
        });
        None
    }

    /// How many deliveries were due and not handed out when somebody stopped the run.
    pub(super) fn unsent(&self) -> u64 {
        self.state().unsent
    }

    /// Hands out nothing more. What is on its way may come to its end.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        state.timers.abort_all();
        state.again.clear();
        let due = self.pace.map_or(0, |pace| pace.due_by(Instant::now()));
        let due = state.total.map_or(due, |total| due.min(total));
        state.unsent = due.saturating_sub(state.handed_out);
        state.total = Some(state.handed_out);
        self.jobs.close();
    }

    /// Whether everything has come to its end.
    pub(super) fn is_over(&self) -> bool {
        self.jobs.is_closed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::stories::{Delivery, Script, Stories},
        super::post::Sort,
        *,
    };

    fn delivery() -> Delivery {
        let one = std::num::NonZeroUsize::MIN;
        let script = Script {
            seed: 1,
            accounts: one,
            people: one,
            kinds: Vec::new(),
            batch: one,
        };
        Stories::new(&script).next(jiff::Timestamp::UNIX_EPOCH)
    }

    fn post(due: Instant) -> Post {
        Post {
            number: 0,
            sort: Sort::New,
            delivery: Arc::new(delivery()),
            due,
            tries: 1,
            written_at: None,
        }
    }

    fn of(deliveries: u64, pace: Option<Pace>, start: Instant) -> Arc<Schedule> {
        let length = Length {
            deliveries: Some(deliveries),
            time: None,
        };
        Arc::new(Schedule::new(length, pace, start))
    }

    #[tokio::test]
    async fn what_comes_back_goes_first_and_the_end_waits_for_it() {
        let start = Instant::now();
        let schedule = of(2, None, start);
        assert!(matches!(
            schedule.next().await,
            Some(Job::Next { number: 0, .. })
        ));
        assert!(schedule.bring_back(post(start), Duration::ZERO).is_none());
        while schedule.state().again.is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(schedule.next().await, Some(Job::Again(_))));
        assert!(matches!(
            schedule.next().await,
            Some(Job::Next { number: 1, .. })
        ));
        schedule.settle();
        assert!(!schedule.is_over());
        schedule.settle();
        assert!(schedule.is_over() && schedule.next().await.is_none());
    }

    #[tokio::test]
    async fn too_much_to_wait_is_given_back() {
        let start = Instant::now();
        let schedule = of(1, None, start);
        schedule.state().waiting_bytes = MOST_WAITING_BYTES;
        assert!(schedule.bring_back(post(start), Duration::ZERO).is_some());
    }

    #[tokio::test]
    async fn a_stop_says_how_many_were_due() {
        let start = Instant::now();
        let pace = Pace::new(start, 1e6);
        let schedule = of(5, Some(pace), start);
        schedule.release(1);
        assert!(schedule.next().await.is_some());
        while pace.due_by(Instant::now()) < 5 {
            tokio::task::yield_now().await;
        }
        schedule.stop();
        assert_eq!(
            (schedule.unsent(), schedule.next().await.is_none()),
            (4, true)
        );
    }
}
