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
    spool::{Place, Report},
};

/// How many deliveries a list has that does not say how many.
const LIST: usize = 100;

/// What the routes ask. Clones ask the same.
#[derive(Clone, Debug)]
pub struct SpoolDesk(Arc<Desk>);

#[derive(Debug)]
enum Desk {
    Open(Spooling, SpoolReader),
    Off(Report),
}

impl SpoolDesk {
    /// The desk of an open spool.
    pub fn new(spooling: Spooling) -> Self {
        let reader = SpoolReader::new(spooling.spool.clone());
        Self(Arc::new(Desk::Open(spooling, reader)))
    }

    /// The desk if there is no spool.
    pub fn off(report: Report) -> Self {
        Self(Arc::new(Desk::Off(report)))
    }

    pub(super) fn report(&self) -> Report {
        match &*self.0 {
            Desk::Open(spooling, _) => spooling.report(),
            Desk::Off(report) => report.clone(),
        }
    }
}

pub(super) fn routes(desk: SpoolDesk) -> Router {
    Router::new()
        .route("/v1/spool", get(status))
        .route("/v1/spool/records", get(records))
        .route("/v1/spool/drain", post(drain))
        .with_state(desk)
}

#[derive(Serialize)]
struct Complaint {
    error: String,
}

fn complain(status: StatusCode, error: impl Into<String>) -> Response {
    let error = error.into();
    json(status, &Complaint { error })
}

async fn status(State(desk): State<SpoolDesk>) -> Response {
    json(StatusCode::OK, &desk.report())
}

async fn drain(State(desk): State<SpoolDesk>) -> Response {
    match &*desk.0 {
        Desk::Off(report) => off(report),
        Desk::Open(spooling, _) => {
            spooling.drained.wake();
            json(StatusCode::ACCEPTED, &spooling.report())
        }
    }
}

async fn records(State(desk): State<SpoolDesk>, RawQuery(query): RawQuery) -> Response {
    let reader = match &*desk.0 {
        Desk::Off(report) => return off(report),
        Desk::Open(_, reader) => reader,
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

fn off(report: &Report) -> Response {
    let why = report.why_off.as_deref().unwrap_or_default();
    complain(StatusCode::CONFLICT, format!("the spool is off: {why}"))
}

/// `after` and `limit` of a query. What a query says that is not known is a mistake.
fn page(query: &str) -> Result<(Option<Place>, usize), String> {
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
                limit = within.ok_or_else(|| {
                    format!(
                        "invalid limit: allowed are 1 to \
                    {MOST_WAITING}"
                    )
                })?;
            }
            _ => return Err("unknown parameter: allowed are after and limit".to_owned()),
        }
    }
    Ok((after, limit))
}
