//! A deadline that is set anew for each delivery and hardly ever met.
//!
//! Setting a timer of the runtime and taking it back costs more than to let one run on: it rings
//! at the deadline of a delivery long answered, and is set then to that of the present one.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// One timer for many deadlines, of which each is later than those before it.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// What `future` comes to; none where it takes longer than `limit`.
    pub(super) async fn within<T>(
        &mut self,
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => self.poll(deadline, cx).map(|()| None),
        })
        .await
    }

    fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            // What comes without end uses up the share of the runtime's time that this task has,
            // and a timer that needed some of it would never be looked at.
            ready!(pin!(unconstrained(sleep.as_mut())).poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::{
        task::consume_budget,
        time::{sleep, timeout},
    };

    use super::*;

    #[tokio::test]
    async fn each_deadline_counts_from_its_own_beginning() {
        let (mut alarm, limit) = (Alarm::default(), Duration::from_millis(40));
        // The timer of the first rings during the second, and says nothing.
        for _ in 0..3 {
            assert_eq!(alarm.within(limit, sleep(limit * 3 / 4)).await, Some(()));
        }
        let begun = Instant::now();
        assert_eq!(alarm.within(limit, pending::<()>()).await, None);
        assert!(begun.elapsed() >= limit);
        // A shorter one after a longer one.
        let long = alarm.within(Duration::from_hours(1), sleep(limit)).await;
        assert_eq!(long, Some(()));
        assert_eq!(alarm.within(limit, pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn what_is_busy_without_end_meets_its_deadline() {
        let busy = async {
            loop {
                consume_budget().await;
            }
        };
        let (mut alarm, limit) = (Alarm::default(), Duration::from_millis(5));
        let ended = timeout(Duration::from_secs(20), alarm.within(limit, busy)).await;
        assert_eq!(ended, Ok(None::<()>));
    }
}
