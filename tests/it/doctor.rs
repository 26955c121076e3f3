//! `doctor`, and the server's record of requests at each callback URL.

mod apps;
mod callbacks;
mod consumers;
mod database;
mod front;
mod public_url;
mod refused;
mod whole;

use std::process::Output;

use serde::Deserialize;

use crate::support::server::{SECRET, Server, TOKEN};

/// An app secret in Meta's format.
const APP_SECRET: &str = "5bd1e995a3c59ac31e2b44d6f4c17d29";

/// A verify token that is hard to guess.
const VERIFY_TOKEN: &str = "loaves & fishes, 5 + 2";

/// A configuration without problems.
fn good() -> String {
    format!("[apps.default]\napp_secret = {APP_SECRET:?}\nverify_token = {VERIFY_TOKEN:?}\n")
}

/// A line of `doctor --json`.
#[derive(Debug, Deserialize)]
struct Line {
    check: String,
    app: Option<String>,
    verdict: String,
    found: String,
    means: Option<String>,
    remedy: Option<String>,
}

/// Output and exit code of `doctor --json`.
struct DoctorReport {
    lines: Vec<Line>,
    code: Option<i32>,
}

impl DoctorReport {
    /// Parses JSON output. Panics if the output contains a secret.
    fn read(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        hides_secrets(output);
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Self {
            lines: lines.collect(),
            code: output.status.code(),
        }
    }

    /// Runs `doctor` beside a server, with these variables.
    fn of(server: &Server, variables: &[(&str, &str)]) -> Self {
        Self::read(&server.run_with(&["doctor", "--json"], variables))
    }

    /// Verdicts and findings of a check.
    fn said(&self, check: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| line.check == check);
        lines
            .map(|line| format!("{}: {}", line.verdict, line.found))
            .collect()
    }

    /// Panics unless the check has a line with this verdict and text. A warning or wrong line must
    /// also have a meaning and a remedy.
    fn says(&self, check: &str, verdict: &str, part: &str) {
        let mut lines = self.lines.iter();
        let line = lines.find(|line| {
            line.check == check && line.verdict == verdict && line.found.contains(part)
        });
        let line = line.unwrap_or_else(|| panic!("no {verdict} {part}: {:#?}", self.said(check)));
        if matches!(verdict, "warning" | "wrong") {
            assert!(line.means.is_some() && line.remedy.is_some(), "{line:?}");
        }
    }

    /// Names of the checks with this verdict.
    fn with(&self, verdict: &str) -> Vec<&str> {
        let lines = self.lines.iter().filter(|line| line.verdict == verdict);
        lines.map(|line| &*line.check).collect()
    }
}

fn hides_secrets(output: &Output) {
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(bytes);
        let encoded: String = form_urlencoded::byte_serialize(VERIFY_TOKEN.as_bytes()).collect();
        for secret in [SECRET, TOKEN, APP_SECRET, VERIFY_TOKEN, &encoded] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
