//! One delivery of every kind and variant: a line for each, and how many were acked.

use std::process::ExitCode;

use anyhow::ensure;
use serde::Serialize;

use super::{super::output::Output, Simulate, target::Found};
use crate::{
    clock::Clock,
    simulate::{self, Answer, Report, Sent},
};

pub(super) async fn run(verb: &Simulate, found: &Found, seed: u64) -> anyhow::Result<ExitCode> {
    let now = Clock::system().now();
    let mut printed = Ok(());
    let told = |sent: &Sent| {
        if printed.is_ok() {
            printed = print(sent, verb.json);
        }
    };
    let report = simulate::run(&found.target, &verb.kind, seed, now, told).await?;
    printed?;
    if !verb.json {
        conclude(&report)?;
    }
    let mut answers = report.sent.iter().map(|sent| sent.answer);
    ensure!(
        report.sent.is_empty() || !answers.all(|answer| answer == Answer::Status(401)),
        super::summary::wrong_secret(found)
    );
    let all = report.acked() == report.sent.len();
    Ok(if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    kinds: &'a [&'a str],
    bytes: usize,
    answer: String,
    millis: f64,
}

/// A line as soon as there is an answer, so that whoever waits for a slow server sees it.
fn print(sent: &Sent, json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    let line = line(sent);
    if json {
        output.json(&line)?;
    } else {
        let Line {
            name,
            kinds,
            answer,
            millis,
            ..
        } = line;
        output.line(&format!(
            "{answer}  {millis:>6.1} ms  {name:<44} {}",
            kinds.join(", ").replace("!echo", " (echo)")
        ))?;
    }
    output.finish()
}

fn conclude(report: &Report) -> anyhow::Result<()> {
    let (acked, sent) = (report.acked(), report.sent.len());
    Output::say(&format!(
        "{acked} of {sent} deliveries acked, with {} items (one that comes twice is one event)",
        report.events()
    ))
}

fn line(sent: &Sent) -> Line<'_> {
    Line {
        name: sent.name,
        kinds: sent.kinds,
        bytes: sent.bytes,
        answer: sent.answer.to_string(),
        millis: sent.latency.as_secs_f64() * 1e3,
    }
}
