//! The routes for operators, on a listener of their own: alive, ready, metrics, the spool.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    answer::{json, typed},
    listener::ADMIN,
    origin,
    public::defect,
    spool,
    spool::SpoolApi,
};
use crate::{
    ingest::{Readiness, ReadinessStatus},
    telemetry::metrics::Exposition,
};

/// The router of the admin listener.
pub fn router(readiness: Readiness, spool: SpoolApi, metrics: Exposition) -> Router {
    Router::new()
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(ready).with_state((readiness, spool.clone())))
        .route("/metrics", get(expose).with_state(metrics))
        .merge(spool::routes(spool))
        .layer(middleware::from_fn(origin::guard))
        .layer(CatchPanicLayer::custom(|_| defect(ADMIN)))
}

#[derive(Serialize)]
struct ReadyReport {
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

async fn ready(State((readiness, spool)): State<(Readiness, SpoolApi)>) -> Response {
    let ReadinessStatus { missing, degraded } = readiness.status();
    let ready = missing.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let spool = spool.report();
    let report = ReadyReport {
        ready,
        missing,
        degraded,
        version: env!("CARGO_PKG_VERSION"),
        spool: Spool {
            on: spool.on,
            records: spool.records,
            bytes: spool.bytes,
            max_bytes: spool.max_bytes,
            oldest_age_seconds: spool.oldest_age_seconds,
            drain_rate: spool.drain_rate,
            obstacle: spool.obstacle,
        },
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
