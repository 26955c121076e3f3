//! Current faults of the server, from memory: the alert line of every page, and the answer of the
//! pages about the whole server.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use jiff::Timestamp;

use crate::{
    amounts::deliveries,
    http::{api::Api, problem},
    ingest::ReadinessStatus,
    query::Scope,
    spool::SpoolReport,
};

/// Faults at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// The faults, the worst first.
    pub(super) list: Vec<Fault>,
    /// State of the deliveries meanwhile; empty if nothing concerns them.
    pub(super) meanwhile: String,
}

/// Answer of a page, as its heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) words: &'static str,
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
}

impl Answer {
    /// Nothing is wrong.
    pub(super) const fn good(words: &'static str) -> Self {
        let (class, icon) = ("ok", "circle-check");
        Self { words, class, icon }
    }

    /// Somebody should look, and nothing is lost.
    pub(super) const fn warning(words: &'static str) -> Self {
        let (class, icon) = ("warn", "triangle-alert");
        Self { words, class, icon }
    }

    /// Deliveries are refused.
    pub(super) const fn bad(words: &'static str) -> Self {
        let (class, icon) = ("bad", "circle-x");
        Self { words, class, icon }
    }
}

/// A current fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Word of `/readyz`.
    pub(super) code: &'static str,
    /// True if deliveries get 503.
    pub(super) is_grave: bool,
    /// The fault; with a start, its first words.
    pub(super) means: String,
    pub(super) since: Option<Timestamp>,
    /// Part of the health page that says what to do.
    pub(super) place: &'static str,
}

impl Faults {
    /// The faults now. Never waits. The number of deliveries in the spool is about every app and
    /// client, so only a reader of the whole server learns it.
    pub(super) fn seen_by(scope: Option<&Scope>, api: &Api) -> Self {
        let ReadinessStatus { missing, degraded } = api.readiness.status();
        let mut spool = api.spool.report();
        if scope.is_none_or(Scope::is_restricted) {
            spool.records = 0;
        }
        let grave = missing.iter().map(|code| (*code, true));
        let covered = degraded.iter().map(|code| (*code, false));
        let fault = |(code, is_grave)| {
            let (means, place) = meaning(code, &spool);
            Fault {
                code,
                is_grave,
                since: (code == "database").then(|| away_since(api)),
                means,
                place,
            }
        };
        let list: Vec<_> = grave.chain(covered).map(fault).collect();
        Self {
            meanwhile: meanwhile(&missing, &degraded, &spool),
            list,
        }
    }

    /// The answer if something is wrong.
    pub(super) fn answer(&self) -> Option<Answer> {
        if self.list.iter().any(|fault| fault.is_grave) {
            Some(Answer::bad("Deliveries are refused."))
        } else if self.list.is_empty() {
            None
        } else {
            Some(Answer::warning("Degraded. Nothing is lost."))
        }
    }

    /// True if Postgres does not answer.
    pub(super) fn is_away(&self) -> bool {
        self.has("database")
    }

    /// True if a word of `/readyz` is among the faults.
    pub(super) fn has(&self, code: &str) -> bool {
        self.list.iter().any(|fault| fault.code == code)
    }
}

/// Start of the outage of Postgres.
fn away_since(api: &Api) -> Timestamp {
    let now = Instant::now();
    let away = now.duration_since(api.readiness.away_since(now));
    let now = api.apps.clock().now();
    now.checked_sub(away).unwrap_or(now)
}

/// Meaning of a word of `/readyz`, and the part of the health page about it.
fn meaning(code: &str, spool: &SpoolReport) -> (String, &'static str) {
    let postgres = "postgres";
    match code {
        "database" => ("Postgres has been unavailable since".to_owned(), postgres),
        "disk" => {
            let means = "The disk of Postgres has less free space than database.min_free, so \
                         commits are stopped.";
            (means.to_owned(), "disk")
        }
        "commits" => {
            let means = "Postgres answers, but the last commit failed.";
            (means.to_owned(), postgres)
        }
        "spool" => {
            let obstacle = spool.obstacle_means.as_deref().unwrap_or_default();
            let means = match obstacle.strip_prefix("the spool ") {
                Some(rest) => format!("The spool {rest}."),
                None => "The spool takes no deliveries.".to_owned(),
            };
            (means, "spool")
        }
        setting => {
            let means = format!(
                "Postgres runs with {setting} = off: a crash of its machine can lose committed \
                 deliveries."
            );
            (means, postgres)
        }
    }
}

fn meanwhile(missing: &[&str], degraded: &[&str], spool: &SpoolReport) -> String {
    let waiting = match spool.records {
        0 => String::new(),
        1 => "1 delivery is safe in the spool.".to_owned(),
        records => format!("{} are safe in the spool.", deliveries(records)),
    };
    if !missing.is_empty() {
        let refused = "New deliveries get 503, and Meta sends them again.";
        return format!("{waiting} {refused}").trim_start().to_owned();
    }
    if degraded.iter().any(|code| *code != "spool") && waiting.is_empty() {
        return "New deliveries go into the spool.".to_owned();
    }
    waiting
}

/// Adds the faults to a problem, for the alert line of its page.
pub(in crate::http) async fn tell_faults(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response {
    let scope = request.extensions().get::<Scope>().cloned();
    let mut response = next.run(request).await;
    if scope.is_some() && problem::is_sent(&response) {
        let faults = Faults::seen_by(scope.as_ref(), &api);
        response.extensions_mut().insert(faults);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spool(records: u64) -> SpoolReport {
        SpoolReport {
            on: true,
            records,
            ..SpoolReport::default()
        }
    }

    #[test]
    fn the_line_says_where_deliveries_are() {
        let none: &[&str] = &[];
        assert_eq!(meanwhile(none, none, &spool(0)), "");
        assert_eq!(
            meanwhile(none, &["database"], &spool(0)),
            "New deliveries go into the spool."
        );
        assert_eq!(
            meanwhile(none, &["database"], &spool(214)),
            "214 deliveries are safe in the spool."
        );
        assert_eq!(
            meanwhile(&["database", "spool"], none, &spool(1)),
            "1 delivery is safe in the spool. New deliveries get 503, and Meta sends them again."
        );
    }

    #[test]
    fn every_word_of_readiness_has_a_meaning() {
        let full = SpoolReport {
            obstacle_means: Some("the spool does not accept deliveries: it is full".to_owned()),
            ..spool(3)
        };
        let (means, place) = meaning("spool", &full);
        assert_eq!(means, "The spool does not accept deliveries: it is full.");
        assert_eq!(place, "spool");
        let (means, place) = meaning("fsync", &full);
        assert!(means.contains("fsync = off"), "{means}");
        assert_eq!(place, "postgres");
        assert_eq!(meaning("disk", &full).1, "disk");
    }
}
