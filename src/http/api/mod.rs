//! Routes of the admin listener: what arrived, as JSON, and the state of the server.
//!
//! Each route takes a caller with the role it needs, checks its parameters, reads in a session of
//! the caller's scope, records shown content in the audit, and answers. Tables of [`Operation`]s
//! declare the routes; [`OPERATIONS`] lists the tables.

pub(super) mod accounts;
pub(super) mod audit;
mod consumers;
pub(super) mod conversations;
pub(super) mod deliveries;
mod documents;
pub(super) mod dropped;
pub(super) mod events;
pub(super) mod export;
pub(super) mod filters;
mod health;
mod json_body;
pub(super) mod media;
mod openapi;
mod operation;
pub(super) mod rejections;
mod replays;
pub(super) mod shown;
pub(super) mod spool;
mod stats;
mod stream;
pub(super) mod threads;

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    extract::{FromRequestParts, State},
    http::{HeaderMap, header, request::Parts},
};

use serde::de::DeserializeOwned;

pub use consumers::ConsumerApi;
pub use documents::openapi_document;
pub use spool::SpoolApi;
pub use stream::Streams;

use self::operation::Operation;
use super::{
    access::{Admission, Client},
    connection::Connection,
    parameters::{Known, Parameters},
    problem::{self, Problem, ProblemType},
    state::AppState,
};
use crate::{
    config::BasePath,
    forward::consumer::Targets,
    ingest::{Readiness, Recheck},
    query::{Audit, AuditEntry, AuditError, Scope, Session, Sessions, Subject},
    store::{Error, Writes},
    telemetry::{AuditKeyFailed, LogEvent, QueryFailed, metrics::Exposition},
};

/// Tables of all operations, in the order of the document.
const OPERATIONS: &[&[Operation]] = &[
    events::OPERATIONS,
    stream::OPERATIONS,
    consumers::OPERATIONS,
    replays::OPERATIONS,
    conversations::OPERATIONS,
    media::OPERATIONS,
    deliveries::OPERATIONS,
    rejections::OPERATIONS,
    accounts::OPERATIONS,
    stats::OPERATIONS,
    spool::OPERATIONS,
    audit::OPERATIONS,
    health::OPERATIONS,
    documents::OPERATIONS,
];

/// Problems of a read from the database.
const UNREAD: &[&ProblemType] = &[problem::DATABASE, problem::BUSY];

/// Problems of a list with an export.
const LISTED: &[&ProblemType] = &[problem::DATABASE, problem::BUSY, problem::AUDIT];

/// Problems of a read of one object, whose content is audited.
const SHOWN: &[&ProblemType] = &[
    problem::NOT_FOUND,
    problem::DATABASE,
    problem::BUSY,
    problem::AUDIT,
];

/// Problems of a read of one item, whose day may have been dropped.
const DATED: &[&ProblemType] = &[
    problem::NOT_FOUND,
    problem::OLD,
    problem::DATABASE,
    problem::BUSY,
    problem::AUDIT,
];

/// Shared state of the API.
#[derive(Clone, Debug)]
pub struct Api {
    /// Sessions for queries.
    pub sessions: Sessions,
    /// Audit of shown content.
    pub audit: Audit,
    /// Sessions for changes.
    pub writes: Writes,
    /// Live streams.
    pub streams: Streams,
    /// Consumers of this process.
    pub consumers: ConsumerApi,
    /// Targets of replays.
    pub targets: Targets,
    /// Apps with their secrets.
    pub apps: AppState,
    /// The spool, named if Postgres is unavailable.
    pub spool: SpoolApi,
    /// Recheck of rejected deliveries.
    pub recheck: Recheck,
    /// Readiness of the server.
    pub readiness: Readiness,
    /// Metrics of the server.
    pub metrics: Exposition,
    /// Base of the callback URLs.
    pub public_url: Option<String>,
}

/// Routes of all operations.
pub(super) fn routes(api: Arc<Api>) -> Router {
    let all = OPERATIONS.iter().copied().flatten();
    let router = all.fold(Router::new(), |router, operation| {
        let handler = (operation.handler)().route_layer(Extension(operation.parameters));
        router.route(operation.path, handler)
    });
    router.with_state(api)
}

