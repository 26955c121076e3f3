//! What happens at the listeners: deliveries, challenges, connections, panics.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    messages::{Happening, messages, millis},
    meter::Meter,
    metrics::{
        BODY_BYTES, CHALLENGES, CONNECTIONS, CONNECTIONS_CLOSED, CONNECTIONS_REFUSED, PANICS,
        UNKNOWN_APPS, UNKNOWN_PATHS, approximate,
    },
    sparingly::sparingly,
};

messages! {
    /// A delivery came to its one outcome. Outcome and reason are bounded words, the latter empty
    /// if it was accepted; `bytes` is how much of its body was read, `took` the time since the end
    /// of its head.
    DeliverySettled<'a> {
        delivery: Uuid, meter: &'a Meter, outcome: &'static str, reason: &'static str,
        severity: Severity, new: usize, repeated: usize, bytes: usize, took: Duration,
        secret: Option<&'a str>, source: &'static str,
    }
        "delivery settled" [
            delivery = display(delivery), app = &**meter.app(), outcome, reason, new, repeated,
            bytes, millis = millis(took), secret = secret.unwrap_or_default(), source
        ]
        ERROR if severity == Severity::Grave, WARN if severity == Severity::Degraded, DEBUG
        => {
            meter.count_content(new, repeated, bytes);
            meter.count_outcome(outcome, reason, source, took.as_secs_f64());
        };

    /// A secret of an app proved to have made a signature. Counted by the secret's name, so that
    /// one sees when an old secret is no longer used.
    SignatureMatched<'a> { meter: &'a Meter, secret: &'a str }
        "signature matched" [app = &**meter.app(), secret] DEBUG
        => meter.count_signature(secret);

    /// Somebody asked whether a callback URL is ours. The answer is `echoed`, `incomplete`, `mode`,
    /// `token`, or `checked` for one that `doctor` asked.
    ChallengeAnswered { app: Arc<str>, answer: &'static str }
        "challenge answered" [app = &*app, answer]
        INFO if answer == "echoed", WARN if answer == "token" && sparingly!(), DEBUG
        => CHALLENGES.count([("app", app.into()), ("answer", answer.into())]);

    /// Somebody asked for the callback URL of an app that is not configured. The path is a
    /// stranger's text, and not logged.
    AppUnknown
        "app unknown" [] WARN if sparingly!()
        => UNKNOWN_APPS.count([]);

    /// Somebody asked for a path that the public listener does not have. Which one is not said: the
    /// path is a stranger's text.
    PathUnknown
        "path unknown" [] DEBUG
        => UNKNOWN_PATHS.count([]);

    /// Deliveries of one app were refused for one reason since this was last said. Only a record:
    /// [`DeliverySettled`] has counted each of them.
    RejectionsCounted { app: Arc<str>, reason: &'static str, count: u64 }
        "deliveries rejected" [app = &*app, reason, count] WARN;

    /// A connection was closed at once because as many as allowed are open.
    ConnectionRefused { listener: &'static str, limit: usize }
        "connection refused" [listener, limit] WARN if sparingly!()
        => CONNECTIONS_REFUSED.count([("listener", listener.into())]);

    /// A defect of ours was caught at the door.
    PanicCaught { listener: &'static str }
        "panic caught" [listener] ERROR
        => PANICS.count([("listener", listener.into())]);

    /// A listener could not take a connection that waits; it tries again. Only a record: nothing
    /// has been opened that could be counted as closed.
    AcceptFailed { listener: &'static str, cause: std::io::Error }
        "connection not taken" [listener, cause = display(cause)] WARN if sparingly!();

    /// A connection ended.
    ConnectionClosed { listener: &'static str, reason: &'static str }
        "connection closed" [listener, reason] DEBUG
        => CONNECTIONS_CLOSED.count([("listener", listener.into()), ("reason", reason.into())]);
}

/// How loud the record of a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// One of many: DEBUG.
    Routine,
    /// Degraded, nothing lost: WARN.
    Degraded,
    /// Lost, or a human is needed: ERROR.
    Grave,
}

/// Counts a connection for as long as it lives, and why it ended.
#[derive(Debug)]
pub struct OpenConnection {
    listener: &'static str,
    reason: &'static str,
}

impl OpenConnection {
    /// Counts one more open connection of `listener` until it is dropped.
    pub fn count(listener: &'static str) -> Self {
        Self::gauge(listener).increment(1.0);
        let reason = "";
        Self { listener, reason }
    }

    /// Counts it as closed for `reason`, a bounded word.
    pub fn close(mut self, reason: &'static str) {
        self.reason = reason;
    }

    fn gauge(listener: &'static str) -> metrics::Gauge {
        CONNECTIONS.gauge([("listener", listener.into())])
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let listener = self.listener;
        let reason = match self.reason {
            "" if std::thread::panicking() => "defect",
            "" => "stopped",
            reason => reason,
        };
        Self::gauge(listener).decrement(1.0);
        ConnectionClosed { listener, reason }.emit();
    }
}

/// Shows how many bytes of bodies are in memory right now.
#[derive(Clone, Debug)]
pub struct BodyBytes(metrics::Gauge);

impl BodyBytes {
    /// Looked up once, since every delivery moves it twice.
    pub fn gauge() -> Self {
        Self(BODY_BYTES.gauge([]))
    }

    /// Shows `bytes` more. What is there is never set as a whole: of two who do that at the same
    /// moment the one with the older figure may come last.
    pub fn add(&self, bytes: usize) {
        self.0.increment(approximate(bytes as u64));
    }

    /// Shows `bytes` less.
    pub fn remove(&self, bytes: usize) {
        self.0.decrement(approximate(bytes as u64));
    }
}
