//! The routes of the spool, for operators: how it stands, what waits in it, and to drain it now.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};

use super::{
    access::{Operator, Viewer},
    answer::json,
    parameters::{Parameter, Parameters},
    problem::{self, Problem},
};
use crate::{
    ingest::Spooling,
    query::{MOST_WAITING, Scope, SpoolReader},
    spool::SpoolReport,
};

/// Default length of a list of deliveries.
const LIST: usize = 100;

const RECORDS: &[Parameter] = &[
    Parameter::one("after", "Deliveries behind this place of an earlier list."),
    Parameter::one("limit", "Maximum number of deliveries. If unset: 100."),
];

/// Shared state of the spool routes.
#[derive(Clone, Debug)]
pub struct SpoolApi(Arc<SpoolState>);

#[derive(Debug)]
enum SpoolState {
    Open(Spooling, SpoolReader),
    Off(SpoolReport),
}

impl SpoolApi {
    /// Routes of an open spool.
    pub fn new(spooling: Spooling) -> Self {
        let reader = SpoolReader::new(spooling.spool.clone());
        Self(Arc::new(SpoolState::Open(spooling, reader)))
    }

    /// Routes of a server without a spool.
    pub fn off(report: SpoolReport) -> Self {
        Self(Arc::new(SpoolState::Off(report)))
    }

    pub(super) fn report(&self) -> SpoolReport {
        match &*self.0 {
            SpoolState::Open(spooling, _) => spooling.report(),
            SpoolState::Off(report) => report.clone(),
        }
    }
}

pub(super) fn routes(api: SpoolApi) -> Router {
    Router::new()
        .route("/v1/spool", get(status))
        .route("/v1/spool/records", get(records))
        .route("/v1/spool/drain", post(drain))
        .with_state(api)
}

async fn status(Viewer(scope): Viewer, State(api): State<SpoolApi>) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    Ok(json(StatusCode::OK, &api.report()))
}

/// The spool holds deliveries of every app and client, so a restricted token does not see it.
fn refuse_restricted(scope: &Scope) -> Result<(), Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    Ok(())
}

async fn drain(
    Operator(scope): Operator,
    State(api): State<SpoolApi>,
) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    match &*api.0 {
        SpoolState::Off(report) => Err(off(report)),
        SpoolState::Open(spooling, _) => {
            spooling.drained.wake();
            Ok(json(StatusCode::ACCEPTED, &spooling.report()))
        }
    }
}

async fn records(
    Viewer(scope): Viewer,
    State(api): State<SpoolApi>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    let reader = match &*api.0 {
        SpoolState::Off(report) => return Err(off(report)),
        SpoolState::Open(_, reader) => reader,
    };
    let parameters = Parameters::of(query.as_deref(), &[RECORDS])?;
    let place = "a place from an earlier list";
    let after = parameters.parse("after", place, |text| text.parse().ok())?;
    let limit = parameters
        .number("limit", 1..=MOST_WAITING)?
        .unwrap_or(LIST);
    match reader.list(after, limit).await {
        Ok(list) => Ok(json(StatusCode::OK, &list)),
        Err(error) => Err(Problem::new(problem::DEFECT, error.to_string())),
    }
}

fn off(report: &SpoolReport) -> Problem {
    let why = report.why_off.as_deref().unwrap_or_default();
    Problem::new(problem::CONFLICT, format!("the spool is off: {why}"))
}
