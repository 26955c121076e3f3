//! Routes of the server itself: alive, ready, and metrics.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Asked, Shared, SpoolApi,
    operation::{Answer, Caller, Operation},
};
use crate::{
    config::Role,
    http::{
        access::Metrics,
        answer::{json, typed},
        problem::{self, Problem},
    },
    ingest::{Readiness, ReadinessStatus},
};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/healthz",
        handler: || get(StatusCode::OK),
        caller: Caller::Probe,
        about: "Tells that the server runs.",
        example: "/healthz",
        answers: &[Answer::empty("The server runs.")],
        ..Operation::GET
    },
    Operation {
        path: "/readyz",
        handler: || get(ready),
        caller: Caller::Probe,
        about: "Tells if deliveries are taken. Without an unrestricted token, only the status.",
        example: "/readyz",
        answers: &[
            Answer::json::<ReadyReport>("Deliveries are taken."),
            Answer::json::<ReadyReport>("Deliveries are not taken.").with(503),
        ],
        ..Operation::GET
    },
    Operation {
        path: "/metrics",
        handler: || get(expose),
        caller: Caller::Token(Role::Metrics),
        about: "Metrics of the whole server, for Prometheus.",
        example: "/metrics",
        answers: &[Answer::other("text/plain", "The text form of Prometheus.")],
        problems: &[problem::NOT_FOUND],
        ..Operation::GET
    },
];

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Readiness")]
struct ReadyReport {
    ready: bool,
    missing: Vec<&'static str>,
    degraded: Vec<&'static str>,
    version: &'static str,
    spool: Spool,
}

/// Summary of the spool; `/v1/spool` has the rest.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SpoolSummary")]
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
async fn ready(caller: Result<Metrics, Problem>, State(api): Shared) -> Response {
    let status = if api.readiness.status().missing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if caller.is_ok_and(|Metrics(scope)| !scope.is_restricted()) {
        return details(status, &api.readiness, &api.spool);
    }
    status.into_response()
}

fn details(status: StatusCode, readiness: &Readiness, spool: &SpoolApi) -> Response {
    let ReadinessStatus { missing, degraded } = readiness.status();
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
    State(api): Shared,
    _: Asked,
) -> Result<Response, Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    let media = typed("text/plain; version=0.0.4; charset=utf-8");
    Ok((media, api.metrics.render()).into_response())
}
