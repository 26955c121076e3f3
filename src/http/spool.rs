//! The routes of the spool, for operators: how it stands, what waits in it, and to drain it now.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde::Serialize;

use super::answer::json;
use crate::{
    ingest::Spooling,
    query::{MOST_WAITING, SpoolReader},
    spool::{SpoolPosition, SpoolReport},
};

/// Default length of a list of deliveries.
const LIST: usize = 100;

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

#[derive(Serialize)]
struct Complaint {
    error: String,
}

fn complain(status: StatusCode, error: impl Into<String>) -> Response {
    let error = error.into();
    json(status, &Complaint { error })
}

async fn status(State(api): State<SpoolApi>) -> Response {
    json(StatusCode::OK, &api.report())
}

async fn drain(State(api): State<SpoolApi>) -> Response {
    match &*api.0 {
        SpoolState::Off(report) => off(report),
        SpoolState::Open(spooling, _) => {
            spooling.drained.wake();
            json(StatusCode::ACCEPTED, &spooling.report())
        }
    }
}

async fn records(State(api): State<SpoolApi>, RawQuery(query): RawQuery) -> Response {
    let reader = match &*api.0 {
        SpoolState::Off(report) => return off(report),
        SpoolState::Open(_, reader) => reader,
    };
    let (after, limit) = match page(&query.unwrap_or_default()) {
        Ok(page) => page,
        Err(error) => return complain(StatusCode::BAD_REQUEST, error),
    };
    match reader.list(after, limit).await {
        Ok(list) => json(StatusCode::OK, &list),
        Err(error) => complain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn off(report: &SpoolReport) -> Response {
    let why = report.why_off.as_deref().unwrap_or_default();
    complain(StatusCode::CONFLICT, format!("the spool is off: {why}"))
}

/// Parses `after` and `limit` of a query. Unknown parameters are errors.
fn page(query: &str) -> Result<(Option<SpoolPosition>, usize), String> {
    let (mut after, mut limit) = (None, LIST);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "after" => {
                let place = value.parse();
                after = Some(place.map_err(|_| "invalid after: use a place from an earlier list")?);
            }
            "limit" => {
                let number = value.parse().ok();
                let within = number.filter(|number| (1..=MOST_WAITING).contains(number));
                limit = within
                    .ok_or_else(|| format!("invalid limit: allowed are 1 to {MOST_WAITING}"))?;
            }
            _ => return Err("unknown parameter: allowed are after and limit".to_owned()),
        }
    }
    Ok((after, limit))
}
