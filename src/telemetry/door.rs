//! What happens at the listeners: deliveries, challenges, connections, panics.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    messages::{LogEvent, messages, millis},
    meter::Meter,
    metrics::{
        BODY_BYTES, CHALLENGES, CONNECTIONS, CONNECTIONS_CLOSED, CONNECTIONS_REFUSED, PANICS,
        UNKNOWN_APPS, UNKNOWN_PATHS, approximate,
    },
    sparingly::sparingly,
};

messages! {
    /// Final outcome of a delivery. WARN if unreadable or failed, ERROR for a bug. `secret` is the
    /// name of the one that matched.
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

    /// A secret of the app made the signature.
    SignatureMatched<'a> { meter: &'a Meter, secret: &'a str }
        "signature matched" [app = &**meter.app(), secret] DEBUG
        => meter.count_signature(secret);

    /// Verification of a callback URL. INFO if echoed, WARN for a wrong token.
    ChallengeAnswered { app: Arc<str>, answer: &'static str }
        "challenge answered" [app = &*app, answer]
        INFO if answer == "echoed", WARN if answer == "token" && sparingly!(), DEBUG
        => CHALLENGES.count([("app", app.into()), ("answer", answer.into())]);

    /// Request to the callback URL of an app that is not configured.
    AppUnknown
        "app unknown" [] WARN if sparingly!()
        => UNKNOWN_APPS.count([]);

    /// Request to a path that the public listener does not serve.
    PathUnknown
        "path unknown" [] DEBUG
        => UNKNOWN_PATHS.count([]);

    /// Deliveries refused since the last such record.
    RejectionsCounted { app: Arc<str>, reason: &'static str, count: u64 }
        "deliveries rejected" [app = &*app, reason, count] WARN;

    /// The connection limit is reached, and no connection can be closed instead.
    ConnectionRefused { listener: &'static str, limit: usize }
        "connection refused" [listener, limit] WARN if sparingly!()
        => CONNECTIONS_REFUSED.count([("listener", listener.into())]);

    /// A panic in a request, answered with 500.
    PanicCaught { listener: &'static str }
        "panic caught" [listener] ERROR
        => PANICS.count([("listener", listener.into())]);

    /// The system gave no connection, mostly because too many files are open.
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
