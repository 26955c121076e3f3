//! Route of the audit.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde_json::json;

use super::{
    Api, Asked, Shared,
    export::{EXPORT, Export},
    unrecorded,
};
use crate::{
    http::{access::Privacy, answer, parameters::Parameter, problem::Problem},
    query::{AuditFilter, AuditWalk, Subject},
};

const AUDIT: &[Parameter] = &[
    Parameter::one("subject", "A position, delivery, person or account."),
    Parameter::one("token", "Name of the token."),
    Parameter::one("since", "At this time or later."),
    Parameter::one("until", "Before this time."),
    Parameter::one(
        "limit",
        "Maximum number of entries, from 1 to 1000. If unset: 100.",
    ),
];

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/v1/audit", get(list))
}

async fn list(
    State(api): Shared,
    Privacy(scope): Privacy,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[AUDIT, EXPORT])?;
    let export = Export::of("audit", &parameters, &["limit"])?;
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
    let limit = parameters.number("limit", 1..=1000)?.unwrap_or(100);
    let mut session = api.session(&scope).await?;
    if let Some(export) = export {
        let walk = api.read(AuditWalk::begin(&mut session, filter)).await?;
        let what = (export, Subject::None);
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let entries = api.read(session.audit(&filter, limit)).await?;
    Ok(answer::json(StatusCode::OK, &json!({"audit": entries})))
}
