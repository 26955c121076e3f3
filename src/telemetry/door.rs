//! What happens at the listeners: deliveries, challenges, connections, panics.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{Happening, Meter, Severity, metrics as catalogue, say, sparingly::Sparingly};

/// A delivery came to its one outcome.
#[derive(Clone, Copy, Debug)]
pub struct DeliverySettled<'a> {
    /// Its id.
    pub delivery: Uuid,
    /// Where the app whose path it used is counted.
    pub meter: &'a Meter,
    /// The bounded word for how it ended.
    pub outcome: &'static str,
    /// The bounded word for why; empty where it was accepted.
    pub reason: &'static str,
    /// How loud that is.
    pub severity: Severity,
    /// Events that were not stored before.
    pub new: usize,
    /// Items whose event was stored already.
    pub repeated: usize,
    /// Bytes of its body, as far as it was read.
    pub bytes: usize,
    /// From the end of its head to the outcome.
    pub took: Duration,
    /// The name of the secret that matched, if one did.
    pub secret: Option<&'a str>,
    /// `live`, or `simulated` where the mark was valid.
    pub source: &'static str,
}

impl DeliverySettled<'_> {
    const SAID: &'static str = "delivery settled";
}

impl Happening for DeliverySettled<'_> {
    fn emit(self) {
        say!(
            self.severity,
            delivery = %self.delivery,
            app = &**self.meter.app(),
            outcome = self.outcome,
            reason = self.reason,
            new = self.new,
            repeated = self.repeated,
            bytes = self.bytes,
            millis = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            secret = self.secret.unwrap_or_default(),
            source = self.source,
            "{}",
            Self::SAID
        );
        self.count();
    }
}

impl DeliverySettled<'_> {
    fn count(self) {
        let seconds = self.took.as_secs_f64();
        self.meter
            .count_content(self.new, self.repeated, self.bytes);
        if self.outcome == "accepted" {
            self.meter.count_accepted(self.source, seconds);
            return;
        }
        catalogue::DELIVERIES
            .counter([
                ("app", self.meter.app().clone().into()),
                ("outcome", self.outcome.into()),
                ("reason", self.reason.into()),
                ("source", self.source.into()),
            ])
            .increment(1);
        catalogue::DELIVERY_DURATION
            .histogram([("outcome", self.outcome.into())])
            .record(seconds);
    }
}

/// A secret of an app proved to have made a signature.
///
/// Counted by the secret's name, so that one sees when an old secret is no longer used.
#[derive(Clone, Copy, Debug)]
pub struct SignatureMatched<'a> {
    /// Where the app is counted.
    pub meter: &'a Meter,
    /// The name of its secret.
    pub secret: &'a str,
}

impl SignatureMatched<'_> {
    const SAID: &'static str = "signature matched";
}

impl Happening for SignatureMatched<'_> {
    fn emit(self) {
        let app = &**self.meter.app();
        tracing::debug!(app, secret = self.secret, "{}", Self::SAID);
        self.meter.count_signature(self.secret);
    }
}

/// Somebody asked whether a callback URL is ours.
#[derive(Clone, Debug)]
pub struct ChallengeAnswered {
    /// The app of the path.
    pub app: Arc<str>,
    /// `echoed`, `incomplete`, `mode`, `token`, or `checked` for one that `doctor` asked.
    pub answer: &'static str,
}

impl ChallengeAnswered {
    const SAID: &str = "challenge answered";
}

static WRONG_TOKENS: Sparingly = Sparingly::new();

impl Happening for ChallengeAnswered {
    fn emit(self) {
        let (app, answer) = (&*self.app, self.answer);
        match answer {
            "echoed" => tracing::info!(app, answer, "{}", Self::SAID),
            "token" if WRONG_TOKENS.may_pass() => tracing::warn!(app, answer, "{}", Self::SAID),
            _ => tracing::debug!(app, answer, "{}", Self::SAID),
        }
        catalogue::CHALLENGES
            .counter([("app", self.app.into()), ("answer", answer.into())])
            .increment(1);
    }
}

/// Somebody asked for the callback URL of an app that is not configured.
///
/// The path is a stranger's text, and not logged.
#[derive(Clone, Copy, Debug)]
pub struct AppUnknown;

impl AppUnknown {
    const SAID: &str = "app unknown";
}

static UNKNOWN_APPS: Sparingly = Sparingly::new();

