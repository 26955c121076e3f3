//! Recheck of rejected deliveries, and how many of them are in quarantine.

use axum::{
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::Response,
    routing::post,
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, Asked, Shared,
    filters::{APP, since, until},
    operation::{Answer, Caller, Operation},
};
use crate::{
    config::Role,
    http::{
        access::Operator,
        answer,
        parameter::{Form, Parameter},
        problem::{self, Problem},
    },
    ingest::{
        Failure,
        rescue::{AppSurvey, Error, Keys, Rescued, Wanted},
    },
    query::{Remedies, Scope, Session},
};

const RECHECK: &[Parameter] = &[
    APP,
    since("Received at this time or later."),
    until("Received before this time."),
    Parameter::of(
        "yes",
        "True to store the deliveries that pass. If unset, they are only counted.",
        Form::Flag,
    ),
];

pub(super) const OPERATIONS: &[Operation] = &[Operation {
    method: "post",
    path: "/v1/rejections/recheck",
    handler: || post(recheck),
    caller: Caller::Token(Role::Operator),
    about: "Verifies the deliveries in quarantine with the present secrets, and stores those that \
            pass if yes is true.",
    parameters: &[RECHECK],
    example: "/v1/rejections/recheck?since=2h",
    answers: &[
        Answer::json::<Counted>("The deliveries that pass, by app."),
        Answer::json::<Stored>("The stored deliveries, by app."),
    ],
    problems: &[problem::BODY, problem::DATABASE, problem::BUSY],
    ..Operation::GET
}];

/// Answer of a recheck that only counts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecheckCounts")]
struct Counted {
    apps: Vec<AppSurvey>,
}

/// Answer of a recheck that stores.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecheckResults")]
struct Stored {
    apps: Vec<Rescued>,
}

/// Verifies the quarantined deliveries of the caller's apps again, with the secrets of the running
/// configuration.
async fn recheck(
    State(api): Shared,
    Operator(scope): Operator,
    asked: Asked,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    if !body.is_ok_and(|body| body.is_empty()) {
        let detail = "send app, since, until and yes as parameters of the URL, and no body";
        return Err(Problem::new(problem::BODY, detail));
    }
    let wanted = Wanted {
        apps: scope.whole_apps(parameters.text("app")?),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let keys = Keys::Configured(api.apps.secrets());
    if parameters.flag("yes")? == Some(true) {
        let stored = api.recheck.store(keys, wanted).await;
        let apps = stored.map_err(|error| refused(&api, &error))?;
        return Ok(answer::json(StatusCode::OK, &Stored { apps }));
    }
    let counted = api.recheck.count(keys, wanted).await;
    let apps = counted.map_err(|_| unreadable())?;
    Ok(answer::json(StatusCode::OK, &Counted { apps }))
}

fn refused(api: &Api, error: &Error) -> Problem {
    match error {
        Error::Quarantine(_) => unreadable(),
        Error::Store(error) => api.problem(error),
        Error::Refused(Failure::StoreUnavailable) => api.unavailable(),
        Error::Refused(_) => Problem::new(problem::BUSY, error.to_string()),
    }
}

fn unreadable() -> Problem {
    let detail = "the server may not read or delete the files in data_dir/rejections";
    Problem::new(problem::DEFECT, detail)
}

/// The catalog of causes and remedies, which knows the deliveries in quarantine, and their number.
pub(super) async fn remedies(
    api: &Api,
    session: &mut Session,
    (scope, app): (&Scope, Option<String>),
) -> Result<(Remedies, Option<usize>), Problem> {
    let apps = api.apps.configured_apps();
    let remedies = api.read(session.remedies(apps.values())).await?;
    let wanted = Wanted {
        apps: scope.whole_apps(app),
        ..Wanted::default()
    };
    Ok(match api.recheck.names(wanted).await {
        Ok(names) => (remedies.with_quarantine(&names), Some(names.len())),
        Err(_) => (remedies, None),
    })
}
