//! Causes of rejections: the counts of one cause together, with evidence, steps and a chart.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    digits::grouped,
    steps::{Bar, HOUR, Steps},
};
use crate::query::{ExplainedRejection, Owner};

/// Maximum number of counts in the table of a cause.
const MOST: usize = 100;

/// Name that stands for requests to no configured app.
const NO_APP: &str = "-";

/// Cause of rejections of an app.
pub(super) struct Cause {
    /// The cause as a sentence.
    pub(super) sentence: String,
    pub(super) certainty: Certainty,
    /// The app; `None` if the path named none.
    pub(super) app: Option<String>,
    pub(super) count: i64,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) evidence: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) bars: Vec<Bar>,
    /// The newest counts, newest first.
    pub(super) rows: Vec<ExplainedRejection>,
    rank: u8,
}

/// Certainty of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The server saw the cause itself.
    Certain,
    /// Network and reason allow no other ordinary cause.
    Likely,
    /// The address of the sender is hidden.
    Unclear,
}

/// Step of a remedy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) text: String,
    /// Commands in the text, to copy.
    pub(super) commands: Vec<String>,
}

/// Causes of these counts, the worst first.
pub(super) fn causes(rows: Vec<ExplainedRejection>) -> Vec<Cause> {
    let mut of_apps: BTreeMap<String, i64> = BTreeMap::new();
    for row in &rows {
        *of_apps.entry(row.columns.app.clone()).or_default() += row.columns.count;
    }
    of_apps.remove(NO_APP);
    let hours = Steps::of(HOUR, rows.iter().map(|row| row.columns.hour));
    let mut groups: BTreeMap<_, Vec<ExplainedRejection>> = BTreeMap::new();
    for row in rows {
        let key = (
            row.columns.app.clone(),
            row.cause.clone(),
            row.remedy.clone(),
        );
        groups.entry(key).or_default().push(row);
    }
    let groups = groups.into_values();
    let mut causes: Vec<_> = groups
        .filter_map(|rows| Cause::of(rows, &of_apps, &hours))
        .collect();
    causes.sort_by_key(|cause| (cause.rank, -cause.count));
    causes
}

impl Cause {
    fn of(
        mut rows: Vec<ExplainedRejection>,
        of_apps: &BTreeMap<String, i64>,
        hours: &Steps,
    ) -> Option<Self> {
        rows.sort_by_key(|row| std::cmp::Reverse((row.columns.hour, row.columns.last_at)));
        let (newest, oldest) = (rows.first()?, rows.last()?);
        let app = newest.columns.app.clone();
        let count = rows.iter().map(|row| row.columns.count).sum();
        let bars = rows.iter().map(|row| (row.columns.hour, row.columns.count));
        let named = (app != NO_APP).then(|| app.clone());
        let last_at = rows.iter().map(|row| row.columns.last_at).max()?;
        Some(Self {
            sentence: sentence(&newest.cause),
            certainty: Certainty::of(newest),
            count,
            first_at: oldest.columns.hour,
            last_at,
            evidence: evidence(&rows, count, of_apps.get(&app).copied().unwrap_or_default()),
            steps: steps(&newest.remedy, named.as_deref()),
            bars: hours.bars(bars),
            rank: rows.iter().map(rank).min().unwrap_or(u8::MAX),
            app: named,
            rows: {
                rows.truncate(MOST);
                rows
            },
        })
    }

    /// Number of the requests.
    pub(super) fn total(&self) -> String {
        grouped(self.count)
    }

    /// Requests to this app, as a parameter of links.
    pub(super) fn of_app(&self) -> String {
        let app = self.app.as_ref();
        app.map_or_else(String::new, |app| format!("&app={app}"))
    }
}

impl Certainty {
    fn of(row: &ExplainedRejection) -> Self {
        let reason = row.columns.reason.as_str();
        match row.owner {
            _ if !(reason.starts_with("signature_") || reason.starts_with("unknown_")) => {
                Self::Certain
            }
            Owner::Meta if reason.starts_with("unknown_") => Self::Certain,
            Owner::Private => Self::Unclear,
            Owner::Meta | Owner::Other | Owner::Unknown => Self::Likely,
        }
    }

    /// Class of the mark, icon and word.
    pub(super) fn mark(self) -> [&'static str; 3] {
        match self {
            Self::Certain => ["bad", "circle-x", "Certain"],
            Self::Likely => ["warn", "circle-alert", "Likely"],
            Self::Unclear => ["", "circle-question-mark", "Unclear"],
        }
    }
}