impl Happening for AppUnknown {
    fn emit(self) {
        if UNKNOWN_APPS.may_pass() {
            tracing::warn!("{}", Self::SAID);
        }
        catalogue::UNKNOWN_APPS.counter([]).increment(1);
    }
}

/// Somebody asked for a path that the public listener does not have.
///
/// Which one is not said: the path is a stranger's text.
#[derive(Clone, Copy, Debug)]
pub struct PathUnknown;

impl PathUnknown {
    const SAID: &str = "path unknown";
}

impl Happening for PathUnknown {
    fn emit(self) {
        tracing::debug!("{}", Self::SAID);
        catalogue::UNKNOWN_PATHS.counter([]).increment(1);
    }
}

/// Deliveries of one app were refused for one reason since this was last said.
#[derive(Clone, Debug)]
pub struct RejectionsCounted {
    /// The app whose path they used.
    pub app: Arc<str>,
    /// The bounded word for why.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

impl RejectionsCounted {
    const SAID: &str = "deliveries rejected";
}

impl Happening for RejectionsCounted {
    /// Only a record: [`DeliverySettled`] has counted each of them.
    fn emit(self) {
        let (app, reason, count) = (&*self.app, self.reason, self.count);
        tracing::warn!(app, reason, count, "{}", Self::SAID);
    }
}

/// A connection was closed at once because as many as allowed are open.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRefused {
    /// `public` or `admin`.
    pub listener: &'static str,
    /// How many may be open.
    pub limit: usize,
}

impl ConnectionRefused {
    const SAID: &str = "connection refused";
}

static REFUSED_CONNECTIONS: Sparingly = Sparingly::new();

impl Happening for ConnectionRefused {
    fn emit(self) {
        let Self { listener, limit } = self;
        if REFUSED_CONNECTIONS.may_pass() {
            tracing::warn!(listener, limit, "{}", Self::SAID);
        }
        catalogue::CONNECTIONS_REFUSED
            .counter([("listener", listener.into())])
            .increment(1);
    }
}

/// A defect of ours was caught at the door.
#[derive(Clone, Copy, Debug)]
pub struct PanicCaught {
    /// `public` or `admin`.
    pub listener: &'static str,
}

impl PanicCaught {
    const SAID: &str = "panic caught";
}

impl Happening for PanicCaught {
    fn emit(self) {
        tracing::error!(listener = self.listener, "{}", Self::SAID);
        catalogue::PANICS
            .counter([("listener", self.listener.into())])
            .increment(1);
    }
}

/// A listener could not take a connection that waits; it tries again.
#[derive(Debug)]
pub struct AcceptFailed {
    /// `public` or `admin`.
    pub listener: &'static str,
    /// What the system said.
    pub cause: std::io::Error,
}

impl AcceptFailed {
    const SAID: &str = "connection not taken";
}

static FAILED_ACCEPTS: Sparingly = Sparingly::new();

impl Happening for AcceptFailed {
    /// Only a record: nothing has been opened that could be counted as closed.
    fn emit(self) {
        let Self { listener, cause } = self;
        if FAILED_ACCEPTS.may_pass() {
            tracing::warn!(listener, %cause, "{}", Self::SAID);
        }
    }
}

/// Counts a connection for as long as it lives, and why it ended.
#[derive(Debug)]
pub struct OpenConnection {
    listener: &'static str,
    reason: &'static str,
}

impl OpenConnection {
    const SAID: &str = "connection closed";

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
        catalogue::CONNECTIONS.gauge([("listener", listener.into())])
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
        tracing::debug!(listener, reason, "{}", Self::SAID);
        Self::gauge(listener).decrement(1.0);
        catalogue::CONNECTIONS_CLOSED
            .counter([("listener", listener.into()), ("reason", reason.into())])
            .increment(1);
    }
}

/// Shows how many bytes of bodies are in memory right now.
#[derive(Clone, Debug)]
pub struct BodyBytes(metrics::Gauge);

impl BodyBytes {
    /// Looked up once, since every delivery moves it twice.
    pub fn gauge() -> Self {
        Self(catalogue::BODY_BYTES.gauge([]))
    }

    /// Shows `bytes` more. What is there is never set as a whole: of two who do that at the same
    /// moment the one with the older figure may come last.
    pub fn add(&self, bytes: usize) {
        self.0.increment(exact(bytes));
    }

    /// Shows `bytes` less.
    pub fn remove(&self, bytes: usize) {
        self.0.decrement(exact(bytes));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; exact below 8 PiB")]
fn exact(bytes: usize) -> f64 {
    bytes as f64
}
