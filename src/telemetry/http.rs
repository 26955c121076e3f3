//! Events of the listeners: deliveries, challenges, connections, panics.

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
    target: "http";

    /// WARN if unreadable or failed, ERROR for a bug. `secret` is the name of the matching secret.
    DeliverySettled<'a> {
        delivery: Uuid, meter: &'a Meter, outcome: &'static str, reason: &'static str,
        severity: Severity, new: usize, repeated: usize, bytes: usize, took: Duration,
        secret: Option<&'a str>, source: &'static str,
    }
        "delivery settled" [
            delivery = display(delivery), app = &**meter.app(), outcome, reason, new, repeated,
            bytes, duration_ms = millis(took), secret = secret.unwrap_or_default(), source
        ]
        ERROR if severity == Severity::Grave, WARN if severity == Severity::Degraded, DEBUG
        => {
            meter.count_content(new, repeated, bytes);
            meter.count_outcome(outcome, reason, source, took.as_secs_f64());
        };

    /// `secret` is the name of the secret.
    SignatureMatched<'a> { meter: &'a Meter, secret: &'a str }
        "signature matched" [app = &**meter.app(), secret] DEBUG
        => meter.count_signature(secret);

    /// INFO if echoed.
    ChallengeAnswered { app: Arc<str>, answer: &'static str }
        "challenge answered" [app = &*app, answer] INFO if answer == "echoed", DEBUG
        => {
            if answer == "token" {
                VerifyTokenWrong { app: &app }.emit();
            }
            CHALLENGES.count([("app", app.into()), ("answer", answer.into())]);
        };

    /// A request to the API could not be answered. At most once in 10 s.
    QueryFailed { cause: String }
        "a query of the API failed; see the cause" [cause] WARN if sparingly!();

    /// A wrong token at the admin listener. At most once in 10 s.
    LoginFailed
        "wrong token at the admin listener; after ten in a minute the address has to wait"
        [] WARN if sparingly!();

    /// By Meta or a stranger. At most once in 10 s.
    VerifyTokenWrong<'a> { app: &'a str }
        "wrong verify token: challenge refused; enter the verify_token of this app in the App Dashboard"
        [app] WARN if sparingly!();

    /// At most once in 10 s.
    AppUnknown
        "request for an unknown app; compare the callback URL in the App Dashboard with the configuration" [] WARN if sparingly!()
        => UNKNOWN_APPS.count([]);

    /// On the public listener.
    PathUnknown
        "request for an unknown path" [] DEBUG
        => UNKNOWN_PATHS.count([]);

    /// Since the last such record.
    RejectionsCounted { app: Arc<str>, reason: &'static str, count: u64 }
        "deliveries rejected; see hookshelf rejections list" [app = &*app, reason, count] WARN;

    /// No older connection can be closed instead. At most once in 10 s.
    ConnectionRefused { listener: &'static str, limit: usize }
        "connection limit reached; new connection closed" [listener, limit] WARN if sparingly!()
        => CONNECTIONS_REFUSED.count([("listener", listener.into())]);

    /// A bug. Answered with 500.
    PanicCaught { listener: &'static str }
        "request handler panicked" [listener] ERROR
        => PANICS.count([("listener", listener.into())]);

    /// Usually because too many files are open. At most once in 10 s.
    AcceptFailed { listener: &'static str, cause: std::io::Error }
        "failed to accept a connection" [listener, cause = display(cause)] WARN if sparingly!();

    /// A connection ended.
    ConnectionClosed { listener: &'static str, reason: &'static str }
        "connection closed" [listener, reason] DEBUG
        => CONNECTIONS_CLOSED.count([("listener", listener.into()), ("reason", reason.into())]);
}

/// Severity of a delivery, which selects the level of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Normal: DEBUG.
    Routine,
    /// Degraded, nothing lost: WARN.
    Degraded,
    /// Lost, or a human is needed: ERROR.
    Grave,
}

/// Guard that counts an open connection, and counts the reason when it closes.
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

    /// Closes the connection for `reason`, a word from a closed set.
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

/// Gauge of the bytes of request bodies in memory.
#[derive(Clone, Debug)]
pub struct BodyBytes(metrics::Gauge);

impl BodyBytes {
    /// Looks the gauge up. Keep the result: every delivery moves the gauge twice.
    pub fn gauge() -> Self {
        Self(BODY_BYTES.gauge([]))
    }

    /// Adds `bytes`. The gauge is never set to a total, because with concurrent calls an older
    /// total could be written last.
    pub fn add(&self, bytes: usize) {
        self.0.increment(approximate(bytes as u64));
    }

    /// Subtracts `bytes`.
    pub fn remove(&self, bytes: usize) {
        self.0.decrement(approximate(bytes as u64));
    }
}
