//! `doctor`: says what is wrong with configuration, database, disk, clock and public URL.

use std::{io, process::ExitCode};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::Args;

use super::output::Output;
use crate::{
    app::database,
    clock::Clock,
    config::{self, Sources},
    doctor::{self, Finding, Subject, Verdict},
};

/// Checks everything that has to be right before Meta's deliveries arrive.
///
/// Says for each check what it found, what that means and what to do. Exits with 1 if something is
/// wrong; a warning is not. Nothing is changed or stored.
///
/// Example: hookshelf doctor --config /etc/hookshelf.toml
#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(&sources).map(|config| {
            let postgres = database::private_settings(&config, &sources);
            (config, postgres)
        });
        let clock = Clock::system();
        let subject = Subject {
            sources,
            config,
            clock,
        };
        let findings = doctor::examine(&subject).await;
        print(&findings, self.json)?;
        let count = |verdict| count(&findings, verdict);
        Ok(if count(Verdict::Wrong) == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

fn count(findings: &[Finding], verdict: Verdict) -> usize {
    let same = findings.iter().filter(|finding| finding.verdict == verdict);
    same.count()
}

fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    let mut output = Output::new();
    if json {
        for finding in findings {
            output.json(finding)?;
        }
        return output.finish();
    }
    let coloured = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    for finding in findings {
        for line in lines(finding, coloured) {
            output.line(&line)?;
        }
    }
    let count = |verdict| count(findings, verdict);
    output.line(&format!(
        "{} ok, {} warnings, {} wrong, {} unchecked",
        count(Verdict::Ok),
        count(Verdict::Warning),
        count(Verdict::Wrong),
        count(Verdict::Unchecked)
    ))?;
    output.finish()
}

/// A finding, and below it what it means and what to do.
fn lines(finding: &Finding, coloured: bool) -> Vec<String> {
    let app = finding.app.as_deref();
    let app = app.map_or_else(String::new, |app| format!("app {app}: "));
    let verdict = format!("{:<10}", finding.verdict.name());
    let verdict = if coloured {
        let style = style(finding.verdict);
        format!("{style}{verdict}{style:#}")
    } else {
        verdict
    };
    let name = finding.check.name();
    let first = format!("{verdict}{name:<15}{app}{}", finding.found);
    let below = |what: &str, text: &Option<String>| {
        let text = text.as_ref()?;
        Some(format!("{:25}{what}: {text}", ""))
    };
    let below = [
        below("means", &finding.means),
        below("remedy", &finding.remedy),
    ];
    [first]
        .into_iter()
        .chain(below.into_iter().flatten())
        .collect()
}

fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Wrong => AnsiColor::Red,
        Verdict::Unchecked => AnsiColor::Cyan,
    };
    colour.on_default()
}
