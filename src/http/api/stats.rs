//! Routes of counts and of gaps.

use axum::{Router, extract::State, http::StatusCode, response::Response, routing::get};
use serde_json::json;

use super::{Api, Asked, Shared, filters::accounts, shown};
use crate::{
    http::{access::Viewer, answer, parameters::Parameter, problem::Problem},
    meta::event::{Kind, Source},
    query::{Dimension, GapCause, GapFilter, StatsFilter},
};

const STATS: &[Parameter] = &[
    Parameter::list(
        "by",
        "Dimensions: day, hour, kind, app, account, client, source.",
    ),
    Parameter::list("kind", "Kind of event; several kinds with commas."),
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("account", "Professional account: id, label or user name."),
    Parameter::one("client", "Client of the account."),
    Parameter::list("source", "Source of the delivery."),
    Parameter::one("since", "Hours that end after this time."),
    Parameter::one("until", "Hours that begin before this time."),
];

const GAPS: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::list("cause", "Cause: down, refusing, unable, spooling."),
    Parameter::one("since", "Open at this time or later."),
    Parameter::one("until", "Opened before this time."),
    Parameter::one(
        "limit",
        "Maximum number of gaps, from 1 to 1000. If unset: 100.",
    ),
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/stats", get(stats))
        .route("/v1/gaps", get(gaps))
}

async fn stats(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[STATS])?;
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
    filter.account_ids = accounts(&api, &mut session, &parameters).await?;
    let stats = api.read(session.stats(&filter, &by)).await?;
    let lag = stats.lag.map(|lag| {
        json!({"positions": lag.positions, "seconds": lag.time.as_secs_f64(), "done_at": lag.done_at})
    });
    let end = stats.lag.map_or(0, |lag| lag.position + lag.positions);
    let answer = json!({
        "counts": stats.counts.rows,
        "combinations": stats.counts.combinations,
        "events": stats.counts.events,
        "repeats": stats.counts.repeats,
        "lag": lag,
        "as_of_position": shown::position(end),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn gaps(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[GAPS])?;
    let filter = GapFilter {
        app: parameters.text("app")?,
        causes: parameters.several("cause", GapCause::ALL, GapCause::as_str)?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit", 1..=1000)?.unwrap_or(100);
    let mut session = api.session(&scope).await?;
    let gaps = api.read(session.gaps(&filter, limit)).await?;
    Ok(answer::json(StatusCode::OK, &json!({"gaps": gaps})))
}