/// Rank of a count: requests of Meta are lost deliveries.
fn rank(row: &ExplainedRejection) -> u8 {
    match row.owner {
        Owner::Meta => 0,
        Owner::Private => 1,
        Owner::Unknown => 2,
        Owner::Other => 3,
    }
}

/// Facts about the requests of a cause: networks, share of the app's rejections, reasons and
/// quarantine. Without an app, `of_app` is 0.
fn evidence(rows: &[ExplainedRejection], count: i64, of_app: i64) -> Vec<String> {
    let mut networks: BTreeMap<&str, i64> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, i64> = BTreeMap::new();
    for row in rows {
        *networks.entry(row.owner.words()).or_default() += row.columns.count;
        *reasons.entry(row.columns.reason.as_str()).or_default() += row.columns.count;
    }
    let from = |(network, part): (&&str, &i64)| {
        if *part == count {
            format!("Every request came from {network}")
        } else {
            format!("{} came from {network}", grouped(*part))
        }
    };
    let mut evidence: Vec<_> = networks.iter().map(from).collect();
    if of_app > 0 {
        let share = count * 100 / of_app;
        evidence.push(format!("{share}% of the rejections of this app"));
    }
    evidence.extend(reasons.keys().map(|reason| format!("Reason: {reason}")));
    let quarantined: i64 = rows.iter().filter_map(|row| row.quarantined).sum();
    if quarantined > 0 {
        evidence.push(format!("{} of them in quarantine", grouped(quarantined)));
    }
    evidence
}

/// Splits a remedy of the catalog into steps.
fn steps(remedy: &str, app: Option<&str>) -> Vec<Step> {
    let steps = remedy.split("; ").map(|step| {
        let step = step.strip_prefix("then ").unwrap_or(step);
        let step = step.replace("none needed", "nothing to do");
        let codes = step.split('`').skip(1).step_by(2);
        Step {
            commands: codes.map(|code| filled(code, app)).collect(),
            text: sentence(&step.replace('`', "")),
        }
    });
    steps.collect()
}

/// A command for an app.
fn filled(command: &str, app: Option<&str>) -> String {
    match app.filter(|_| command.contains("rejections recheck")) {
        Some(app) => format!("{command} --app {app}"),
        None => command.to_owned(),
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    let first = first.into_iter().flatten();
    first.chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(owner: Owner, reason: &str, count: i64) -> ExplainedRejection {
        let mut row = ExplainedRejection {
            owner,
            cause: format!("the cause of {reason}"),
            remedy: "none needed".to_owned(),
            ..ExplainedRejection::default()
        };
        row.columns.app = "shop".to_owned();
        row.columns.reason = reason.to_owned();
        row.columns.count = count;
        row
    }

    #[test]
    fn requests_of_meta_come_first_and_then_the_most() {
        let causes = causes(vec![
            row(Owner::Other, "signature_missing", 900),
            row(Owner::Meta, "signature_mismatch", 3),
            row(Owner::Other, "signature_mismatch_b", 40),
            row(Owner::Meta, "signature_mismatch", 4),
        ]);
        let counts: Vec<_> = causes.iter().map(|cause| cause.count).collect();
        assert_eq!(counts, [7, 900, 40]);
        assert_eq!(
            causes[0].evidence[0],
            "Every request came from Meta's networks"
        );
        assert_eq!(causes[1].sentence, "The cause of signature_missing.");
    }

    #[test]
    fn certainty_follows_from_reason_and_network() {
        let certainty = |owner, reason| Certainty::of(&row(owner, reason, 1));
        assert_eq!(certainty(Owner::Other, "body_timeout"), Certainty::Certain);
        assert_eq!(certainty(Owner::Meta, "unknown_app"), Certainty::Certain);
        assert_eq!(
            certainty(Owner::Meta, "signature_mismatch"),
            Certainty::Likely
        );
        assert_eq!(
            certainty(Owner::Private, "signature_mismatch"),
            Certainty::Unclear
        );
    }

    #[test]
    fn a_remedy_becomes_steps_with_commands() {
        let remedy = "copy app_secret from the dashboard; then run `hookshelf reload`, and \
                      `hookshelf rejections recheck --yes` to store what was refused";
        let steps = steps(remedy, Some("shop"));
        assert_eq!(steps[0].text, "Copy app_secret from the dashboard.");
        assert_eq!(steps[0].commands, [""; 0]);
        assert_eq!(
            steps[1].commands,
            [
                "hookshelf reload",
                "hookshelf rejections recheck --yes --app shop"
            ]
        );
        assert!(!steps[1].text.contains('`'));
    }
}
