//! Consequence of an attempt for its event.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::StatusCode;

use super::attempt::Attempt;

/// Retries after a refusal.
const REFUSAL_RETRIES: u32 = 3;

/// Times of the retries of an event: `retry` and `give_up_after` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Pause before each retry; the last pause repeats. Without any pause, there is no retry.
    pub pauses: Vec<Duration>,
    /// Time since the first try after which a failure is final. The last retry may come later than
    /// this by one pause.
    pub give_up_after: Duration,
}

/// Tries of an event so far, as its lane stores them.
#[derive(Clone, Copy, Debug)]
pub struct Tries<'a> {
    /// Number of tries that count, with the last.
    pub count: u32,
    /// Time since the first failure, by the clock of the database; zero at the first try.
    pub failed_for: Duration,
    /// [`Attempt::code`] of the try before the last.
    pub previous: Option<&'a str>,
}

/// Consequence of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The destination has the event.
    Settle,
    /// Try again after this time. Jitter may only add to it: the destination may have asked for it.
    Retry(Duration),
    /// Give the event up.
    Dead,
    /// The destination wants no more events (410). The event waits until an operator resumes
    /// the destination.
    Pause,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let pauses = [5, 60, 600, 3_600, 21_600];
        Self {
            pauses: pauses.map(Duration::from_secs).to_vec(),
            give_up_after: Duration::from_hours(3 * 24),
        }
    }
}

impl RetryPolicy {
    /// Decides on the event of an attempt that counts: attempts with an open breaker do not.
    pub fn judge(&self, attempt: &Attempt, tries: Tries<'_>, now: Timestamp) -> Verdict {
        match attempt.answer() {
            Some(status) if status.is_success() => Verdict::Settle,
            Some(StatusCode::GONE) => Verdict::Pause,
            Some(status) if is_refusal(status) && tries.are_refused() => Verdict::Dead,
            _ if tries.failed_for >= self.give_up_after => Verdict::Dead,
            _ => self.retry(attempt.wait(now), tries.count),
        }
    }

    fn retry(&self, wait: Option<Duration>, count: u32) -> Verdict {
        let index = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let pause = self.pauses.get(index).or(self.pauses.last());
        pause.map_or(Verdict::Dead, |pause| {
            Verdict::Retry(wait.unwrap_or_default().max(*pause))
        })
    }
}

impl Tries<'_> {
    /// True if another refusal is final. The first refusal after another failure is not: a receiver
    /// that is starting may answer 404 after many answers of 502 from its proxy.
    fn are_refused(self) -> bool {
        self.count > REFUSAL_RETRIES && self.previous.is_some_and(is_code_of_refusal)
    }
}

/// True if the destination refused the event itself, so that a retry will hardly help.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 409 | 410 | 425 | 429)
}

fn is_code_of_refusal(code: &str) -> bool {
    let status = code.strip_prefix("http_").and_then(|it| it.parse().ok());
    status.is_some_and(is_refusal)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::{super::attempt::Outcome, *};

    const BEGIN: Timestamp = Timestamp::UNIX_EPOCH;

    fn answered(status: u16) -> Attempt {
        Attempt {
            outcome: Outcome::Answered,
            status: StatusCode::from_u16(status).ok(),
            retry_after: None,
            millis: 1,
        }
    }

    fn no_answer(outcome: Outcome) -> Attempt {
        let status = Some(StatusCode::OK);
        Attempt {
            outcome,
            status,
            ..answered(200)
        }
    }

    /// Verdict on the try with this number, shortly after the first, if each answer was the same.
    fn verdict(attempt: &Attempt, count: u32) -> Verdict {
        let code = attempt.code();
        let tries = Tries {
            count,
            failed_for: Duration::ZERO,
            previous: (count > 1).then_some(code.as_str()),
        };
        RetryPolicy::default().judge(attempt, tries, BEGIN)
    }

    fn retry(seconds: u64) -> Verdict {
        Verdict::Retry(Duration::from_secs(seconds))
    }

    #[test]
    fn a_2xx_settles_and_410_pauses() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(verdict(&answered(status), 1), Verdict::Settle, "{status}");
        }
        assert_eq!(verdict(&answered(410), 9), Verdict::Pause);
    }

    #[test]
    fn other_failures_are_retried_by_the_schedule() {
        let answers = [302, 304, 408, 409, 425, 429, 500, 503, 599, 600].map(answered);
        let others = [
            Outcome::TimedOut,
            Outcome::NotResolved,
            Outcome::Forbidden,
            Outcome::NotConnected,
            Outcome::Incomplete,
        ];
        for attempt in answers.into_iter().chain(others.map(no_answer)) {
            let pauses = (1..=7).map(|count| verdict(&attempt, count));
            let expected = [5, 60, 600, 3_600, 21_600, 21_600, 21_600].map(retry);
            assert!(pauses.eq(expected), "{attempt:?}");
        }
    }

    #[test]
    fn a_refused_event_is_dead_after_three_retries() {
        for status in [400, 401, 403, 404, 413, 422, 499] {
            let verdicts = [1, 2, 3, 4].map(|count| verdict(&answered(status), count));
            let expected = [retry(5), retry(60), retry(600), Verdict::Dead];
            assert_eq!(verdicts, expected, "{status}");
        }
    }

    #[test]
    fn a_first_refusal_after_other_failures_is_retried() {
        let judge = |previous| {
            let tries = Tries {
                count: 5,
                failed_for: Duration::ZERO,
                previous,
            };
            RetryPolicy::default().judge(&answered(404), tries, BEGIN)
        };
        for previous in ["http_502", "http_429", "timeout", "connect", "http_"] {
            assert_eq!(judge(Some(previous)), retry(21_600), "{previous}");
        }
        assert_eq!(judge(Some("http_400")), Verdict::Dead);
    }

    #[test]
    fn the_destination_may_ask_for_a_longer_pause_only() {
        let after = |text| Attempt {
            retry_after: Some(HeaderValue::from_static(text)),
            ..answered(503)
        };
        assert_eq!(verdict(&after("20"), 1), retry(20));
        assert_eq!(verdict(&after("20"), 2), retry(60));
        assert_eq!(verdict(&after("7200"), 1), retry(3_600));
        assert_eq!(
            verdict(&after("Thu, 01 Jan 1970 00:00:30 GMT"), 1),
            retry(30)
        );
    }

    #[test]
    fn an_event_is_given_up_after_its_time() {
        let policy = RetryPolicy::default();
        let after = |hours| {
            let tries = Tries {
                count: 9,
                failed_for: Duration::from_hours(hours),
                previous: None,
            };
            policy.judge(&answered(500), tries, BEGIN)
        };
        assert_eq!(after(71), retry(21_600));
        assert_eq!(after(72), Verdict::Dead);
    }

    #[test]
    fn without_a_pause_the_first_failure_is_final() {
        let policy = RetryPolicy {
            pauses: Vec::new(),
            ..RetryPolicy::default()
        };
        let tries = Tries {
            count: 1,
            failed_for: Duration::ZERO,
            previous: None,
        };
        assert_eq!(policy.judge(&answered(500), tries, BEGIN), Verdict::Dead);
        assert_eq!(policy.judge(&answered(200), tries, BEGIN), Verdict::Settle);
    }
}
