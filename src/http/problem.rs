//! Problems: error answers of the admin listener (RFC 9457).

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{json_bytes, typed};
use crate::{causes, config::BasePath, store::Error};

/// Media type of a problem.
const MEDIA: &str = "application/problem+json";

/// A type of problem, with its page `/problems/{name}`.
#[derive(Debug)]
pub(super) struct ProblemType {
    name: &'static str,
    title: &'static str,
    status: StatusCode,
    /// Cause and remedy, for the page.
    about: &'static str,
}

/// Declares the types of problems.
macro_rules! problems {
    ($($constant:ident = $status:ident $name:literal $title:literal: $about:literal;)+) => {
        $(pub(super) const $constant: &ProblemType = &ProblemType {
            name: $name,
            title: $title,
            status: StatusCode::$status,
            about: $about,
        };)+

        /// All types of problems.
        pub(super) const ALL: &[&ProblemType] = &[$($constant,)+];
    };
}

problems! {
    PARAMETER = BAD_REQUEST "parameter" "A parameter is wrong":
        "`parameter` names it, `given` is its value and `allowed` says what the route takes. \
         An unknown parameter is refused, so that a misspelt filter does not select everything.";
    BODY = BAD_REQUEST "body" "The body of the request is wrong":
        "`detail` says what the route takes.";
    VALUE = UNPROCESSABLE_ENTITY "value" "A value of the body is not allowed":
        "`parameter` names the key, `given` is its value and `allowed` says what the route takes. \
         Nothing was done.";
    UNAUTHORIZED = UNAUTHORIZED "unauthorized" "A token is needed":
        "Send `Authorization: Bearer` with a token of `[[admin.tokens]]`. `hookshelf token new` \
         makes one. A browser signs in with the token at `/login`.";
    FORBIDDEN = FORBIDDEN "forbidden" "The token may not do this":
        "`detail` names the role that the route needs, the consumer that the token lacks, or the \
         user whom `[[admin.users]]` does not let in.";
    CROSS_SITE = FORBIDDEN "cross-site" "The request comes from a page of another site":
        "A browser sent the request for another site, or did not tell the site. Only pages of this \
         listener may change something.";
    NOT_FOUND = NOT_FOUND "not-found" "Nothing is here":
        "The path is unknown, the object is not stored, or the token does not show it.";
    METHOD = METHOD_NOT_ALLOWED "method" "The route does not take this method":
        "The header `Allow` lists the methods.";
    CONFLICT = CONFLICT "conflict" "The state of the server does not allow this":
        "`detail` says why.";
    PAUSED = CONFLICT "paused" "The consumer is paused":
        "`detail` has the reason. The consumer hands out nothing until \
         `hookshelf consumers resume NAME`; settle and release still work.";
    BEYOND = CONFLICT "beyond" "The start is beyond the end of the log":
        "`end` is the last position of the log. The database was replaced by an older one, as by a \
         restore: compare what you have with the events up to `end`, then continue from there.";
    GONE = GONE "gone" "The content was erased":
        "The delivery is stored without its body.";
    OLD = GONE "old" "It is older than the stored days":
        "`detail` names the oldest stored position, or the dropped day, and the time of the drop if a \
         server noted it. A backup may have it.";
    RANGE = RANGE_NOT_SATISFIABLE "range" "The range lies outside of the body":
        "The header `Content-Range` has the length of the body.";
    HOST = MISDIRECTED_REQUEST "host" "The header Host names another server":
        "Use localhost, the address of `admin.listen`, or add the name to `admin.names`.";
    FAILURES = TOO_MANY_REQUESTS "failures" "Too many wrong tokens came from this address":
        "Wait for the time in `Retry-After`, then use a correct token.";
    DATABASE = SERVICE_UNAVAILABLE "database" "Postgres is unavailable":
        "`since` is the start of the outage and `spooled` the number of deliveries in the spool. \
         Deliveries are still accepted if the spool is on. The route works again once Postgres does.";
    BUSY = SERVICE_UNAVAILABLE "busy" "The query took too long":
        "Narrow the query with since, until or another filter, or try again later.";
    STREAMS = SERVICE_UNAVAILABLE "streams" "Too many streams are open":
        "Close a stream, or raise `admin.max_streams`.";
    CONSUMER = SERVICE_UNAVAILABLE "consumer" "The consumer is not available now":
        "`detail` has the reason. Try again after the time in `Retry-After`. A settlement may be \
         done or not: settle the same leases again.";
    AUDIT = SERVICE_UNAVAILABLE "audit" "The audit cannot be written":
        "Content is shown only if the audit records it. The log of the server has the cause.";
    DEFECT = INTERNAL_SERVER_ERROR "defect" "The server has a defect":
        "The log of the server has a record of it.";
}

impl ProblemType {
    /// Names of all types.
    pub(super) fn names() -> Vec<&'static str> {
        ALL.iter().map(|kind| kind.name).collect()
    }

    /// Path of the page, which is the `type` of a problem.
    pub(super) fn path(&self) -> String {
        format!("/problems/{}", self.name)
    }

    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Finds a type by its name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|kind| kind.name == name)
    }

    /// Text of the page.
    pub(super) fn page(&self) -> String {
        let (title, status) = (self.title, self.status.as_u16());
        format!("# {title}\n\nStatus {status}. {}\n", self.about)
    }
}

