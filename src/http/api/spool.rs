//! The routes of the spool, for operators: how it stands, what waits in it, and to drain it now.

use std::sync::Arc;

use axum::{
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};

use super::{
    Api, Asked, Shared,
    filters::LIMIT,
    operation::{Answer, Caller, Operation},
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        answer::json,
        parameter::{Form, Parameter},
        problem::{self, Problem},
    },
    ingest::Spooling,
    query::{Scope, SpoolReader, WaitingList},
    spool::SpoolReport,
};

const RECORDS: &[Parameter] = &[
    Parameter::of(
        "after",
        "Deliveries behind this place of an earlier list.",
        Form::Place("1-42", "^[0-9]{1,18}-[0-9]{1,18}$"),
    ),
    LIMIT,
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/spool",
        handler: || get(status),
        about: "State of the spool and of its drain.",
        example: "/v1/spool",
        answers: &[Answer::json::<SpoolReport>("The spool.")],
        problems: &[problem::NOT_FOUND],
        ..Operation::GET
    },
    Operation {
        path: "/v1/spool/records",
        handler: || get(records),
        about: "Deliveries in the spool, oldest first, without content.",
        parameters: &[RECORDS],
        example: "/v1/spool/records?limit=10",
        answers: &[Answer::json::<WaitingList>("A part of the deliveries.")],
        problems: &[problem::NOT_FOUND, problem::CONFLICT],
        ..Operation::GET
    },
    Operation {
        method: "post",
        path: "/v1/spool/drain",
        handler: || post(drain),
        caller: Caller::Token(Role::Operator),
        about: "Drains the spool now.",
        example: "/v1/spool/drain",
        answers: &[Answer::json::<SpoolReport>("The drain was woken.").with(202)],
        problems: &[problem::NOT_FOUND, problem::CONFLICT],
        ..Operation::GET
    },
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

    pub(in crate::http) fn report(&self) -> SpoolReport {
        match &*self.0 {
            SpoolState::Open(spooling, _) => spooling.report(),
            SpoolState::Off(report) => report.clone(),
        }
    }
}

async fn status(Viewer(scope): Viewer, State(api): Shared, _: Asked) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    Ok(json(StatusCode::OK, &api.spool.report()))
}

/// The spool holds deliveries of every app and client, so a restricted token does not see it.
pub(in crate::http) fn refuse_restricted(scope: &Scope) -> Result<(), Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    Ok(())
}

async fn drain(
    Operator(scope): Operator,
    State(api): Shared,
    _: Asked,
) -> Result<Response, Problem> {
    let report = wake_drain(&api, &scope)?;
    Ok(json(StatusCode::ACCEPTED, &report))
}

/// Wakes the drain of the spool. Returns the state of the spool before.
pub(in crate::http) fn wake_drain(api: &Api, scope: &Scope) -> Result<SpoolReport, Problem> {
    refuse_restricted(scope)?;
    match &*api.spool.0 {
        SpoolState::Off(report) => Err(off(report)),
        SpoolState::Open(spooling, _) => {
            spooling.drained.wake();
            Ok(spooling.report())
        }
    }
}

async fn records(
    Viewer(scope): Viewer,
    State(api): Shared,
    asked: Asked,
) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    let reader = match &*api.spool.0 {
        SpoolState::Off(report) => return Err(off(report)),
        SpoolState::Open(_, reader) => reader,
    };
    let after = asked.parameters.parse("after", |text| text.parse().ok())?;
    let limit: u32 = asked.parameters.number("limit")?;
    match reader.list(after, limit as usize).await {
        Ok(list) => Ok(json(StatusCode::OK, &list)),
        Err(error) => Err(Problem::new(problem::DEFECT, error.to_string())),
    }
}

fn off(report: &SpoolReport) -> Problem {
    let why = report.why_off.as_deref().unwrap_or_default();
    Problem::new(problem::CONFLICT, format!("the spool is off: {why}"))
}
