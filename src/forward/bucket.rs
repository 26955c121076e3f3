//! Rate of a destination or a replay: a token bucket.

use std::time::{Duration, Instant};

use crate::config::Rate;

/// Tokens for requests, or for events of a replay; full at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// Tokens at the time of the last request, and this time; `None` before the first request.
    left: Option<(f64, Instant)>,
}

impl Bucket {
    /// Time at which the next request may begin; `now` or earlier if it may begin now.
    pub fn next(&self, rate: Rate, now: Instant) -> Instant {
        let missing = 1.0 - self.tokens(rate, now);
        if missing <= 0.0 {
            return now;
        }
        now + time(rate, missing)
    }

    /// Takes the token of a request. Without a token, the following requests wait longer.
    pub fn take(&mut self, rate: Rate, now: Instant) {
        self.left = Some((self.tokens(rate, now) - 1.0, now));
    }

    /// Number of requests that may begin now.
    pub fn available(&self, rate: Rate, now: Instant) -> usize {
        let mut copy = *self;
        let mut count = 0;
        while copy.next(rate, now) <= now && count < 1_000 {
            copy.take(rate, now);
            count += 1;
        }
        count
    }

    fn tokens(&self, rate: Rate, now: Instant) -> f64 {
        self.left.map_or(burst(rate), |(tokens, at)| {
            let passed = now.saturating_duration_since(at).as_secs_f64();
            (tokens + passed * per_second(rate)).min(burst(rate))
        })
    }
}

fn per_second(rate: Rate) -> f64 {
    f64::from(rate.count) / rate.per.as_secs_f64()
}

/// Requests that may begin at once: those of a tenth of a second, at least one.
fn burst(rate: Rate) -> f64 {
    (per_second(rate) / 10.0).max(1.0)
}

/// Time for so many requests.
fn time(rate: Rate, requests: f64) -> Duration {
    Duration::try_from_secs_f64(requests / per_second(rate)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slow_rate_allows_one_request_at_a_time() {
        let rate = Rate {
            count: 1,
            per: Duration::from_mins(1),
        };
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert_eq!(bucket.available(rate, now), 1);
        bucket.take(rate, now);
        assert_eq!(bucket.available(rate, now), 0);
        let wait = bucket.next(rate, now) - now;
        assert!((59..=60).contains(&wait.as_secs()), "{wait:?}");
    }

    proptest! {
        /// Requests as early as allowed, after pauses of any length.
        #[test]
        fn a_span_has_no_more_requests_than_the_rate_and_a_burst(
            requests in 1_u32..500,
            pauses in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let begin = Instant::now();
            let rate = Rate { count: requests, per: Duration::from_secs(1) };
            let (mut bucket, mut now, mut times) = (Bucket::default(), begin, Vec::new());
            for pause in pauses {
                now = bucket.next(rate, now + Duration::from_millis(pause));
                bucket.take(rate, now);
                times.push(now);
            }
            for (at, first) in times.iter().enumerate() {
                for (count, last) in times[at..].iter().enumerate() {
                    let span = last.duration_since(*first).as_secs_f64();
                    let most = span * f64::from(requests) + burst(rate);
                    let count = u32::try_from(count + 1).unwrap();
                    prop_assert!(f64::from(count) <= most + 0.01, "{count} in {span}");
                }
            }
        }
    }
}
