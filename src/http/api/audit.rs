//! Route of the audit.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, Asked, Shared,
    conversations::{PLACE, place},
    export::{EXPORT, Export},
    filters::{LIMIT, since, until},
    operation::{Answer, Caller, Operation},
    shown, unrecorded,
};
use crate::{
    config::Role,
    http::{
        access::Privacy,
        answer,
        parameter::Parameter,
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{AuditFilter, AuditRow, AuditWalk, Scope, Subject},
};

const LIST: &str = "/v1/audit";

/// Filters and part of the list.
pub(in crate::http) const AUDIT: &[Parameter] = &[
    Parameter::one("subject", "A position, delivery, person or account."),
    Parameter::one("token", "Name of the token."),
    since("At this time or later."),
    until("Before this time."),
    Parameter::of("before", "Place before which the entries are.", PLACE),
    Parameter::of("after", "Place after which the entries are.", PLACE),
    LIMIT,
];

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    path: LIST,
    handler: || get(list),
    caller: Caller::Token(Role::Privacy),
    about: "Shown content: time, token, address and subject, newest first; with format, an export.",
    parameters: &[AUDIT, EXPORT],
    example: "/v1/audit?since=today",
    answers: &[Answer::json::<AuditList>("A page of entries.")],
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
pub(in crate::http) struct AuditList {
    pub(in crate::http) audit: Vec<AuditRow>,
    /// URL of the page with the entries before these.
    pub(in crate::http) next: Option<String>,
    /// URL of the page with the entries after these.
    pub(in crate::http) previous: Option<String>,
}

/// Entries of the audit in the form that the parameters ask for.
pub(in crate::http) enum Listed {
    Page(AuditList),
    Export(Response),
}

async fn list(
    State(api): Shared,
    Privacy(scope): Privacy,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(match listed(&api, &scope, &asked).await? {
        Listed::Page(page) => answer::json(StatusCode::OK, &page),
        Listed::Export(export) => export,
    })
}

/// Reads the entries that a request asks for, for a caller with the role privacy.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
) -> Result<Listed, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("audit", parameters, &["before", "after", "limit"])?;
    let places = [place(parameters, "before")?, place(parameters, "after")?];
    if let [Some(_), Some(_)] = places {
        let given = parameters.get("after").unwrap_or_default();
        let detail = "before and after exclude each other";
        return Err(Problem::parameter("after", given, "without before", detail));
    }
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
    let limit: u32 = parameters.number("limit")?;
    let mut session = api.session(scope).await?;
    if let Some(export) = export {
        let walk = api.read(AuditWalk::begin(&mut session, filter)).await?;
        let what = (export, Subject::None);
        let export = api.export(session, (scope, asked), what, walk).await?;
        return Ok(Listed::Export(export));
    }
    let audit = api.read(session.audit(&filter, places, limit)).await?;
    let is_full = u32::try_from(audit.len()).is_ok_and(|count| count >= limit);
    let [next, previous] = neighbours(&audit, places.map(|it| it.is_some()), is_full, parameters);
    Ok(Listed::Page(AuditList {
        audit,
        next,
        previous,
    }))
}

/// URLs of the pages before and after a page, as far as they have entries.
fn neighbours(
    audit: &[AuditRow],
    [is_before, is_after]: [bool; 2],
    is_full: bool,
    parameters: &Parameters,
) -> [Option<String>; 2] {
    let url = |name: &'static str, row: &AuditRow| {
        let changes = ["before", "after"].map(|other| {
            let place = row.place().to_string();
            (other, if other == name { place } else { String::new() })
        });
        shown::url(LIST, parameters, &changes)
    };
    let next = audit.last().filter(|_| is_full || is_after);
    let previous = audit.first().filter(|_| is_before || is_after && is_full);
    [
        next.map(|row| url("before", row)),
        previous.map(|row| url("after", row)),
    ]
}
