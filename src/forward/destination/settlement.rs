//! Consequence of an attempt for the lease of its event.

use std::time::Duration;

use jiff::Timestamp;

use super::group::Group;
use crate::forward::{
    consumer::Verb,
    http::{Attempt, RetryPolicy, Tries, Verdict},
    lanes::Code,
};

/// Settlement of a group after an attempt that counts.
pub fn settlement(
    group: &Group,
    attempt: &Attempt,
    policy: &RetryPolicy,
    now: Timestamp,
) -> (Verdict, Verb) {
    let tries = Tries {
        count: group.attempt,
        failed_for: group.failed_for,
        previous: group.code.as_ref().map(Code::as_str),
    };
    let code = || Code::new(&attempt.code()).unwrap_or(Code::EXPIRED);
    let verdict = policy.judge(attempt, tries, now);
    let verb = match verdict {
        Verdict::Settle => group.done(),
        Verdict::Dead => Verb::Bury(code()),
        Verdict::Pause => Verb::GiveBack {
            delay: Duration::ZERO,
        },
        Verdict::Retry(pause) => Verb::Nack {
            delay: Some(spread(pause, group.position)),
            code: code(),
        },
    };
    (verdict, verb)
}

/// The pause and up to an eighth more, so that events that failed together do not come back
/// together. It is never shorter: the destination may have asked for it.
pub fn spread(pause: Duration, position: i64) -> Duration {
    let part = u32::try_from(position.rem_euclid(64)).unwrap_or_default();
    pause + pause / 512 * part
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::forward::http::Outcome;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn answered(status: u16) -> Attempt {
        Attempt {
            outcome: Outcome::Answered,
            status: StatusCode::from_u16(status).ok(),
            retry_after: None,
            millis: 1,
        }
    }

    fn group(attempt: u32) -> Group {
        Group {
            position: 64,
            attempt,
            ..Group::default()
        }
    }

    fn verb(group: &Group, status: u16) -> Verb {
        settlement(group, &answered(status), &RetryPolicy::default(), NOW).1
    }

    #[test]
    fn an_answer_of_success_settles_all_events_of_the_request() {
        assert_eq!(verb(&group(1), 204), Verb::Ack);
        let several = Group {
            last: Some(67),
            ..group(1)
        };
        assert_eq!(verb(&several, 200), Verb::AckThrough(67));
    }

    #[test]
    fn a_failure_names_its_status_and_waits_by_the_schedule() {
        let code = Code::new("http_500").unwrap();
        let delay = Some(Duration::from_mins(1));
        assert_eq!(verb(&group(2), 500), Verb::Nack { delay, code });
    }

    #[test]
    fn an_event_is_buried_after_its_time_or_three_refused_retries() {
        let old = Group {
            failed_for: Duration::from_hours(72),
            ..group(9)
        };
        assert_eq!(verb(&old, 503), Verb::Bury(Code::new("http_503").unwrap()));
        let refused = Group {
            code: Code::new("http_404"),
            ..group(4)
        };
        assert_eq!(
            verb(&refused, 404),
            Verb::Bury(Code::new("http_404").unwrap())
        );
    }

    #[test]
    fn an_event_is_given_back_if_the_destination_is_gone() {
        let delay = Duration::ZERO;
        assert_eq!(verb(&group(1), 410), Verb::GiveBack { delay });
    }

    #[test]
    fn a_pause_becomes_longer_by_an_eighth_at_most() {
        let hour = Duration::from_hours(1);
        assert_eq!(spread(hour, 128), hour);
        assert!((0..200).all(|it| (hour..hour * 9 / 8).contains(&spread(hour, it))));
        assert_ne!(spread(hour, 1), spread(hour, 2));
    }
}
