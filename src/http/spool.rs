//! The routes of the spool, for operators: how it stands, what waits in it, and to drain it now.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use serde::Serialize;

use super::admin::json;
use crate::{
    query::{MOST_WAITING, SpoolReader},
    spool::{Place, Report},
};

/// How many deliveries a list has that does not say how many.
const LIST: usize = 100;

/// What the routes ask. Clones ask the same.
#[derive(Clone)]
pub struct SpoolDesk {
    report: Arc<dyn Fn() -> Report + Send + Sync>,
    drain: Arc<dyn Fn() + Send + Sync>,
    /// None where the spool is off.
    reader: Option<SpoolReader>,
}

impl SpoolDesk {
    /// The desk of a spool that `report` tells of; neither it nor `drain`, which makes the drain go
    /// on at once, may wait.
    pub fn new(
        reader: SpoolReader,
        report: impl Fn() -> Report + Send + Sync + 'static,
        drain: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            report: Arc::new(report),
            drain: Arc::new(drain),
            reader: Some(reader),
        }
    }

    /// The desk where there is no spool.
    pub fn off(report: Report) -> Self {
        Self {
            report: Arc::new(move || report.clone()),
            drain: Arc::new(|| {}),
            reader: None,
        }
    }

    /// How it stands.
    pub(super) fn report(&self) -> Report {
        (self.report)()
    }
}

impl fmt::Debug for SpoolDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolDesk")
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}

/// The routes.
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
    if desk.reader.is_none() {
        return off(&desk);
    }
    (desk.drain)();
    json(StatusCode::ACCEPTED, &desk.report())
}

async fn records(State(desk): State<SpoolDesk>, RawQuery(query): RawQuery) -> Response {
    let Some(reader) = &desk.reader else {
        return off(&desk);
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

fn off(desk: &SpoolDesk) -> Response {
    let why = desk.report().why_off.unwrap_or_default();
    complain(StatusCode::CONFLICT, format!("the spool is off: {why}"))
}

/// `after` and `limit` of a query. What a query says that is not known is a mistake.
fn page(query: &str) -> Result<(Option<Place>, usize), String> {
    let (mut after, mut limit) = (None, LIST);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "after" => {
                let place = value.parse();
                after = Some(place.map_err(|_| "after: not a place that a list has given")?);
            }
            "limit" => {
                let number = value.parse().ok();
                let within = number.filter(|number| (1..=MOST_WAITING).contains(number));
                limit = within.ok_or_else(|| format!("limit: allowed are 1 to {MOST_WAITING}"))?;
            }
            _ => return Err("allowed are after and limit".to_owned()),
        }
    }
    Ok((after, limit))
}
