//! Routes of deliveries.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Api, Asked, DATED, InPath, LISTED, Shared,
    dropped::missing,
    export::{EXPORT, Export},
    filters::{APP, LIMIT, PROBLEM_OR_ANY, SOURCE, problems, since, until},
    operation::{Answer, Caller, Operation},
    shown,
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        answer,
        parameter::{Form, Parameter},
        problem::{self, Problem},
    },
    meta::event::Source,
    query::{
        Content, DeliveryDetail, DeliveryFilter, DeliveryRow, DeliveryWalk, Digits, Page, Scope,
        Subject,
    },
};

const LIST: &str = "/v1/deliveries";

/// Filters and part of the list.
pub(in crate::http) const DELIVERIES: &[Parameter] = &[
    APP,
    PROBLEM_OR_ANY,
    SOURCE,
    since("Received at this time or later."),
    until("Received before this time."),
    Parameter::of(
        "after",
        "Deliveries behind this id, oldest first. If unset: the newest.",
        Form::Delivery,
    ),
    Parameter::of("before", "Deliveries before this id.", Form::Delivery),
    LIMIT,
];

const DELIVERY: &[Parameter] = &[Parameter::of("id", "Id of the delivery.", Form::Delivery)];

const RANGE: &[Parameter] = &[Parameter::of(
    "Range",
    "A range of bytes, such as bytes=0-99.",
    Form::Any,
)];

/// Media type of a body: it need not be JSON, and a range of it is none.
const BYTES: &str = "application/octet-stream";

/// Problems of a read of a body.
const KEPT: &[&problem::ProblemType] = &[
    problem::NOT_FOUND,
    problem::GONE,
    problem::DATABASE,
    problem::BUSY,
    problem::AUDIT,
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: LIST,
        handler: || get(list),
        about: "Deliveries: the newest, or those behind one, oldest first.",
        parameters: &[DELIVERIES, EXPORT],
        example: "/v1/deliveries?source=live&limit=2",
        answers: &[Answer::json::<DeliveryList>("A page of deliveries.")],
        problems: LISTED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/deliveries/{id}",
        handler: || get(show),
        about: "A delivery with its events and repeats.",
        parts: DELIVERY,
        example: "/v1/deliveries/0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
        answers: &[Answer::json::<DeliveryDetail>("The delivery.")],
        problems: DATED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/deliveries/{id}/body",
        handler: || get(body),
        caller: Caller::Token(Role::Operator),
        about: "The exact bytes of a delivery.",
        parts: DELIVERY,
        headers: RANGE,
        example: "/v1/deliveries/0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a/body",
        answers: &[
            Answer::other(BYTES, "The bytes, as an attachment."),
            Answer::other(BYTES, "The range of the bytes.").with(206),
        ],
        problems: &[
            problem::NOT_FOUND,
            problem::GONE,
            problem::RANGE,
            problem::DATABASE,
            problem::BUSY,
            problem::AUDIT,
        ],
        ..Operation::GET
    },
    Operation {
        path: "/v1/deliveries/{id}/signature",
        handler: || get(signature),
        caller: Caller::Token(Role::Operator),
        about: "Result of verifying the signature of a delivery again.",
        parts: DELIVERY,
        example: "/v1/deliveries/0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a/signature",
        answers: &[Answer::json::<SignatureReport>("The results.")],
        problems: KEPT,
        ..Operation::GET
    },
];

/// Answer with a page of deliveries.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct DeliveryList {
    /// The deliveries, oldest first.
    pub(in crate::http) deliveries: Vec<DeliveryRow>,
    /// URL of the next page.
    next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Answer about a signature.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct SignatureReport {
    /// Length of the body.
    pub(in crate::http) signed_bytes: usize,
    /// Name of the secret that matched at the receipt.
    pub(in crate::http) secret_then: String,
    /// Name of the configured secret that matches now.
    pub(in crate::http) secret_now: Option<String>,
    /// True if a re-serialised body would verify; null if the body is no JSON.
    pub(in crate::http) reserialized_matches: Option<bool>,
}

