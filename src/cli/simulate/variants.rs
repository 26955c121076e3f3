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
    let report = simulate::run(&found.target, &verb.kind, seed, now).await?;
    print(&report, verb.json)?;
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

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    for sent in &report.sent {
        let line = line(sent);
        if json {
            output.json(&line)?;
            continue;
        }
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
    if !json {
        let (acked, sent) = (report.acked(), report.sent.len());
        output.line(&format!(
            "{acked} of {sent} deliveries acked, with {} items (one that comes twice is one event)",
            report.events()
        ))?;
    }
    output.finish()
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
