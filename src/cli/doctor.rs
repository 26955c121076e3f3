//! `doctor`: says what is wrong with configuration, database, disk, clock and public URL.

use std::process::ExitCode;

use anstyle::Style;
use clap::Args;

use super::{colours, output::Output};
use crate::{
    app::database,
    clock::Clock,
    config::{self, Sources},
    doctor::{self, Finding, Verdict},
};

/// Checks everything that has to be right before Meta's deliveries arrive.
///
/// Says for each check what it found, what that means and what to do. Exits with 1 if something is
/// wrong; a warning is not. Nothing is changed or stored.
///
/// Example: hookshelf doctor --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources).map(|config| {
            let postgres = database::private_settings(&config, sources);
            (config, postgres)
        });
        let findings = doctor::examine(sources, &config, &Clock::system()).await;
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
    for finding in findings {
        print_finding(finding, &mut output)?;
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

/// Width of the verdict and the check name, in columns.
const INDENT: usize = 25;

/// A finding, and below it what it means and what to do.
fn print_finding(finding: &Finding, output: &mut Output) -> anyhow::Result<()> {
    let app = finding.app.as_deref();
    let app = app.map_or_else(String::new, |app| format!("app {app}: "));
    let verdict = format!("{:<10}", finding.verdict);
    let verdict = output.paint(style(finding.verdict), &verdict);
    let before = format!("{verdict}{:<15}", finding.check);
    output.paragraph(&before, INDENT, &format!("{app}{}", finding.found))?;
    let below = [("means", &finding.means), ("remedy", &finding.remedy)];
    for (what, text) in below {
        if let Some(text) = text {
            output.paragraph(
                &format!("{:INDENT$}", ""),
                INDENT,
                &format!("{what}: {text}"),
            )?;
        }
    }
    Ok(())
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => colours::OK,
        Verdict::Warning => colours::WARNING,
        Verdict::Wrong => colours::WRONG,
        Verdict::Unchecked => colours::DIM,
    }
}
