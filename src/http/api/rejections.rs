//! Routes of rejections, and of the deliveries among them that are in quarantine.

use axum::{
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, Asked, LISTED, Shared,
    export::{EXPORT, Export},
    filters::{APP, LARGE_LIMIT, since, until},
    operation::{Answer, Caller, Operation},
};
use crate::{
    clock::Clock,
    config::Role,
    http::{
        access::{Operator, Viewer},
        answer,
        parameter::{Form, Parameter},
        problem::{self, Problem},
    },
    ingest::{
        Failure,
        rescue::{AppSurvey, Error, Keys, Rescued, Wanted},
    },
    query::{
        Digits, ExplainedRejection, RejectionFilter, RejectionTotal, RejectionWalk, Remedies,
        Scope, Session, Subject,
    },
};

const REJECTIONS: &[Parameter] = &[
    APP,
    since("Last request at this time or later."),
    until("Start of the hour before this time."),
    LARGE_LIMIT,
];

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

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/rejections",
        handler: || get(list),
        about: "Counts of requests that were not stored, with cause and remedy.",
        parameters: &[REJECTIONS, EXPORT],
        example: "/v1/rejections?since=today",
        answers: &[Answer::json::<RejectionList>(
            "The newest counts, oldest first.",
        )],
        problems: LISTED,
        ..Operation::GET
    },
    Operation {
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
    },
];

/// Answer with rejections.
#[derive(Serialize, JsonSchema)]
struct RejectionList {
    rejections: Vec<ExplainedRejection>,
    /// Totals by reason of all rejections that meet the filter.
    totals: Vec<RejectionTotal>,
    /// Number of deliveries of the app in quarantine; null if it cannot be read.
    quarantined: Option<usize>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

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

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("rejections", parameters, &["limit"])?;
    let filter = RejectionFilter {
        app: parameters.text("app")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit")?;
    let mut session = api.session(&scope).await?;
    let app = (&scope, filter.app.clone());
    let (remedies, quarantined) = remedies(&api, &mut session, app).await?;
    if let Some(export) = export {
        let walk = RejectionWalk::new(filter, remedies, Clock::system().now());
        let what = (export, Subject::None);
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let end = api.read(session.end_of_log()).await?;
    let rows = api.read(session.rejections(&filter, limit)).await?;
    let totals = api.read(session.rejection_totals(&filter)).await?;
    let rows = rows.into_iter().map(|row| remedies.explain(row)).collect();
    let answer = RejectionList {
        rejections: rows,
        totals,
        quarantined,
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
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