/// Cause of a failed query: an extension of the answer, which a listener does not send.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem(Box<Members>);

/// An error answer (RFC 9457).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProblemDetails")]
pub(super) struct Members {
    /// Page about the problem.
    #[serde(rename = "type")]
    page: String,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    /// The parameter or key at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<String>,
    /// Allowed values.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<String>,
    /// Last position of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    /// Start of the outage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Timestamp>")]
    since: Option<String>,
    /// Number of deliveries in the spool.
    #[serde(skip_serializing_if = "Option::is_none")]
    spooled: Option<u64>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Cause of a failed query, for local commands only.
    #[serde(skip)]
    cause: Option<Cause>,
}

impl Problem {
    pub(super) fn new(kind: &'static ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Members {
            page: kind.path(),
            title: kind.title,
            status: kind.status.as_u16(),
            detail: detail.into(),
            parameter: None,
            given: None,
            allowed: None,
            end: None,
            since: None,
            spooled: None,
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A wrong parameter.
    pub(super) fn parameter(
        name: &str,
        given: &str,
        allowed: impl Into<String>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut problem = Self::new(PARAMETER, detail);
        problem.0.parameter = Some(shortened(name));
        problem.0.given = Some(shortened(given));
        problem.0.allowed = Some(allowed.into());
        problem
    }

    /// A value in a body that is not allowed.
    pub(super) fn value(key: &str, given: &str, allowed: impl Into<String>) -> Self {
        let allowed = allowed.into();
        let mut problem = Self::new(VALUE, format!("{key} takes {allowed}"));
        problem.0.parameter = Some(key.to_owned());
        problem.0.given = Some(shortened(given));
        problem.0.allowed = Some(allowed);
        problem
    }

    /// The problem of a parameter as the problem of a value in a body.
    pub(super) fn in_body(mut self) -> Self {
        if self.0.page != PARAMETER.path() {
            return self;
        }
        self.0.page = VALUE.path();
        (self.0.title, self.0.status) = (VALUE.title, VALUE.status.as_u16());
        self
    }

    /// A start beyond the last position of the log.
    pub(super) fn beyond(end: i64) -> Self {
        let mut problem = Self::new(BEYOND, format!("the log ends at position {end}"));
        problem.0.end = Some(end.to_string());
        problem
    }

    /// Postgres is unavailable since a time, and so many deliveries wait in the spool.
    pub(super) fn unavailable(since: Timestamp, spooled: u64) -> Self {
        let detail = format!(
            "Postgres is unavailable since {since:.0}; {spooled} deliveries wait in the spool"
        );
        let mut problem = Self::new(DATABASE, detail);
        problem.0.since = Some(format!("{since:.3}"));
        problem.0.spooled = Some(spooled);
        problem.header(header::RETRY_AFTER, 5)
    }

    /// The object does not exist, or lies outside of the scope.
    pub(super) fn not_found() -> Self {
        Self::new(NOT_FOUND, "no such path or object")
    }

    /// True for a problem of this type.
    pub(super) fn is_of(&self, kind: &ProblemType) -> bool {
        self.0.page == kind.path()
    }

    /// Adds the cause of a failed query, which only local commands see.
    pub(super) fn caused_by(mut self, error: &Error) -> Self {
        self.0.cause = Some(Cause(causes::line(error)));
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }
}

/// Members of a problem: an extension of its answer.
#[derive(Clone)]
struct Sent(Box<Members>);

/// True if an answer is a problem.
pub(super) fn is_sent(response: &Response) -> bool {
    response.extensions().get::<Sent>().is_some()
}

/// Title and detail of an answer that is a problem.
pub(super) fn told(response: &Response) -> Option<(&'static str, String)> {
    let Sent(members) = response.extensions().get()?;
    Some((members.title, members.detail.to_string()))
}

/// Puts the page that an answer names below `base`, if the answer is a problem.
pub(super) fn below(base: &BasePath, response: Response) -> Response {
    changed(response, |members| members.page = base.join(&members.page))
}

/// The answer without the number of deliveries in the spool, if it is a problem: it is about
/// deliveries of every app and client.
pub(super) fn without_spool(response: Response) -> Response {
    changed(response, |members| {
        if members.spooled.take().is_some()
            && let Some((outage, _)) = members.detail.split_once(';')
        {
            members.detail = outage.to_owned().into();
        }
    })
}

/// The answer with changed members, if it is a problem.
fn changed(mut response: Response, change: impl FnOnce(&mut Members)) -> Response {
    let Some(Sent(mut members)) = response.extensions_mut().remove() else {
        return response;
    };
    change(&mut members);
    let media = response.headers().get(header::CONTENT_TYPE);
    if media.is_some_and(|it| it.as_bytes() == MEDIA.as_bytes()) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(json_bytes(&members).unwrap_or_default());
    }
    response.extensions_mut().insert(Sent(members));
    response
}

/// Beginning of a client's text, so that an answer stays short.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    text.chars().take(LONGEST).collect()
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = StatusCode::from_u16(self.0.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (
            status,
            typed(MEDIA),
            json_bytes(&self.0).unwrap_or_default(),
        )
            .into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in std::mem::take(&mut self.0.headers) {
            response.headers_mut().insert(name, value);
        }
        if let Some(cause) = self.0.cause.take() {
            response.extensions_mut().insert(cause);
        }
        response.extensions_mut().insert(Sent(self.0));
        response
    }
}
