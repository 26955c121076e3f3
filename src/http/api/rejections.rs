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
use uuid::Uuid;

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
        parameters::Parameters,
        problem::{self, Problem},
    },
    ingest::{
        Failure,
        rescue::{Error, Keys, Wanted},
    },
    query::{
        Digits, ExplainedRejection, RejectionFilter, RejectionTotal, RejectionWalk, Remedies,
        Scope, Session, Subject,
    },
};

pub(in crate::http) use crate::ingest::{
    StoredPart,
    rescue::{AppSurvey, Rescued},
};

const REJECTIONS: &[Parameter] = &[
    APP,
    since("Last request at this time or later."),
    until("Start of the hour before this time."),
    LARGE_LIMIT,
];

/// Choice of deliveries in quarantine.
pub(in crate::http) const RECHECK: &[Parameter] = &[
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
pub(in crate::http) struct RejectionList {
    pub(in crate::http) rejections: Vec<ExplainedRejection>,
    /// Totals by reason of all rejections that meet the filter.
    pub(in crate::http) totals: Vec<RejectionTotal>,
    /// Number of deliveries of the app in quarantine; null if it cannot be read.
    pub(in crate::http) quarantined: Option<usize>,
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

/// List of rejections in the form that its parameters ask for.
pub(in crate::http) enum Listed {
    Page(RejectionList),
    Export(Response),
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(match listed(&api, &scope, &asked).await? {
        Listed::Page(page) => answer::json(StatusCode::OK, &page),
        Listed::Export(export) => export,
    })
}

/// Reads the list of rejections that a request asks for.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
) -> Result<Listed, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("rejections", parameters, &["limit"])?;
    let filter = RejectionFilter {
        app: parameters.text("app")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit")?;
    let mut session = api.session(scope).await?;
    let app = (scope, filter.app.clone());
    let (remedies, quarantined) = remedies(api, &mut session, app).await?;
    if let Some(export) = export {
        let walk = RejectionWalk::new(filter, remedies, Clock::system().now());
        let what = (export, Subject::None);
        let export = api.export(session, (scope, asked), what, walk).await?;
        return Ok(Listed::Export(export));
    }
    let end = api.read(session.end_of_log()).await?;
    let rows = api.read(session.rejections(&filter, limit)).await?;
    let totals = api.read(session.rejection_totals(&filter)).await?;
    let rows = rows.into_iter().map(|row| remedies.explain(row)).collect();
    Ok(Listed::Page(RejectionList {
        rejections: rows,
        totals,
        quarantined,
        as_of_position: end.to_string(),
    }))
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
    if parameters.flag("yes")? == Some(true) {
        let apps = stored(&api, &scope, parameters).await?;
        return Ok(answer::json(StatusCode::OK, &Stored { apps }));
    }
    let apps = counted(&api, &scope, parameters).await?;
    Ok(answer::json(StatusCode::OK, &Counted { apps }))
}

/// Counts the deliveries in quarantine that pass, for an operator.
async fn counted(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<Vec<AppSurvey>, Problem> {
    let keys = Keys::Configured(api.apps.secrets());
    let counted = api.recheck.count(keys, wanted(scope, parameters)?).await;
    counted.map_err(|_| unreadable())
}

/// Counts the deliveries in quarantine that pass, for an operator; `None` while another recheck runs.
pub(in crate::http) async fn counted_unless_busy(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<Option<Vec<AppSurvey>>, Problem> {
    let keys = Keys::Configured(api.apps.secrets());
    let wanted = wanted(scope, parameters)?;
    let counted = api.recheck.count_unless_busy(keys, wanted).await;
    counted.map_err(|_| unreadable())
}

/// Counts the deliveries in quarantine that pass, for each look of an operator at a page; `None` if
/// they are too many for that.
pub(in crate::http) async fn counted_if_few(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<Option<Vec<AppSurvey>>, Problem> {
    let keys = Keys::Configured(api.apps.secrets());
    let counted = api
        .recheck
        .count_few(keys, wanted(scope, parameters)?)
        .await;
    counted.map_err(|_| unreadable())
}

/// Stores a part of the deliveries in quarantine that pass, for an operator: of those behind the
/// delivery `after`.
pub(in crate::http) async fn stored_part(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
    after: Option<Uuid>,
) -> Result<StoredPart, Problem> {
    let keys = Keys::Configured(api.apps.secrets());
    let wanted = wanted(scope, parameters)?;
    let stored = api.recheck.store_part(keys, wanted, after).await;
    stored.map_err(|error| refused(api, &error))
}

/// Stores the deliveries in quarantine that pass, for an operator.
async fn stored(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<Vec<Rescued>, Problem> {
    let keys = Keys::Configured(api.apps.secrets());
    let stored = api.recheck.store(keys, wanted(scope, parameters)?).await;
    stored.map_err(|error| refused(api, &error))
}

/// Chosen deliveries of the caller's apps in quarantine.
fn wanted(scope: &Scope, parameters: &Parameters) -> Result<Wanted, Problem> {
    Ok(Wanted {
        apps: scope.whole_apps(parameters.text("app")?),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    })
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
