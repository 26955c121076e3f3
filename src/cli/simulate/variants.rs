//! Sends a delivery of every kind and variant: a line for each, and the number acked.

use std::process::ExitCode;

use anyhow::ensure;
use serde::Serialize;

use super::{super::output::Output, target::Found};
use crate::{
    amounts::count,
    simulate::{self, Answer, Report, Sent, Variant},
};

pub(super) async fn run(
    variants: Vec<Variant>,
    json: bool,
    found: &Found,
) -> anyhow::Result<ExitCode> {
    let mut printed = Ok(());
    let told = |sent: &Sent| {
        if printed.is_ok() {
            printed = print(sent, json);
        }
    };
    let report = simulate::run(&found.target, variants, told).await?;
    printed?;
    if !json {
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
    kinds: &'a [String],
    bytes: usize,
    answer: String,
    millis: f64,
}

/// A line as soon as there is an answer, so that whoever waits for a slow server sees it.
fn print(sent: &Sent, json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    let (name, kinds, answer) = (sent.name, &sent.kinds, sent.answer.to_string());
    let millis = sent.latency.as_secs_f64() * 1e3;
    if json {
        output.json(&Line {
            name,
            kinds,
            bytes: sent.bytes,
            answer,
            millis,
        })?;
    } else {
        let kinds = kinds.join(", ").replace("!echo", " (echo)");
        output.line(&format!("{answer}  {millis:>6.1} ms  {name:<44} {kinds}"))?;
    }
    output.finish()
}

fn conclude(report: &Report) -> anyhow::Result<()> {
    let (acked, sent) = (report.acked(), report.sent.len());
    let items = report.events() as u64;
    let twice = if items > 1 {
        " (one that comes twice is one event)"
    } else {
        ""
    };
    Output::say(&format!(
        "{acked} of {}, with {}{twice}",
        count(sent as u64, "delivery acked", "deliveries acked"),
        count(items, "item", "items")
    ))
}
