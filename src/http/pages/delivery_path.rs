//! Path of a delivery as five steps with their rates and failures, from the metrics.

use crate::{
    ingest::{Failure, Rejection},
    telemetry::metrics::{
        COMMIT_FAILURES, DELIVERIES, DELIVERY_DURATION, EVENTS, Metric, Recent, SIGNATURES,
    },
};

/// Step of the path of a delivery.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) rate: String,
    pub(super) metric: &'static str,
    /// Words and counts of failures, and of other outcomes that lose nothing.
    pub(super) counts: Vec<(String, String)>,
    pub(super) state: State,
}

/// State of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Fine,
    /// Some deliveries failed.
    Warn,
    /// No delivery passes.
    Bad,
}

impl State {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Fine => "circle-check",
            Self::Warn => "triangle-alert",
            Self::Bad => "circle-x",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fine => "Without failures",
            Self::Warn => "With failures",
            Self::Bad => "Failing",
        }
    }
}

/// Rejections before the signature is verified.
const UNREAD: [Rejection; 4] = [
    Rejection::BodyTooLarge,
    Rejection::BodyTimeout,
    Rejection::BodyIncomplete,
    Rejection::BodyMalformed,
];

/// Rejections of a signature.
const UNSIGNED: [Rejection; 5] = [
    Rejection::SignatureMissing,
    Rejection::SignatureSha1Only,
    Rejection::SignatureMalformed,
    Rejection::SignatureMismatch,
    Rejection::BodyReencoded,
];

/// The five steps. `is_away` is true if commits do not get through.
pub(super) fn steps(recent: &Recent, is_away: bool) -> [Step; 5] {
    let accept = step(recent, "Accept", (&DELIVERIES, &[]), {
        let mut counts = rejected(recent, &UNREAD);
        counts.extend(failed(recent, &[Failure::BodyBudget]));
        counts
    });
    let verify = step(
        recent,
        "Verify",
        (&SIGNATURES, &[]),
        rejected(recent, &UNSIGNED),
    );
    let unreadable = by_reason(recent, "unreadable");
    let parse = step(recent, "Parse", (&EVENTS, &[]), unreadable);
    let mut commit = step(
        recent,
        "Commit",
        (&DELIVERIES, &[("outcome", "accepted")]),
        commit_failures(recent),
    );
    if is_away {
        commit.state = State::Bad;
    }
    let refused = [
        Failure::StoreUnavailable,
        Failure::QueueFull,
        Failure::Stopping,
        Failure::Internal,
    ];
    let mut ack = step(
        recent,
        "Ack",
        (&DELIVERIES, &[("outcome", "accepted")]),
        failed(recent, &refused),
    );
    ack.metric = DELIVERY_DURATION.name;
    let [p50, p99] = ack_times(recent);
    ack.counts.insert(0, ("p50".to_owned(), p50));
    ack.counts.insert(1, ("p99".to_owned(), p99));
    [accept, verify, parse, commit, ack]
}

/// Time of half of the answers, and of all but one in a hundred, in words.
pub(super) fn ack_times(recent: &Recent) -> [String; 2] {
    [0.5, 0.99].map(|quantile| {
        let of = ("outcome", "accepted");
        let seconds = recent.grown.quantile(DELIVERY_DURATION.name, of, quantile);
        seconds.map_or_else(|| "–".to_owned(), milliseconds)
    })
}

fn milliseconds(seconds: f64) -> String {
    match seconds * 1_000.0 {
        short if short < 10.0 => format!("{short:.1} ms"),
        long => format!("{long:.0} ms"),
    }
}

/// A step whose rate is that of a metric.
fn step(
    recent: &Recent,
    name: &'static str,
    (metric, labels): (&Metric, &[(&str, &str)]),
    counts: Vec<(String, f64)>,
) -> Step {
    let grown = recent.grown.sum(metric.name, labels);
    let noun = if metric.name == EVENTS.name {
        " events"
    } else {
        ""
    };
    let rate = grown / recent.within.as_secs_f64().max(1.0);
    let has_failed = counts.iter().any(|(_, count)| *count > 0.0);
    let spelled = |(word, count): (String, f64)| (word, format!("{count:.0}"));
    Step {
        name,
        rate: format!("{rate:.1}{noun} / s"),
        metric: metric.name,
        counts: counts.into_iter().map(spelled).collect(),
        state: if has_failed { State::Warn } else { State::Fine },
    }
}

fn rejected(recent: &Recent, reasons: &[Rejection]) -> Vec<(String, f64)> {
    let codes = reasons.iter().map(|reason| reason.code());
    codes
        .map(|code| counted(recent, "rejected", code))
        .collect()
}

fn failed(recent: &Recent, reasons: &[Failure]) -> Vec<(String, f64)> {
    let codes = reasons.iter().map(|reason| reason.code());
    codes.map(|code| counted(recent, "failed", code)).collect()
}

fn counted(recent: &Recent, outcome: &str, code: &str) -> (String, f64) {
    let labels = [("outcome", outcome), ("reason", code)];
    (words(code), recent.grown.sum(DELIVERIES.name, &labels))
}

fn by_reason(recent: &Recent, outcome: &str) -> Vec<(String, f64)> {
    let counts = recent
        .grown
        .by(DELIVERIES.name, "reason", &[("outcome", outcome)]);
    let counts = counts.into_iter().filter(|(_, count)| *count > 0.0);
    let mut counts: Vec<_> = counts.map(|(code, count)| (words(code), count)).collect();
    if counts.is_empty() {
        counts.push((words(outcome), 0.0));
    }
    counts
}

/// Deliveries that went into the spool, and failed commits by code.
fn commit_failures(recent: &Recent) -> Vec<(String, f64)> {
    let spooled = recent.grown.sum(DELIVERIES.name, &[("outcome", "spooled")]);
    let mut counts = vec![("to the spool".to_owned(), spooled)];
    let codes = recent.grown.by(COMMIT_FAILURES.name, "code", &[]);
    let codes = codes.into_iter().filter(|(_, count)| *count > 0.0);
    counts.extend(codes.map(|(code, count)| (format!("failed: {}", words(code)), count)));
    counts
}

fn words(code: &str) -> String {
    code.replace('_', " ")
}
