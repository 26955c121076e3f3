//! Waking: everything that waits for new positions waits with a [`Waiter`].
//!
//! The committer of this process reports each commit, at the price of a counter. Commits of other
//! processes are noticed by a poll: one session reads the end of the sequence every 20 ms, and only
//! while a waiter is urgent. In trials the poll stayed as far below the bound of 50 ms as a
//! coalesced NOTIFY, for 50 tiny statements a second. A NOTIFY would need two more sessions, one
//! of them always read, and would not pass poolers and standbys. A NOTIFY inside the commit is out
//! of the question: it takes a lock of the whole cluster, and fails with the commit once its queue
//! is full.
//!
//! A waiter also wakes once a second. A failing poll therefore costs a second and no event.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::Error;

/// Maximum time between two looks of a waiter.
pub const FALLBACK: Duration = Duration::from_secs(1);

/// Pause between two polls, and between two looks for a commit in progress.
pub const POLL: Duration = Duration::from_millis(20);

/// Maximum duration of a commit: a sequence moves before its commit is visible. A sequence that is
/// still ahead after this time has a hole.
const COMMIT: Duration = Duration::from_secs(2);

/// Signal of new positions in this process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Wakes(Arc<Signals>);

#[derive(Debug, Default)]
struct Signals {
    /// Number of commits of this process.
    commits: watch::Sender<u64>,
    /// Last position drawn by any process, as polled.
    drawn: watch::Sender<i64>,
    /// Number of urgent waiters.
    urgent: watch::Sender<usize>,
}

/// Reason for a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WokenBy {
    /// A commit of this process.
    Commit,
    /// The poll saw a commit of another process.
    Poll,
    /// A second passed.
    Fallback,
}

impl WokenBy {
    /// Label for metrics.
    pub fn code(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Poll => "poll",
            Self::Fallback => "fallback",
        }
    }
}

impl Wakes {
    /// Reports a commit of this process.
    pub fn committed(&self) {
        self.0.commits.send_modify(|count| *count += 1);
    }

    /// Reports the last drawn position, as polled.
    pub fn polled(&self, drawn: i64) {
        let is_new = |known: &mut i64| std::mem::replace(known, drawn) != drawn;
        self.0.drawn.send_if_modified(is_new);
    }

    /// Creates a waiter. Without an urgent waiter nobody polls for commits of other processes.
    pub fn waiter(&self) -> Waiter {
        Waiter {
            commits: self.0.commits.subscribe(),
            drawn: self.0.drawn.subscribe(),
            drawn_at: None,
        }
    }

    /// Keeps the poll running as long as the guard lives.
    pub fn urge(&self) -> Urgent {
        self.0.urgent.send_modify(|count| *count += 1);
        Urgent(self.clone())
    }

    /// True while a waiter is urgent.
    pub fn is_urgent(&self) -> bool {
        *self.0.urgent.borrow() > 0
    }

    /// Waits until a waiter is urgent.
    pub async fn until_urgent(&self) {
        let mut urgent = self.0.urgent.subscribe();
        // The sender lives as long as `self`.
        let _ = urgent.wait_for(|count| *count > 0).await;
    }
}

/// Guard of an urgent waiter.
#[derive(Debug)]
pub struct Urgent(Wakes);

impl Drop for Urgent {
    fn drop(&mut self) {
        self.0.0.urgent.send_modify(|count| *count -= 1);
    }
}

/// Waits for new positions.
#[derive(Debug)]
pub struct Waiter {
    commits: watch::Receiver<u64>,
    drawn: watch::Receiver<i64>,
    /// Time of the last change of `drawn`.
    drawn_at: Option<Instant>,
}

impl Waiter {
    /// Waits until there may be rows behind `position`. Commits since the last call count.
    pub async fn wait(&mut self, position: i64) -> WokenBy {
        let fallback = Instant::now() + FALLBACK;
        loop {
            let in_progress = self.is_in_progress(position);
            tokio::select! {
                biased;
                Ok(()) = self.commits.changed() => return WokenBy::Commit,
                Ok(()) = self.drawn.changed() => {
                    self.drawn_at = Some(Instant::now());
                    if *self.drawn.borrow() > position {
                        return WokenBy::Poll;
                    }
                }
                () = sleep(POLL), if in_progress => return WokenBy::Poll,
                () = sleep_until(fallback) => return WokenBy::Fallback,
            }
        }
    }

    /// True if a commit behind `position` may become visible at any moment.
    fn is_in_progress(&self, position: i64) -> bool {
        let recent = self.drawn_at.is_some_and(|at| at.elapsed() < COMMIT);
        recent && *self.drawn.borrow() > position
    }
}

/// Reads the last position drawn by any process: never less than a visible position.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn last_drawn(conn: &mut PgConnection) -> Result<i64, Error> {
    let last = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_position";
    Ok(sqlx::query_scalar(last).fetch_one(conn).await?)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// Reason for a wake at once.
    async fn now(waiter: &mut Waiter, position: i64) -> Option<WokenBy> {
        timeout(Duration::ZERO, waiter.wait(position)).await.ok()
    }

    #[tokio::test]
    async fn commits_before_the_wait_wake_once() {
        let wakes = Wakes::default();
        let mut waiter = wakes.waiter();
        wakes.committed();
        wakes.committed();
        assert_eq!(now(&mut waiter, 0).await, Some(WokenBy::Commit));
        assert_eq!(now(&mut waiter, 0).await, None);
    }

    #[tokio::test]
    async fn a_polled_position_wakes_those_behind_it_until_its_commit_is_visible_or_a_hole() {
        let wakes = Wakes::default();
        let (mut behind, mut level) = (wakes.waiter(), wakes.waiter());
        wakes.polled(7);
        assert_eq!(now(&mut level, 7).await, None);
        assert_eq!(now(&mut behind, 6).await, Some(WokenBy::Poll));
        assert!(behind.is_in_progress(6), "the commit may become visible");
        assert_eq!(behind.wait(6).await, WokenBy::Poll);
        assert!(!behind.is_in_progress(7), "its rows were read");
        behind.drawn_at = Instant::now().checked_sub(COMMIT);
        assert!(!behind.is_in_progress(6), "a hole");
        wakes.polled(7);
        assert_eq!(now(&mut behind, 6).await, None, "nothing new");
    }

    #[tokio::test]
    async fn a_second_without_a_signal_wakes_too() {
        let mut waiter = Wakes::default().waiter();
        assert_eq!(waiter.wait(0).await, WokenBy::Fallback);
    }

    #[tokio::test]
    async fn the_poll_is_wanted_as_long_as_a_guard_lives() {
        let wakes = Wakes::default();
        assert!(!wakes.is_urgent());
        let (one, other) = (wakes.urge(), wakes.urge());
        wakes.until_urgent().await;
        drop(one);
        assert!(wakes.is_urgent());
        drop(other);
        assert!(!wakes.is_urgent());
    }
}
