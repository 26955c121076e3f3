//! Routes of counts and of gaps.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Asked, Shared, UNREAD,
    filters::{ACCOUNT, APP, CLIENT, KIND, LIMIT, SOURCE, accounts, names, since, until},
    operation::{Answer, Operation},
};
use crate::{
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        problem::Problem,
    },
    meta::event::{Kind, Source},
    query::{Count, Digits, Dimension, GapCause, GapFilter, GapRow, StatsFilter},
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
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Lag of the counts.
#[derive(Serialize, JsonSchema)]
struct LagReport {
    positions: i64,
    seconds: f64,
    /// Everything committed before this time is counted.
    done_at: Timestamp,
}

/// Answer with gaps.
#[derive(Serialize, JsonSchema)]
struct GapList {
    gaps: Vec<GapRow>,
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
    let lag = stats.lag.map(|lag| LagReport {
        positions: lag.positions,
        seconds: lag.time.as_secs_f64(),
        done_at: lag.done_at,
    });
    let end = stats.lag.map_or(0, |lag| lag.position + lag.positions);
    let answer = StatsReport {
        counts: stats.counts.rows,
        combinations: stats.counts.combinations,
        events: stats.counts.events,
        repeats: stats.counts.repeats,
        lag,
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
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
    let gaps = api.read(session.gaps(&filter, limit)).await?;
    Ok(answer::json(StatusCode::OK, &GapList { gaps }))
}
