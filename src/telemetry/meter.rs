//! Metrics that every delivery of an app moves. Their series are looked up once, because a lookup by
//! labels is the most expensive part of recording a delivery.

use std::sync::{Arc, OnceLock};

use metrics::{Counter, Histogram};

use super::metrics as catalogue;

/// Metrics of the deliveries of one app. Their series appear with the first delivery.
#[derive(Debug)]
pub struct Meter {
    app: Arc<str>,
    secrets: Box<[Arc<str>]>,
    series: OnceLock<Series>,
}

/// Series of accepted deliveries. Other outcomes are rare, and are looked up each time.
#[derive(Debug)]
struct Series {
    live: Counter,
    simulated: Counter,
    new: Counter,
    repeated: Counter,
    bytes: Counter,
    duration: Histogram,
    signatures: Box<[Counter]>,
}

impl Meter {
    /// Meter of `app`. `secrets` are the names of the secrets of the app.
    pub fn new<'a>(app: &Arc<str>, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            app: Arc::clone(app),
            secrets: secrets.into_iter().map(Arc::from).collect(),
            series: OnceLock::new(),
        }
    }

    /// Name of the app.
    pub(super) fn app(&self) -> &Arc<str> {
        &self.app
    }

    /// Counts a delivery by outcome, and records its duration in seconds.
    pub(super) fn count_outcome(
        &self,
        outcome: &'static str,
        reason: &'static str,
        source: &'static str,
        seconds: f64,
    ) {
        if outcome == "accepted" {
            let series = self.series();
            match source {
                "simulated" => series.simulated.increment(1),
                _ => series.live.increment(1),
            }
            series.duration.record(seconds);
            return;
        }
        catalogue::DELIVERIES.count([
            ("app", self.app.clone().into()),
            ("outcome", outcome.into()),
            ("reason", reason.into()),
            ("source", source.into()),
        ]);
        catalogue::DELIVERY_DURATION
            .histogram([("outcome", outcome.into())])
            .record(seconds);
    }

    /// Counts the items of a delivery and the bytes of its body.
    pub(super) fn count_content(&self, new: usize, repeated: usize, bytes: usize) {
        let series = self.series();
        series.new.increment(new as u64);
        series.repeated.increment(repeated as u64);
        series.bytes.increment(bytes as u64);
    }

    /// Counts a signature that `secret` made.
    pub(super) fn count_signature(&self, secret: &str) {
        let mut named = self.secrets.iter().zip(&self.series().signatures);
        if let Some((_, counter)) = named.find(|(name, _)| ***name == *secret) {
            counter.increment(1);
        }
    }

    fn series(&self) -> &Series {
        self.series.get_or_init(|| self.look_up())
    }

    fn look_up(&self) -> Series {
        let app = || ("app", self.app.clone().into());
        let accepted = |source: &'static str| {
            let ended = [("outcome", "accepted".into()), ("reason", "".into())];
            let [outcome, reason] = ended;
            catalogue::DELIVERIES.counter([app(), outcome, reason, ("source", source.into())])
        };
        let events = |seen: &'static str| catalogue::EVENTS.counter([app(), ("seen", seen.into())]);
        let signed = |secret: &Arc<str>| {
            catalogue::SIGNATURES.counter([app(), ("secret", secret.clone().into())])
        };
        Series {
            live: accepted("live"),
            simulated: accepted("simulated"),
            new: events("new"),
            repeated: events("repeated"),
            bytes: catalogue::DELIVERY_BYTES.counter([app()]),
            duration: catalogue::DELIVERY_DURATION.histogram([("outcome", "accepted".into())]),
            signatures: self.secrets.iter().map(signed).collect(),
        }
    }
}
