//! Summary of a stream: a few lines for a person, or a JSON object; and advice on failures.

use std::{collections::BTreeMap, time::Duration};

use anyhow::ensure;
use serde::Serialize;

use super::{super::output::Output, numbers::time, stream::Stream, target::Found};
use crate::{
    amounts::{count, deliveries, size},
    simulate::{Target, load::Summary},
};

#[derive(Serialize)]
struct Line<'a> {
    seed: u64,
    interrupted: bool,
    seconds: f64,
    deliveries: u64,
    repeats: u64,
    forgeries: u64,
    sends: u64,
    bytes: u64,
    items: u64,
    kinds: &'a BTreeMap<&'static str, u64>,
    answers: BTreeMap<String, u64>,
    acked: u64,
    unacked: u64,
    acks_per_second: f64,
    events: u64,
    refused_forgeries: u64,
    acked_forgeries: u64,
    late: u64,
    unsent: u64,
    latency_ms: BTreeMap<&'static str, Option<f64>>,
}

pub(super) fn print(summary: &Summary, seed: u64, json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    if json {
        output.json(&line(summary, seed))?;
    } else {
        for (name, said) in lines(summary, seed) {
            output.line(&format!("{name:<10} {said}"))?;
        }
    }
    output.finish()
}

fn line(summary: &Summary, seed: u64) -> Line<'_> {
    let answers = summary.answers.iter();
    let shares = summary.latencies.iter();
    Line {
        seed,
        interrupted: summary.interrupted,
        seconds: summary.elapsed.as_secs_f64(),
        deliveries: summary.deliveries,
        repeats: summary.repeats,
        forgeries: summary.forgeries,
        sends: summary.sends,
        bytes: summary.bytes,
        items: summary.items,
        kinds: &summary.kinds,
        answers: answers.map(|(it, n)| (it.to_string(), *n)).collect(),
        acked: summary.acked,
        unacked: summary.unacked(),
        acks_per_second: summary.acks_per_second(),
        events: summary.events,
        refused_forgeries: summary.refused_forgeries,
        acked_forgeries: summary.acked_forgeries,
        late: summary.late,
        unsent: summary.unsent,
        latency_ms: shares.map(|(it, value)| (*it, value.map(millis))).collect(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of an hour")]
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

fn lines(summary: &Summary, seed: u64) -> Vec<(&'static str, String)> {
    let mut lines = vec![("sent", sent(summary))];
    if summary.repeats + summary.forgeries > 0 {
        let forged = summary.forgeries;
        let said = format!(
            "{}, {forged} with a wrong signature",
            count(summary.repeats, "repeat", "repeats")
        );
        lines.push(("of these", said));
    }
    let answers = summary.answers.iter();
    let answers = answers.map(|(it, n)| (it.to_string(), *n));
    lines.push(("answered", listed(answers)));
    lines.push(("acked", acked(summary)));
    if summary.forgeries > 0 {
        let (refused, all) = (summary.refused_forgeries, summary.forgeries);
        let refused = format!("{refused} of {all} with a wrong signature");
        lines.push(("refused", refused));
    }
    let events = format!("{} distinct events expected", summary.events);
    lines.push(("events", events));
    let kinds = summary.kinds.iter().map(|(it, n)| ((*it).to_owned(), *n));
    lines.push(("kinds", listed(kinds)));
    if summary.acked > 0 {
        lines.push(("latency", latency(summary)));
    }
    if summary.late + summary.unsent > 0 {
        lines.push(("late", late(summary)));
    }
    lines.push(("seed", seed.to_string()));
    lines
}

fn sent(summary: &Summary) -> String {
    let again = summary.sends.saturating_sub(summary.deliveries);
    let again = if again > 0 {
        format!(", {again} sent again")
    } else {
        String::new()
    };
    format!(
        "{} with {} and {} in {}{again}",
        deliveries(summary.deliveries),
        count(summary.items, "item", "items"),
        size(summary.bytes),
        time(summary.elapsed)
    )
}

fn acked(summary: &Summary) -> String {
    format!(
        "{} of {}, {:.1} a second",
        summary.acked,
        summary.acked + summary.unacked(),
        summary.acks_per_second()
    )
}

fn latency(summary: &Summary) -> String {
    let shares = summary.latencies.iter();
    let shares: Vec<_> = shares
        .map(|(name, value)| format!("{name} {}", value.map_or("never".to_owned(), time)))
        .collect();
    let never = if summary.unacked() + summary.unsent > 0 {
        ", never where none came"
    } else {
        ""
    };
    format!("{}; from due time to ack{never}", shares.join(", "))
}

fn late(summary: &Summary) -> String {
    let began = (summary.late > 0).then(|| {
        format!(
            "{} began late: no connection was free when they were due",
            summary.late
        )
    });
    let unsent = (summary.unsent > 0).then(|| format!("{} were due and not sent", summary.unsent));
    let said: Vec<_> = began.into_iter().chain(unsent).collect();
    said.join("; ")
}

fn listed(parts: impl Iterator<Item = (String, u64)>) -> String {
    let parts: Vec<_> = parts
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    parts.join(", ")
}

/// Fails with the problem, its meaning and a remedy if the stream went wrong.
pub(super) fn judge(summary: &Summary, stream: &Stream, found: &Found) -> anyhow::Result<()> {
    let acked_forgeries = summary.acked_forgeries;
    ensure!(
        acked_forgeries == 0,
        "{} with a wrong signature acked: the server does not check signatures, and anybody can \
         write into it; keep it off the internet until it does",
        count(acked_forgeries, "delivery was", "deliveries were")
    );
    ensure!(
        !summary.interrupted,
        "interrupted; the summary counts what was sent until then"
    );
    ensure!(!summary.is_all(401), wrong_secret(found));
    ensure!(!summary.is_all(404), wrong_place(found));
    ensure!(summary.unacked() == 0, unacked(summary, stream));
    ensure!(
        summary.is_good(),
        "{} with a wrong signature neither refused with 401 nor acked: see what they were answered",
        count(summary.open_forgeries(), "delivery was", "deliveries were")
    );
    Ok(())
}

fn unacked(summary: &Summary, stream: &Stream) -> String {
    let not_acked = count(summary.unacked(), "delivery was", "deliveries were");
    if stream.retry {
        let given_up = time(stream.give_up);
        format!("{not_acked} not acked within {given_up} and given up; the server's log says why")
    } else {
        format!(
            "{not_acked} not acked; the server's log says why, and --retry sends such again, as \
             Meta does"
        )
    }
}

/// Error message if the path takes no deliveries.
fn wrong_place(found: &Found) -> String {
    let Target { address, path, .. } = &found.target;
    format!(
        "every delivery was answered with 404: nothing takes deliveries at {path} of {address}. If \
         it is another address, name the callback URL with --url; if it is another app, name it \
         with --app"
    )
}

/// Every delivery was refused.
pub(super) fn wrong_secret(found: &Found) -> String {
    format!(
        "every delivery was refused with 401: {} is not a secret of the app {} of that server. If \
         it was started with another configuration, name that one with --config, or give its app \
         secret with --secret-file",
        found.secret, found.app
    )
}