/// List of deliveries in the form that its parameters ask for.
pub(in crate::http) enum Listed {
    Page(DeliveryList),
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

/// Reads the list of deliveries that a request asks for.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
) -> Result<Listed, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("deliveries", parameters, &["limit"])?;
    let page = Page {
        filter: DeliveryFilter {
            app: parameters.text("app")?,
            problems: problems(parameters)?,
            sources: parameters.several("source", Source::ALL, Source::as_str)?,
            before: parameters.delivery("before")?,
            since: parameters.moment("since")?,
            until: parameters.moment("until")?,
        },
        after: parameters.delivery("after")?,
        limit: parameters.number("limit")?,
    };
    let mut session = api.session(scope).await?;
    if let Some(export) = export {
        let walk = DeliveryWalk::begin(&mut session, page.filter, page.after);
        let (walk, what) = (api.read(walk).await?, (export, Subject::None));
        let export = api.export(session, (scope, asked), what, walk).await?;
        return Ok(Listed::Export(export));
    }
    let end = api.read(session.end_of_log()).await?;
    let deliveries = api.read(session.deliveries(&page)).await?;
    let last = deliveries.last().map(|delivery| delivery.id).or(page.after);
    let changes = |id: Uuid| [("after", id.to_string()), ("before", String::new())];
    let next = last.map(|id| shown::url(LIST, parameters, &changes(id)));
    Ok(Listed::Page(DeliveryList {
        deliveries,
        next,
        as_of_position: end.to_string(),
    }))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let detail = at(&api, &scope, &asked, parsed(&id)?).await?;
    Ok(answer::json(StatusCode::OK, &detail))
}

/// Reads a delivery with its events and repeats.
pub(in crate::http) async fn at(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    id: Uuid,
) -> Result<DeliveryDetail, Problem> {
    let mut session = api.session(scope).await?;
    let Some(detail) = api.read(session.delivery_detail(id)).await? else {
        return Err(missing(api, &mut session, &id.to_string()).await);
    };
    if scope.shows_content() {
        let subject = (Subject::Id(&id.to_string()), Some(detail.events.len()));
        api.record(scope, asked, "delivery", subject).await?;
    }
    Ok(detail)
}

pub(in crate::http) fn parsed(id: &str) -> Result<Uuid, Problem> {
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
        Some(Content::Erased) => {
            let detail =
                format!("the body of delivery {id} was erased; its other columns are kept");
            Err(Problem::new(problem::GONE, detail))
        }
        Some(Content::Kept(bytes)) => Ok(bytes.into()),
    }
}

/// Reads the exact bytes of a delivery, for an operator.
pub(in crate::http) async fn shown_body(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    id: Uuid,
) -> Result<Bytes, Problem> {
    let body = content(api, scope, id).await?;
    record_body(api, scope, asked, id).await?;
    Ok(body)
}

async fn record_body(api: &Api, scope: &Scope, asked: &Asked, id: Uuid) -> Result<(), Problem> {
    let subject = Subject::Id(&id.to_string());
    api.record(scope, asked, "body", (subject, None)).await?;
    Ok(())
}

async fn body(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(id): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let id = parsed(&id)?;
    let body = content(&api, &scope, id).await?;
    let (status, part, range) = part(&asked.headers, &body)?;
    record_body(&api, &scope, &asked, id).await?;
    let mut response = (status, answer::typed(BYTES), Body::from(part)).into_response();
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

async fn signature(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(id): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let report = verified(&api, &scope, &asked, parsed(&id)?).await?;
    Ok(answer::json(StatusCode::OK, &report))
}

/// Verifies the stored signature with the current secrets, for an operator. Never shows the
/// signature that a secret would make.
pub(in crate::http) async fn verified(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    id: Uuid,
) -> Result<SignatureReport, Problem> {
    let body = content(api, scope, id).await?;
    let mut session = api.session(scope).await?;
    let delivery = api.read(session.delivery(id)).await?;
    let delivery = delivery.ok_or_else(Problem::not_found)?;
    let subject = Subject::Id(&id.to_string());
    api.record(scope, asked, "signature", (subject, None))
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
    Ok(SignatureReport {
        signed_bytes: body.len(),
        secret_now: matches(body.clone()),
        reserialized_matches: again.map(|again| matches(again.into()).is_some()),
        secret_then: delivery.secret,
    })
}