/// Parts of a request beside its path. A wrong parameter refuses the request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) parameters: Parameters,
    query: Option<String>,
    headers: HeaderMap,
    /// Address of the client.
    from: Option<IpAddr>,
    connection: Option<Arc<Connection>>,
    admission: Option<Admission>,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Known>().copied().unwrap_or_default();
        let client = parts.extensions.get::<Client>();
        let base = parts.extensions.get::<BasePath>().cloned();
        let parameters = Parameters::of(parts.uri.query(), known)?;
        Ok(Self {
            parameters: parameters.below(base.unwrap_or_default()),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.clone(),
            from: client.map(|client| client.0),
            connection: parts.extensions.get().cloned(),
            admission: parts.extensions.get().cloned(),
        })
    }
}

/// Parts of the path. If a part is no text, nothing is there.
#[derive(Debug)]
pub(super) struct InPath<T>(pub(super) T);

#[expect(
    clippy::disallowed_types,
    reason = "the refusals of Path become a problem here"
)]
impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let found = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(found) = found.map_err(|_| Problem::not_found())?;
        Ok(Self(found))
    }
}

/// A part of the path that may be an id in the database.
fn in_path(id: String) -> Result<String, Problem> {
    let may_be = (1..=512).contains(&id.len()) && !id.contains('\0');
    may_be.then_some(id).ok_or_else(Problem::not_found)
}

impl Api {
    /// Takes a session of the caller's scope.
    pub(super) async fn session(&self, scope: &Scope) -> Result<Session, Problem> {
        self.read(self.sessions.session(scope)).await
    }

    /// Result of a query, or the problem of its failure.
    pub(super) async fn read<T>(
        &self,
        query: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Problem> {
        query.await.map_err(|error| self.problem(&error))
    }

    /// Records content in the audit before it is shown. Returns the entry.
    pub(super) async fn record(
        &self,
        scope: &Scope,
        asked: &Asked,
        verb: &'static str,
        what: (Subject<'_>, Option<usize>),
    ) -> Result<AuditEntry, Problem> {
        let recorded = self.audit.record(scope, asked.from, verb, what).await;
        recorded.map_err(|error| match &error {
            AuditError::Store(error) if self.is_away(error) => self.problem(error),
            _ => unrecorded(&error),
        })
    }

    /// True if a query failed because Postgres is unavailable. A pool may only tell that no session
    /// was free in time.
    fn is_away(&self, error: &Error) -> bool {
        let is_slow = matches!(error, Error::TimedOut);
        matches!(error, Error::Unavailable(_)) || is_slow && self.readiness.is_away()
    }

    /// Problem for a failed query.
    fn problem(&self, error: &Error) -> Problem {
        QueryFailed {
            cause: error.cause(),
        }
        .emit();
        if matches!(error, Error::TimedOut) && !self.is_away(error) {
            let detail = "the query took too long; narrow it, or try again later";
            let problem = Problem::new(problem::BUSY, detail).caused_by(error);
            return problem.header(header::RETRY_AFTER, 5);
        }
        self.unavailable().caused_by(error)
    }

    /// Problem of an outage of Postgres.
    fn unavailable(&self) -> Problem {
        let now = Instant::now();
        let away = now.duration_since(self.readiness.away_since(now));
        let now = self.apps.clock().now();
        let since = now.checked_sub(away).unwrap_or(now);
        Problem::unavailable(since, self.spool.report().records)
    }
}

/// Problem for content that cannot be recorded.
fn unrecorded(error: &AuditError) -> Problem {
    match error {
        AuditError::Key(error) => {
            let cause = error.to_string();
            AuditKeyFailed { cause }.emit();
            let detail = "the server can neither read nor create audit.key in its data directory, \
                          so it shows no content; free disk space, or correct the rights of the file";
            Problem::new(problem::AUDIT, detail)
        }
        AuditError::Store(error) => {
            let cause = error.cause();
            QueryFailed { cause }.emit();
            Problem::new(problem::AUDIT, "the audit entry could not be written")
        }
    }
}

/// State of the API in a handler.
pub(super) type Shared = State<Arc<Api>>;
