//! Health page: *what is failing, and is anything lost?* It reads memory alone, so that it works
//! while Postgres does not.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::Timestamp;

use super::{
    Page,
    account_list::RANGE,
    answer::{page, rendered},
    delivery_path::{Step, steps},
    faults::{Answer, Faults},
    frame::{Frame, HEALTH, SCOPE},
    health_parts::{
        Callback, Connections, Follower, Postgres, SecretLine, Tank, callbacks, connections,
        followers, secrets, wakes,
    },
    visit::Visit,
};
use crate::{
    amounts::span,
    config::Role,
    http::{
        access::{Operator, Viewer},
        api::{
            Asked, Shared,
            spool::{refuse_restricted, wake_drain},
        },
        problem::Problem,
    },
};

pub(super) const PAGE: Page = Page {
    path: "/health",
    handler: || get(show),
    parameters: &[SCOPE, RANGE],
};

/// Form that wakes the drain of the spool.
pub(super) const DRAIN: Page = Page {
    path: "/health/drain",
    handler: || post(drain),
    parameters: &[],
};

#[derive(Template)]
#[template(path = "health.html", blocks = ["main"])]
struct HealthPage {
    frame: Frame,
    answer: Answer,
    faults: Faults,
    steps: [Step; 5],
    /// Time of the rates.
    within: String,
    postgres: Postgres,
    tank: Tank,
    /// True if the reader may drain the spool.
    may_drain: bool,
    followers: Vec<Follower>,
    wakes: Vec<(String, String)>,
    connections: Vec<Connections>,
    secrets: Vec<SecretLine>,
    callbacks: Vec<Callback>,
    version: &'static str,
    running_since: Timestamp,
}

rendered!(HealthPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    _: Asked,
) -> Result<Response, Problem> {
    // The page is about deliveries of every app and client.
    refuse_restricted(&scope)?;
    let recent = api.metrics.recent();
    let faults = Faults::seen_by(Some(&scope), &api);
    let postgres = Postgres::of(&api, &recent, &faults);
    let is_failing = postgres.failed_commit.is_some();
    let is_stopped = faults.is_away() || faults.has("disk") || is_failing;
    let quiet = if is_failing {
        Answer::warning("The last commit failed.")
    } else {
        Answer::good("All is well.")
    };
    let health = HealthPage {
        frame: Frame::new(&visit, Some(&scope), HEALTH.name, Some(&HEALTH)),
        answer: faults.answer().unwrap_or(quiet),
        steps: steps(&recent, is_stopped),
        within: words(recent.within),
        postgres,
        tank: Tank::of(api.spool.report()),
        may_drain: scope.role().covers(Role::Operator),
        followers: followers(&recent),
        wakes: wakes(&recent),
        connections: connections(&recent),
        secrets: secrets(&api, &recent),
        callbacks: callbacks(&api),
        version: env!("CARGO_PKG_VERSION"),
        running_since: visit.now.checked_sub(recent.running).unwrap_or(visit.now),
        faults,
    };
    Ok(page(&visit, &health))
}

fn words(time: Duration) -> String {
    span(time.as_secs())
}

async fn drain(
    State(api): Shared,
    Operator(scope): Operator,
    asked: Asked,
) -> Result<Response, Problem> {
    wake_drain(&api, &scope)?;
    let place = asked.parameters.base().join("/health#spool");
    Ok(Redirect::to(&place).into_response())
}
