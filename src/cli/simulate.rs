//! `simulate`: sends the running server one signed delivery of every kind and variant.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{local, output::Output};
use crate::{
    clock::Clock,
    config::{self, Sources},
    simulate::{self, Answer, Report, Sent, Target},
};

/// Sends one signed delivery of every kind and variant to the running server.
///
/// The deliveries carry a mark that only the app's secret can make, so that the server knows them
/// as simulated.
///
/// Example: hookshelf simulate --app default
#[derive(Args, Debug)]
pub(super) struct Simulate {
    /// The app whose callback URL and secret are used.
    #[arg(long, default_value = "default")]
    app: String,
    /// Makes the ids; the same seed at the same time makes the same deliveries. Default: random.
    #[arg(long)]
    seed: Option<u64>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Simulate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
        let app = local::app(&config, &self.app)?;
        let address = local::reachable(config.http.listen).to_string();
        let secret = app
            .secrets
            .first()
            .map(|named| named.secret.clone())
            .unwrap_or_default();
        let target = Target {
            host: address.clone(),
            address,
            path: app.path(),
            app_secret: secret,
        };
        let seed = self.seed.map_or_else(getrandom::u64, Ok)?;
        let report = simulate::run(&target, seed, Clock::system().now()).await?;
        print(&report, self.json)?;
        let all = report.acked() == report.sent.len();
        Ok(if all {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
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
        answer: match sent.answer {
            Answer::Status(status) => status.to_string(),
            Answer::TimedOut => "timed out".to_owned(),
            Answer::Broken => "broken".to_owned(),
        },
        millis: sent.latency.as_secs_f64() * 1e3,
    }
}
