//! API of the admin listener: what arrived, as JSON.
//!
//! Each route takes a caller with the role it needs, checks its parameters, reads in a session of
//! the caller's scope, records shown content in the audit, and answers.

mod accounts;
mod audit;
mod conversations;
mod deliveries;
mod events;
mod export;
mod filters;
mod shown;
mod stats;
mod stream;

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};

pub use stream::Streams;

use super::{
    SpoolApi,
    access::{Admission, Client},
    answer::typed,
    connection::Connection,
    parameters::{Parameter, Parameters},
    problem::{self, Problem, ProblemType},
    state::AppState,
};
use crate::{
    query::{Audit, AuditEntry, AuditError, Scope, Session, Sessions, Subject},
    store::{Error, Writes},
    telemetry::{AuditKeyFailed, LogEvent, QueryFailed},
};

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
    /// Apps with their secrets.
    pub apps: AppState,
    /// The spool, named if Postgres is unavailable.
    pub spool: SpoolApi,
}

/// Routes of the API.
pub(super) fn routes(api: Api) -> Router {
    Router::new()
        .merge(events::routes())
        .merge(stream::routes())
        .merge(deliveries::routes())
        .merge(accounts::routes())
        .merge(conversations::routes())
        .merge(stats::routes())
        .merge(audit::routes())
        .route("/problems/{name}", get(page))
        .with_state(api)
}

/// Page about a type of problem.
async fn page(Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = ProblemType::find(&name).ok_or_else(Problem::not_found)?;
    Ok((typed("text/markdown; charset=utf-8"), kind.page()).into_response())
}

/// Parts of a request beside its path.
#[derive(Debug)]
struct Asked {
    query: Option<String>,
    headers: HeaderMap,
    /// Address of the client.
    from: Option<IpAddr>,
    connection: Option<Arc<Connection>>,
    admission: Option<Admission>,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let client = parts.extensions.get::<Client>();
        Ok(Self {
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers.clone(),
            from: client.map(|client| client.0),
            connection: parts.extensions.get().cloned(),
            admission: parts.extensions.get().cloned(),
        })
    }
}

impl Asked {
    /// Parameters of a route that knows `known`.
    fn parameters(&self, known: &[&'static [Parameter]]) -> Result<Parameters, Problem> {
        Parameters::of(self.query.as_deref(), known)
    }
}

/// A part of the path that may be an id in the database.
fn in_path(id: String) -> Result<String, Problem> {
    let may_be = (1..=512).contains(&id.len()) && !id.contains('\0');
    may_be.then_some(id).ok_or_else(Problem::not_found)
}

impl Api {
    /// Takes a session of the caller's scope.
    async fn session(&self, scope: &Scope) -> Result<Session, Problem> {
        self.read(self.sessions.session(scope)).await
    }

    /// Result of a query, or the problem of its failure.
    async fn read<T>(&self, query: impl Future<Output = Result<T, Error>>) -> Result<T, Problem> {
        query.await.map_err(|error| self.problem(&error))
    }

    /// Records content in the audit before it is shown. Returns the entry.
    async fn record(
        &self,
        scope: &Scope,
        asked: &Asked,
        verb: &'static str,
        what: (Subject<'_>, Option<usize>),
    ) -> Result<AuditEntry, Problem> {
        let recorded = self.audit.record(scope, asked.from, verb, what).await;
        recorded.map_err(|error| unrecorded(&error))
    }

    /// Problem for a failed query.
    fn problem(&self, error: &Error) -> Problem {
        QueryFailed {
            cause: error.cause(),
        }
        .emit();
        if matches!(error, Error::TimedOut) {
            let detail = "the query took too long; narrow it, or try again later";
            return Problem::new(problem::BUSY, detail).header(header::RETRY_AFTER, 5);
        }
        let waiting = self.spool.report().records;
        let detail = format!("Postgres is unavailable; {waiting} deliveries wait in the spool");
        Problem::new(problem::DATABASE, detail).header(header::RETRY_AFTER, 5)
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
type Shared = State<Api>;
