//! Routes of counts and of gaps.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Api, Asked, Shared, UNREAD,
    filters::{ACCOUNT, APP, CLIENT, KIND, LIMIT, SOURCE, accounts, names, since, until},
    operation::{Answer, Operation},
    shown::LagReport,
};
use crate::{
    config::App,
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        problem::Problem,
    },
    meta::event::{Kind, Source},
    query::{
        Count, Digits, Dimension, FollowerLag, GapCause, GapFilter, GapRow, MOST_GAPS,
        RejectionFilter, RejectionTotal, Scope, SecretUse, Session, StatsFilter,
    },
};

const STATS: &[Parameter] = &[
    Parameter::of(
        "by",
        "Dimensions.",
        Form::SomeOf(|| names(Dimension::ALL, Dimension::as_str)),
    ),
    KIND,
    APP,
    ACCOUNT,
    CLIENT,
    SOURCE,
    since("Hours that end after this time."),
    until("Hours that begin before this time."),
];

const GAPS: &[Parameter] = &[
    APP,
    Parameter::of(
        "cause",
        "Causes.",
        Form::SomeOf(|| names(GapCause::ALL, GapCause::as_str)),
    ),
    since("Open at this time or later."),
    until("Opened before this time."),
    LIMIT,
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/stats",
        handler: || get(stats),
        about: "Counts of events and repeats by hour.",
        parameters: &[STATS],
        example: "/v1/stats?by=day,kind&since=today",
        answers: &[Answer::json::<StatsReport>("The counts.")],
        problems: UNREAD,
        ..Operation::GET
    },
    Operation {
        path: "/v1/gaps",
        handler: || get(gaps),
        about: "Times in which deliveries were missed or late.",
        parameters: &[GAPS],
        example: "/v1/gaps?since=today",
        answers: &[Answer::json::<GapList>("The newest gaps, oldest first.")],
        problems: UNREAD,
        ..Operation::GET
    },
];

/// Answer with counts.
#[derive(Serialize, JsonSchema)]
struct StatsReport {
    counts: Vec<Count>,
    /// Number of all combinations; `counts` has at most 10,000.
    combinations: i64,
    events: i64,
    repeats: i64,
    /// Null if nothing was ever counted.
    lag: Option<LagReport>,
    #[serde(flatten)]
    operation: OperationReport,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Operation of the server, as far as the token may see it: of the app and the time of the filter.
#[derive(Serialize, JsonSchema)]
struct OperationReport {
    /// Last use of each secret of the apps, by name.
    secrets: Vec<SecretUse>,
    /// Requests that were not stored, by reason.
    rejections: Vec<RejectionTotal>,
    /// Times in which deliveries were missed or late.
    gaps: Vec<GapRow>,
    /// Null for a token restricted to apps or clients.
    followers: Option<Vec<FollowerLag>>,
    /// Null for a token restricted to apps or clients.
    spool: Option<SpoolSummary>,
}

/// Deliveries in the spool.
#[derive(Serialize, JsonSchema)]
struct SpoolSummary {
    on: bool,
    records: u64,
    bytes: u64,
    oldest_received_at: Option<Timestamp>,
    oldest_age_seconds: Option<f64>,
}

/// Answer with gaps.
#[derive(Serialize, JsonSchema)]
struct GapList {
    gaps: Vec<GapRow>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

async fn stats(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let by = parameters.several("by", Dimension::ALL, Dimension::as_str)?;
    let mut filter = StatsFilter {
        kinds: parameters.several("kind", Kind::ALL, Kind::as_str)?,
        app: parameters.text("app")?,
        account_ids: Vec::new(),
        client: parameters.text("client")?,
        sources: parameters.several("source", Source::ALL, Source::as_str)?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, parameters).await?;
    let stats = api.read(session.stats(&filter, &by)).await?;
    let end = stats.lag.map_or(0, |lag| lag.position + lag.positions);
    let answer = StatsReport {
        counts: stats.counts.rows,
        combinations: stats.counts.combinations,
        events: stats.counts.events,
        repeats: stats.counts.repeats,
        lag: stats.lag.map(LagReport::from),
        operation: operation(&api, &mut session, &filter).await?,
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn operation(
    api: &Api,
    session: &mut Session,
    filter: &StatsFilter,
) -> Result<OperationReport, Problem> {
    let (app, since, until) = (&filter.app, filter.since, filter.until);
    let rejections = RejectionFilter {
        app: app.clone(),
        since,
        until,
    };
    let gaps = GapFilter {
        app: app.clone(),
        since,
        until,
        ..GapFilter::default()
    };
    let apps = api.apps.configured_apps();
    let is_asked = |it: &&App| app.as_ref().is_none_or(|app| app == it.name.as_str());
    let secrets = session.secret_uses(apps.values().filter(is_asked));
    Ok(OperationReport {
        secrets: api.read(secrets).await?,
        rejections: api.read(session.rejection_totals(&rejections)).await?,
        gaps: api.read(session.gaps(&gaps, MOST_GAPS)).await?,
        followers: api.read(session.followers()).await?,
        spool: spool(api, session.scope()),
    })
}

/// State of the spool. It holds deliveries of all apps and clients: a restricted token gets none.
fn spool(api: &Api, scope: &Scope) -> Option<SpoolSummary> {
    let report = (!scope.is_restricted()).then(|| api.spool.report())?;
    Some(SpoolSummary {
        on: report.on,
        records: report.records,
        bytes: report.bytes,
        oldest_received_at: report.oldest_received_at,
        oldest_age_seconds: report.oldest_age_seconds,
    })
}

async fn gaps(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let filter = GapFilter {
        app: parameters.text("app")?,
        causes: parameters.several("cause", GapCause::ALL, GapCause::as_str)?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit")?;
    let mut session = api.session(&scope).await?;
    let end = api.read(session.end_of_log()).await?;
    let gaps = api.read(session.gaps(&filter, limit)).await?;
    let answer = GapList {
        gaps,
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}
