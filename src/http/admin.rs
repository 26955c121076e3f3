//! The routes for operators, on a listener of their own: alive, ready, metrics, the spool.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::{listener::ADMIN, origin, public::defect, spool, spool::SpoolDesk};
use crate::{spool::Report as SpoolReport, telemetry::metrics::Exposition};

/// Whether deliveries are taken for good, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is missing before a delivery can be taken; nothing missing is ready.
    pub missing: Vec<&'static str>,
    /// What is missing or in trouble while deliveries are taken all the same, because the spool
    /// stands in for Postgres or is not needed now.
    pub degraded: Vec<&'static str>,
}

impl From<Vec<&'static str>> for Standing {
    /// That which nothing stands in for.
    fn from(missing: Vec<&'static str>) -> Self {
        let degraded = Vec::new();
        Self { missing, degraded }
    }
}

/// Tells how the server stands.
#[derive(Clone)]
pub struct Readiness(Arc<dyn Fn() -> Standing + Send + Sync>);

impl Readiness {
    /// Asks `standing` each time. It must not wait: it tells what was last seen.
    pub fn new<S: Into<Standing>>(standing: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || standing().into()))
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readiness({:?})", (self.0)())
    }
}

/// The router of the admin listener.
pub fn router(readiness: Readiness, spool: SpoolDesk, metrics: Exposition) -> Router {
    Router::new()
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(ready).with_state((readiness, spool.clone())))
        .route("/metrics", get(expose).with_state(metrics))
        .merge(spool::routes(spool))
        .layer(middleware::from_fn(origin::guard))
        .layer(CatchPanicLayer::custom(|_| defect(ADMIN)))
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    missing: Vec<&'static str>,
    degraded: Vec<&'static str>,
    version: &'static str,
    spool: Spool,
}

/// What of the spool one wants to see at a glance; `/v1/spool` has the rest.
#[derive(Serialize)]
struct Spool {
    on: bool,
    records: u64,
    bytes: u64,
    max_bytes: u64,
    oldest_age_seconds: Option<f64>,
    drain_rate: f64,
    obstacle: Option<String>,
}

impl From<SpoolReport> for Spool {
    fn from(report: SpoolReport) -> Self {
        Self {
            on: report.on,
            records: report.records,
            bytes: report.bytes,
            max_bytes: report.max_bytes,
            oldest_age_seconds: report.oldest_age_seconds,
            drain_rate: report.drain_rate,
            obstacle: report.obstacle,
        }
    }
}

async fn ready(State((readiness, spool)): State<(Readiness, SpoolDesk)>) -> Response {
    let Standing { missing, degraded } = (readiness.0)();
    let ready = missing.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = Report {
        ready,
        missing,
        degraded,
        version: env!("CARGO_PKG_VERSION"),
        spool: spool.report().into(),
    };
    json(status, &report)
}

async fn expose(State(metrics): State<Exposition>) -> Response {
    (
        typed("text/plain; version=0.0.4; charset=utf-8"),
        metrics.render(),
    )
        .into_response()
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => (status, typed("application/json"), body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn typed(media: &'static str) -> [(header::HeaderName, &'static str); 2] {
    [
        (header::CONTENT_TYPE, media),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
