//! Route of the audit.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Asked, Shared,
    export::{EXPORT, Export},
    filters::{LIMIT, since, until},
    operation::{Answer, Caller, Operation},
    unrecorded,
};
use crate::{
    config::Role,
    http::{
        access::Privacy,
        answer,
        parameter::Parameter,
        problem::{self, Problem},
    },
    query::{AuditFilter, AuditRow, AuditWalk, Subject},
};

const AUDIT: &[Parameter] = &[
    Parameter::one("subject", "A position, delivery, person or account."),
    Parameter::one("token", "Name of the token."),
    since("At this time or later."),
    until("Before this time."),
    LIMIT,
];

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    path: "/v1/audit",
    handler: || get(list),
    caller: Caller::Token(Role::Privacy),
    about: "Shown content: time, token, address and subject, newest first; with format, an export.",
    parameters: &[AUDIT, EXPORT],
    example: "/v1/audit?since=today",
    answers: &[Answer::json::<AuditList>("The newest entries.")],
    problems: &[
        problem::NOT_FOUND,
        problem::DATABASE,
        problem::BUSY,
        problem::AUDIT,
    ],
    ..Operation::GET
}];

/// Answer with entries of the audit.
#[derive(Serialize, JsonSchema)]
struct AuditList {
    audit: Vec<AuditRow>,
}

async fn list(
    State(api): Shared,
    Privacy(scope): Privacy,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("audit", parameters, &["limit"])?;
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    let subjects = match parameters.text("subject")? {
        Some(id) => api.audit.subjects(&id).await,
        None => Ok(Vec::new()),
    };
    let filter = AuditFilter {
        subjects: subjects.map_err(|error| unrecorded(&error))?,
        token: parameters.text("token")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit")?;
    let mut session = api.session(&scope).await?;
    if let Some(export) = export {
        let walk = api.read(AuditWalk::begin(&mut session, filter)).await?;
        let what = (export, Subject::None);
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let entries = api.read(session.audit(&filter, limit)).await?;
    Ok(answer::json(StatusCode::OK, &AuditList { audit: entries }))
}
