//! Routes of deliveries and rejections.

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::{
    Api, Asked, Shared,
    export::{EXPORT, Export},
    shown,
};
use crate::{
    clock::Clock,
    http::{
        access::{Operator, Viewer},
        answer,
        parameters::Parameter,
        problem::{self, Problem},
    },
    meta::event::{Problem as EventProblem, Source},
    query::{
        Content, DeliveryFilter, DeliveryWalk, Page, RejectionFilter, RejectionWalk, Scope, Subject,
    },
};

const LIST: &str = "/v1/deliveries";

const DELIVERIES: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("problem", "Problem of the delivery."),
    Parameter::list("source", "Source of the delivery."),
    Parameter::one("since", "Received at this time or later."),
    Parameter::one("until", "Received before this time."),
    Parameter::one(
        "after",
        "Deliveries behind this id, oldest first. If unset: the newest.",
    ),
    Parameter::one(
        "limit",
        "Maximum number of deliveries, from 1 to 1000. If unset: 100.",
    ),
];

const REJECTIONS: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("since", "Last request at this time or later."),
    Parameter::one("until", "Start of the hour before this time."),
    Parameter::one(
        "limit",
        "Maximum number of rows, from 1 to 1000. If unset: 100.",
    ),
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(LIST, get(list))
        .route("/v1/deliveries/{id}", get(show))
        .route("/v1/deliveries/{id}/body", get(body))
        .route("/v1/deliveries/{id}/signature", get(signature))
        .route("/v1/rejections", get(rejections))
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[DELIVERIES, EXPORT])?;
    let export = Export::of("deliveries", &parameters, &["limit"])?;
    let page = Page {
        filter: DeliveryFilter {
            app: parameters.text("app")?,
            problem: parameters.one_of("problem", EventProblem::ALL, EventProblem::as_str)?,
            sources: parameters.several("source", Source::ALL, Source::as_str)?,
            since: parameters.moment("since")?,
            until: parameters.moment("until")?,
        },
        after: parameters.parse("after", "the id of a delivery", |text| text.parse().ok())?,
        limit: parameters.number("limit", 1..=1000)?.unwrap_or(100),
    };
    let mut session = api.session(&scope).await?;
    if let Some(export) = export {
        let walk = DeliveryWalk::begin(&mut session, page.filter, page.after);
        let (walk, what) = (api.read(walk).await?, (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let end = api.read(session.end_of_log()).await?;
    let deliveries = api.read(session.deliveries(&page)).await?;
    let last = deliveries.last().map(|delivery| delivery.id).or(page.after);
    let next = last.map(|id| shown::url(LIST, &parameters, &[("after", id.to_string())]));
    let answer = json!({
        "deliveries": deliveries,
        "next": next,
        "as_of_position": shown::position(end),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let id = parsed(&id)?;
    let mut session = api.session(&scope).await?;
    let detail = api.read(session.delivery_detail(id)).await?;
    let detail = detail.ok_or_else(Problem::not_found)?;
    if scope.shows_content() {
        let subject = (Subject::Id(&id.to_string()), Some(detail.events.len()));
        api.record(&scope, &asked, "delivery", subject).await?;
    }
    Ok(answer::json(StatusCode::OK, &detail))
}

fn parsed(id: &str) -> Result<Uuid, Problem> {
    id.parse().map_err(|_| Problem::not_found())
}

/// Body of a delivery. A delivery may have items of several clients, so a restricted token gets
/// none.
async fn content(api: &Api, scope: &Scope, id: Uuid) -> Result<Bytes, Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    if !scope.shows_content() {
        let detail = "this needs a token with content = true";
        return Err(Problem::new(problem::FORBIDDEN, detail));
    }
    let mut session = api.session(scope).await?;
    let body = session.body(id).await;
    match body.map_err(|error| api.problem(&error))? {
        None => Err(Problem::not_found()),
        Some(Content::Erased) => Err(Problem::new(problem::GONE, "the body was erased")),
        Some(Content::Kept(bytes)) => Ok(bytes.into()),
    }
}

async fn body(
    State(api): Shared,
    Operator(scope): Operator,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let id = parsed(&id)?;
    let body = content(&api, &scope, id).await?;
    let (status, part, range) = part(&asked.headers, &body)?;
    let subject = Subject::Id(&id.to_string());
    api.record(&scope, &asked, "body", (subject, None)).await?;
    let mut response =
        (status, answer::typed("application/json"), Body::from(part)).into_response();
    let head = response.headers_mut();
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    head.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let name = format!("attachment; filename=\"{id}.json\"");
    head.extend(name.parse().map(|name| (header::CONTENT_DISPOSITION, name)));
    head.extend(range.map(|range| (header::CONTENT_RANGE, range)));
    Ok(response)
}

/// The requested part of a body. Without a single range of bytes, all of it.
fn part(
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(StatusCode, Bytes, Option<HeaderValue>), Problem> {
    let whole = (StatusCode::OK, body.clone(), None);
    let range = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    let Some((first, last)) = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'))
    else {
        return Ok(whole);
    };
    let length = body.len();
    let (start, end) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(start), Ok(last)) if start <= last => (start, last.saturating_add(1).min(length)),
        (Ok(start), Err(_)) if last.is_empty() => (start, length),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => {
            (length.saturating_sub(count), length)
        }
        _ => return Ok(whole),
    };
    if start >= length {
        let problem = Problem::new(problem::RANGE, "the range lies outside of the body");
        let total = HeaderValue::from_str(&format!("bytes */{length}"));
        return Err(match total {
            Ok(total) => problem.header(header::CONTENT_RANGE, total),
            Err(_) => problem,
        });
    }
    let range = HeaderValue::from_str(&format!("bytes {start}-{}/{length}", end - 1)).ok();
    Ok((StatusCode::PARTIAL_CONTENT, body.slice(start..end), range))
}

/// Verification of the stored signature with the current secrets. Never shows the signature that a
/// secret would make.
async fn signature(
    State(api): Shared,
    Operator(scope): Operator,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let id = parsed(&id)?;
    let body = content(&api, &scope, id).await?;
    let mut session = api.session(&scope).await?;
    let delivery = api.read(session.delivery(id)).await?;
    let delivery = delivery.ok_or_else(Problem::not_found)?;
    let subject = Subject::Id(&id.to_string());
    api.record(&scope, &asked, "signature", (subject, None))
        .await?;
    let headers = delivery.headers.as_ref().map(|it| it.get());
    let headers: Option<serde_json::Value> = headers.and_then(|it| serde_json::from_str(it).ok());
    let stored = headers
        .as_ref()
        .and_then(|it| it.get("x-hub-signature-256")?.as_str())
        .map(str::to_owned);
    let secrets = api.apps.app(&delivery.app).map(|app| app.secrets.clone());
    let matches = |body: Bytes| {
        let verified = secrets
            .as_ref()?
            .verify(Some(stored.as_deref()?.as_bytes()), body);
        Some(verified.ok()?.secret().to_string())
    };
    let again = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let again = again.and_then(|value| serde_json::to_vec(&value).ok());
    let answer = json!({
        "signed_bytes": body.len(),
        "secret_then": delivery.secret,
        "secret_now": matches(body.clone()),
        "reserialized_matches": again.map(|again| matches(again.into()).is_some()),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn rejections(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[REJECTIONS, EXPORT])?;
    let export = Export::of("rejections", &parameters, &["limit"])?;
    let filter = RejectionFilter {
        app: parameters.text("app")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
    };
    let limit = parameters.number("limit", 1..=1000)?.unwrap_or(100);
    let mut session = api.session(&scope).await?;
    let apps = api.apps.configured_apps();
    let remedies = api.read(session.remedies(apps.values())).await?;
    if let Some(export) = export {
        let walk = RejectionWalk::new(filter, remedies, Clock::system().now());
        let what = (export, Subject::None);
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let end = api.read(session.end_of_log()).await?;
    let rows = api.read(session.rejections(&filter, limit)).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| remedies.explain(row)).collect();
    let answer = json!({"rejections": rows, "as_of_position": shown::position(end)});
    Ok(answer::json(StatusCode::OK, &answer))
}
