//! Result of one try to send to a destination.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{StatusCode, header::HeaderValue};

/// Longest wait that an answer can ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// One try to send to a destination. It keeps nothing of the answer's body.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Progress of the exchange.
    pub outcome: Outcome,
    /// Status of the answer, if its head arrived.
    pub status: Option<StatusCode>,
    /// `Retry-After` of the answer.
    pub retry_after: Option<HeaderValue>,
    /// Duration in milliseconds, from the look-up of the name to the end of the answer.
    pub millis: u32,
}

/// Progress of an exchange with a destination: its end, or its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer arrived, complete or up to the limit of its length.
    Answered,
    /// The time was up before the end of the answer.
    TimedOut,
    /// The name has no address, or no name server answered.
    NotResolved,
    /// All addresses of the name are outside the reach of the destination.
    Forbidden,
    /// No connection, or no TLS session on it.
    NotConnected,
    /// The connection broke before the end of the answer, or the answer was not HTTP.
    Incomplete,
}

impl Outcome {
    /// Label for metrics, lists and stored attempts, from a bounded set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timeout",
            Self::NotResolved => "dns",
            Self::Forbidden => "forbidden_address",
            Self::NotConnected => "connect",
            Self::Incomplete => "incomplete",
        }
    }
}

impl Attempt {
    /// Status of the answer, if the whole answer arrived.
    pub fn answer(&self) -> Option<StatusCode> {
        self.status.filter(|_| self.outcome == Outcome::Answered)
    }

    /// Code of a waiting lane or dead letter: `http_` and the status of an answer, else the code of
    /// the outcome.
    pub fn code(&self) -> String {
        match self.answer() {
            Some(status) => format!("http_{}", status.as_u16()),
            None => self.outcome.code().to_owned(),
        }
    }

    /// Label of the attempt in metrics: the class of the status, or the code of the outcome.
    pub fn label(&self) -> &'static str {
        match self.answer().map(|status| status.as_u16() / 100) {
            Some(2) => "http_2xx",
            Some(3) => "http_3xx",
            Some(4) => "http_4xx",
            Some(5) => "http_5xx",
            Some(_) => "http_other",
            None => self.outcome.code(),
        }
    }

    /// Failure of a destination that is down: the time that the destination asks to wait, or zero.
    /// `None` if the attempt is no such failure.
    pub fn outage(&self, now: Timestamp) -> Option<Duration> {
        self.is_outage().then(|| self.wait(now).unwrap_or_default())
    }

    /// True if the failure tells more about the destination than about the event: no complete
    /// answer, a server error, or too many requests.
    fn is_outage(&self) -> bool {
        self.answer().is_none_or(|status| {
            status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
        })
    }

    /// Time to wait according to `Retry-After`, in seconds or as an HTTP date, one hour at most.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let text = self.retry_after.as_ref()?.to_str().ok()?.trim();
        let wait = if !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()) {
            // Too many digits for a number are too many seconds as well.
            Duration::from_secs(text.parse().unwrap_or(u64::MAX))
        } else {
            let date = rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        };
        Some(wait.min(LONGEST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Outcome::{Forbidden, Incomplete, NotConnected, NotResolved, TimedOut},
        *,
    };

    fn attempt(outcome: Outcome, status: Option<u16>) -> Attempt {
        Attempt {
            outcome,
            status: status.map(|status| StatusCode::from_u16(status).unwrap()),
            retry_after: None,
            millis: 1,
        }
    }

    #[test]
    fn an_outage_is_a_missing_answer_a_server_error_or_too_many_requests() {
        for status in [429, 500, 502, 503, 504, 599] {
            assert!(
                attempt(Outcome::Answered, Some(status)).is_outage(),
                "{status}"
            );
        }
        for status in [200, 204, 302, 400, 404, 408, 410, 425] {
            assert!(
                !attempt(Outcome::Answered, Some(status)).is_outage(),
                "{status}"
            );
        }
        for outcome in [Forbidden, Incomplete, NotConnected, NotResolved, TimedOut] {
            assert!(attempt(outcome, None).is_outage(), "{outcome:?}");
            assert!(attempt(outcome, Some(200)).is_outage(), "{outcome:?}");
        }
    }

    #[test]
    fn a_code_is_short_and_has_the_status_of_a_whole_answer() {
        let code = |outcome, status| attempt(outcome, status).code();
        assert_eq!(code(Outcome::Answered, Some(503)), "http_503");
        assert_eq!(code(Outcome::Incomplete, Some(200)), "incomplete");
        assert_eq!(code(Outcome::Forbidden, None), "forbidden_address");
    }

    #[test]
    fn retry_after_is_a_number_or_a_date_and_an_hour_at_most() {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let wait = |text: &str| {
            let retry_after = HeaderValue::from_bytes(text.as_bytes()).ok();
            let answered = attempt(Outcome::Answered, Some(503));
            let attempt = Attempt {
                retry_after,
                ..answered
            };
            attempt.wait(now).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait(" 120 "), Some(120));
        assert_eq!(wait("3601"), Some(3_600));
        assert_eq!(wait("99999999999999999999999999"), Some(3_600));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37));
        assert_eq!(wait("Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(wait("Tue, 06 Nov 2035 08:49:37 GMT"), Some(3_600));
        for text in ["", "soon", "-1", "1.5", "1994-11-06T08:49:37Z", "ü"] {
            assert_eq!(wait(text), None, "{text}");
        }
        let silent = attempt(Outcome::Answered, Some(503));
        assert_eq!(
            (silent.wait(now), silent.outage(now)),
            (None, Some(Duration::ZERO))
        );
    }
}
