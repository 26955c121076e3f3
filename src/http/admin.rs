//! Routes of the admin listener: alive, ready, metrics, spool, API.

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
    access::{self, Access, Metrics},
    answer::{json, typed},
    api::{self, Api},
    listener::ADMIN,
    problem::{self, Problem},
    spool,
    spool::SpoolApi,
};
use crate::{
    ingest::{Readiness, ReadinessStatus},
    telemetry::{LogEvent, PanicCaught, metrics::Exposition},
};

/// The router of the admin listener.
pub fn router(readiness: Readiness, metrics: Exposition, (access, api): (Access, Api)) -> Router {
    let spool = api.spool.clone();
    Router::new()
        .route("/healthz", get(StatusCode::OK))
        .route("/readyz", get(ready).with_state((readiness, spool.clone())))
        .route("/metrics", get(expose).with_state(metrics))
        .merge(spool::routes(spool))
        .merge(api::routes(api))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(problem::METHOD, "the route does not take this method")
        })
        .layer(middleware::from_fn_with_state(access, access::check))
        .layer(CatchPanicLayer::custom(|_| {
            PanicCaught { listener: ADMIN }.emit();
            let detail = "the server has a defect; its log has a record of this request";
            Problem::new(problem::DEFECT, detail).into_response()
        }))
}

#[derive(Serialize)]
struct ReadyReport {
    ready: bool,
    missing: Vec<&'static str>,
    degraded: Vec<&'static str>,
    version: &'static str,
    spool: Spool,
}

/// Summary of the spool; `/v1/spool` has the rest.
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

/// Readiness. Without a token for it, only the status.
async fn ready(
    caller: Result<Metrics, Problem>,
    State((readiness, spool)): State<(Readiness, SpoolApi)>,
) -> Response {
    let status = if readiness.status().missing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if caller.is_ok_and(|Metrics(scope)| !scope.is_restricted()) {
        return details(status, readiness.status(), &spool);
    }
    status.into_response()
}

fn details(status: StatusCode, readiness: ReadinessStatus, spool: &SpoolApi) -> Response {
    let ReadinessStatus { missing, degraded } = readiness;
    let spool = spool.report();
    let report = ReadyReport {
        ready: missing.is_empty(),
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

/// Metrics. They cover every app and client, so a restricted token does not see them.
async fn expose(
    Metrics(scope): Metrics,
    State(metrics): State<Exposition>,
) -> Result<Response, Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    let answer = (
        typed("text/plain; version=0.0.4; charset=utf-8"),
        metrics.render(),
    )
        .into_response();
    Ok(answer)
}
