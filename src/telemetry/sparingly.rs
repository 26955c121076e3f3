//! Rate limit for log records, so that strangers cannot fill the log.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Minimum time between two records.
const INTERVAL: Duration = Duration::from_secs(10);

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Rate limit of one kind of record.
#[derive(Debug)]
pub(super) struct Sparingly {
    /// Earliest time of the next record, in milliseconds since [`BEGAN`].
    next: AtomicU64,
}

/// True at most once in [`INTERVAL`] for each place in the source that uses the macro.
macro_rules! sparingly {
    () => {{
        static LAST: $crate::telemetry::sparingly::Sparingly =
            $crate::telemetry::sparingly::Sparingly::new();
        LAST.may_pass()
    }};
}
pub(super) use sparingly;

impl Sparingly {
    pub(super) const fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
        }
    }

    /// True if a record may be written now; starts the next interval then.
    pub(super) fn may_pass(&self) -> bool {
        self.may_pass_at(BEGAN.elapsed())
    }

    fn may_pass_at(&self, now: Duration) -> bool {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let later = millis(now.saturating_add(INTERVAL));
        millis(now) >= next
            && self
                .next
                .compare_exchange(next, later, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_in_each_interval() {
        let sparingly = Sparingly::new();
        let at = |millis| sparingly.may_pass_at(Duration::from_millis(millis));
        let passed = [0, 1, 9_999, 10_000, 10_001, 31_000].map(at);
        assert_eq!(passed, [true, false, false, true, false, true]);
    }
}
