//! Findings of checks, in words for the person who fixes the problem.

use std::fmt;

use serde::Serialize;

use crate::config::App;

/// The checks in the order in which they are best read, by the names that scripts and the
/// documentation know them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The configuration is understood.
    Configuration,
    /// Secrets and verify tokens look like what they should be.
    Secrets,
    /// Other users cannot read the secret files.
    Files,
    /// Postgres answers and can hold every text.
    Database,
    /// A commit survives a power cut.
    Durability,
    /// There is room for connections, and the writer's session can be opened.
    Sessions,
    /// The migrations are those of this program.
    Schema,
    /// The partitions of the next days are there.
    Partitions,
    /// There is space left.
    Disk,
    /// Deliveries have a place while the database is away.
    Spool,
    /// The clocks agree.
    Clock,
    /// The server of this machine runs and is ready.
    Server,
    /// Meta came: with its challenge and with deliveries.
    Callback,
    /// No refused delivery waits to be stored after all.
    Rejections,
    /// Events reach the consumers.
    Consumers,
    /// The public URL leads somewhere.
    PublicUrl,
    /// Its certificate is one that Meta accepts.
    Certificate,
    /// Its callback URL does not lead elsewhere.
    Redirect,
    /// Its callback URL answers a challenge as Meta wants it.
    Challenge,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Configuration,
        Self::Secrets,
        Self::Files,
        Self::Database,
        Self::Durability,
        Self::Sessions,
        Self::Schema,
        Self::Partitions,
        Self::Disk,
        Self::Spool,
        Self::Clock,
        Self::Server,
        Self::Callback,
        Self::Rejections,
        Self::Consumers,
        Self::PublicUrl,
        Self::Certificate,
        Self::Redirect,
        Self::Challenge,
    ];
}

/// Its name in JSON.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The check passed.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// Deliveries are lost or refused, or will be.
    Wrong,
    /// It could not be looked at.
    Unchecked,
}

/// Its name in JSON.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// By which check.
    pub check: Check,
    /// The app that it is about, if it is about one.
    pub app: Option<String>,
    /// Severity.
    pub verdict: Verdict,
    /// Observation; never contains a secret.
    pub found: String,
    /// Consequence.
    pub means: Option<String>,
    /// Suggested fix.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found)
    }

    /// Finding for a check that could not run, with the reason.
    pub(super) fn unchecked(check: Check, why: impl Into<String>) -> Self {
        Self::new(check, Verdict::Unchecked, why)
    }

    pub(super) fn warning(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Warning, found)
    }

    pub(super) fn wrong(check: Check, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Wrong, found)
    }

    fn new(check: Check, verdict: Verdict, found: impl Into<String>) -> Self {
        Self {
            check,
            app: None,
            verdict,
            found: found.into(),
            means: None,
            remedy: None,
        }
    }

    /// Adds what follows from it.
    pub(super) fn means(mut self, means: impl Into<String>) -> Self {
        self.means = Some(means.into());
        self
    }

    /// Adds what to do.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// This one, and others that it keeps from being made.
    pub(super) fn before(self, others: &[Check], why: &str) -> Vec<Self> {
        let others = others.iter().map(|check| Self::unchecked(*check, why));
        [self].into_iter().chain(others).collect()
    }
}

/// The findings as those of one app.
pub(super) fn of_app(app: &App, mut findings: Vec<Finding>) -> Vec<Finding> {
    for finding in &mut findings {
        finding.app = Some(app.name.to_string());
    }
    findings
}
