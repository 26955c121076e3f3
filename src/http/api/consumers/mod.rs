//! Routes of consumers: workers lease events and settle them.
//!
//! The task that owns a consumer answers, through its [`Handle`]. A token that is restricted to apps
//! or clients finds no consumers: a consumer has the events of its own filter, whatever the token
//! may see.

mod entry;
mod lease;
mod settle;
mod status;
mod values;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    extract::DefaultBodyLimit,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    Api, Asked,
    operation::{Answer, Caller, Operation, RequestBody},
};
use crate::{
    config::{Role, nearest},
    forward::consumer::{Handle, Handles, Refusal},
    http::{
        connection::Streaming,
        parameter::Parameter,
        problem::{self, Problem, ProblemType},
    },
    query::{Scope, Subject},
};

const NAME: &[Parameter] = &[Parameter::one("consumer", "Name of the consumer.")];

/// Problems of a state.
const READ: &[&ProblemType] = &[problem::NOT_FOUND, problem::DATABASE, problem::BUSY];

/// Problems of a request to the owner of a consumer.
const SERVED: &[&ProblemType] = &[
    problem::BODY,
    problem::NOT_FOUND,
    problem::PAUSED,
    problem::VALUE,
    problem::CONSUMER,
    problem::DATABASE,
];

/// Problems of a lease, whose content is audited.
const LEASED: &[&ProblemType] = &[
    problem::BODY,
    problem::NOT_FOUND,
    problem::PAUSED,
    problem::VALUE,
    problem::CONSUMER,
    problem::DATABASE,
    problem::AUDIT,
];

const ELSEWHERE: Answer =
    Answer::empty("Another process owns the consumer, at the address in Location.").with(307);

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/consumers",
        handler: || get(status::list),
        about: "State of all consumers. A token of a consumer sees its own.",
        example: "/v1/consumers",
        answers: &[Answer::json::<status::ConsumerList>("The consumers.")],
        problems: READ,
        ..Operation::GET
    },
    Operation {
        path: "/v1/consumers/{consumer}",
        handler: || get(status::show),
        about: "State of a consumer, with its first waiting lanes. A token of a consumer sees its own.",
        parts: NAME,
        example: "/v1/consumers/bot",
        answers: &[Answer::json::<status::ConsumerDetail>("The consumer.")],
        problems: READ,
        ..Operation::GET
    },
    Operation {
        path: "/v1/consumers/{consumer}/lease",
        handler: || post(lease::lease).layer(DefaultBodyLimit::max(values::LARGEST)),
        about: "Hands out events: at once if there are any, else none after wait_s.",
        body: Some(
            RequestBody::json::<lease::Body>(r#"{"max":10,"wait_s":0,"lease_s":60,"worker":"w1"}"#)
                .optional(),
        ),
        example: "/v1/consumers/bot/lease",
        answers: &[Answer::json::<lease::Leased>("The events."), ELSEWHERE],
        problems: LEASED,
        ..POST
    },
    Operation {
        path: "/v1/consumers/{consumer}/settle",
        handler: || post(settle::settle).layer(DefaultBodyLimit::max(values::LARGEST)),
        about: "Settles leases. The settlements are durable when the answer comes.",
        body: Some(RequestBody::json::<settle::Body>(
            r#"{"acks":["lease-1"],"nacks":[{"lease":"lease-2","delay_s":30,"code":"graph_429"}]}"#,
        )),
        example: "/v1/consumers/bot/settle",
        answers: &[
            Answer::json::<settle::Results>("A result for each lease."),
            ELSEWHERE,
        ],
        problems: SERVED,
        ..POST
    },
    Operation {
        path: "/v1/consumers/{consumer}/release",
        handler: || post(lease::release).layer(DefaultBodyLimit::max(values::LARGEST)),
        about: "Takes back the events of a worker, such as one that restarted.",
        body: Some(RequestBody::json::<lease::ReleaseBody>(
            r#"{"worker":"w1"}"#,
        )),
        example: "/v1/consumers/bot/release",
        answers: &[
            Answer::json::<lease::Released>("The number of events."),
            ELSEWHERE,
        ],
        problems: SERVED,
        ..POST
    },
];

/// Base of the operations of workers.
const POST: Operation = Operation {
    method: "post",
    caller: Caller::Token(Role::Consumer),
    parts: NAME,
    ..Operation::GET
};

/// Maximum number of requests that wait for events at the same time.
const MOST_WAITING: usize = 128;

/// Time for an answer of the owner, besides the wait for events.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Time for which one entry of the audit stands.
const AUDITED_FOR: Duration = Duration::from_hours(1);

/// Consumers of this process, for the routes. Clones share them.
#[derive(Clone, Debug)]
pub struct ConsumerApi {
    handles: Handles,
    /// Places of requests that wait.
    places: Arc<Semaphore>,
    /// Ends the waits, which would otherwise be requests in flight.
    stop: CancellationToken,
    audited: Audited,
}

/// Time of the last entry of the audit for a token and a consumer.
type Audited = Arc<Mutex<HashMap<(String, String), Instant>>>;

impl ConsumerApi {
    /// Routes to the consumers of `handles`. The token `stop` ends waits for events.
    pub fn new(handles: Handles, stop: CancellationToken) -> Self {
        Self {
            handles,
            places: Arc::new(Semaphore::new(MOST_WAITING)),
            stop,
            audited: Audited::default(),
        }
    }

    /// A place for a wait of this time; `None` if there is no wait. A waiting request does not count
    /// against the limit of connections.
    fn place(&self, asked: &Asked, wait: Duration) -> Result<Option<Place>, Problem> {
        if wait.is_zero() {
            return Ok(None);
        }
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit = permit.map_err(|_| {
            let detail = format!("{MOST_WAITING} requests wait for events already");
            later(detail, 5)
        })?;
        let streaming = asked.connection.as_ref().map(|it| it.begin_stream());
        Ok(Some((permit, streaming)))
    }
}

/// Place of a request that waits.
type Place = (OwnedSemaphorePermit, Option<Streaming>);

/// Waits for the owner's answer.
pub(super) async fn within<T>(
    wait: Duration,
    answer: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let answered = timeout(wait + ANSWER_WITHIN, answer).await;
    answered.unwrap_or(Err(Refusal::Unavailable))
}

/// Answer to a request that the owner did not serve.
enum Refused {
    Problem(Problem),
    /// Another process owns the consumer: the URL there.
    Elsewhere(HeaderValue),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Elsewhere(url) => {
                let uncached = HeaderValue::from_static("no-store");
                let headers = [(header::LOCATION, url), (header::CACHE_CONTROL, uncached)];
                (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
            }
        }
    }
}

impl Api {
    /// Handle of a consumer whose events the caller may lease and settle.
    fn consumer(&self, scope: &Scope, name: &str) -> Result<Handle, Problem> {
        if scope.is_restricted() {
            return Err(Problem::not_found());
        }
        let handle = self.consumers.handles.get(name);
        let handle = handle.map_err(|_| unknown(scope, name, self.names()))?;
        if scope.leases(name) {
            Ok(handle)
        } else {
            Err(foreign(name, "operator"))
        }
    }

    /// Names of the configured consumers.
    fn names(&self) -> impl Iterator<Item = String> {
        self.consumers.handles.all().into_keys()
    }

    /// Records that the caller gets content through a consumer: one entry an hour for each token and
    /// consumer.
    async fn record_leases(&self, scope: &Scope, asked: &Asked, name: &str) -> Result<(), Problem> {
        let key = (scope.name().to_owned(), name.to_owned());
        let audited = || {
            let audited = self.consumers.audited.lock();
            audited.unwrap_or_else(PoisonError::into_inner)
        };
        let is_fresh = |at: &Instant| at.elapsed() < AUDITED_FOR;
        if audited().get(&key).is_some_and(is_fresh) {
            return Ok(());
        }
        let subject = (Subject::Id(name), None);
        self.record(scope, asked, "lease", subject).await?;
        let mut audited = audited();
        audited.retain(|_, at| is_fresh(at));
        audited.insert(key, Instant::now());
        Ok(())
    }

    /// Answer for a request `verb` to the consumer `name` that was refused.
    fn refused(&self, scope: &Scope, (name, verb): (&str, &str), refusal: Refusal) -> Refused {
        match refusal {
            Refusal::Unknown => unknown(scope, name, []).into(),
            Refusal::Paused(reason) => paused(name, &reason).into(),
            Refusal::Elsewhere(address) => {
                let url = address.as_deref().and_then(|it| url_at(it, name, verb));
                url.map_or_else(|| owned_elsewhere(name).into(), Refused::Elsewhere)
            }
            Refusal::Unavailable if self.readiness.is_away() => self.unavailable().into(),
            Refusal::Unavailable => {
                let detail = format!(
                    "the consumer {name} starts or stops, or Postgres does not answer in time"
                );
                later(detail, 1).into()
            }
        }
    }
}

/// Problem of a name that no consumer has. Names only those of `known` that the caller may see.
fn unknown(scope: &Scope, name: &str, known: impl IntoIterator<Item = String>) -> Problem {
    let known = known.into_iter().filter(|it| scope.reads_state(it));
    let known: Vec<_> = known.collect();
    let near = nearest(name, known.iter().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    let detail = format!("no consumer of this name is configured{near}");
    Problem::new(problem::NOT_FOUND, detail)
}

/// Problem of a consumer that is neither the token's nor open to its role.
fn foreign(name: &str, role: &str) -> Problem {
    let detail = format!(
        "this needs a token with the role consumer and {name} among its consumers, or with the \
         role {role}"
    );
    Problem::new(problem::FORBIDDEN, detail)
}

/// Problem of a paused consumer.
fn paused(name: &str, reason: &str) -> Problem {
    let detail = format!(
        "the consumer {name} is paused, with the reason {reason}; \
         `hookshelf consumers resume {name}` resumes it"
    );
    Problem::new(problem::PAUSED, detail)
}

/// Problem of a consumer of another process without a usable address.
fn owned_elsewhere(name: &str) -> Problem {
    let detail = format!(
        "another process owns the consumer {name}, and has no admin.advertise: ask that process, \
         or set admin.advertise there"
    );
    later(detail, 5)
}

/// Problem of a consumer that may be available in some seconds.
fn later(detail: String, seconds: u64) -> Problem {
    Problem::new(problem::CONSUMER, detail).header(header::RETRY_AFTER, seconds)
}

/// URL of the same route at another process.
fn url_at(address: &str, name: &str, verb: &str) -> Option<HeaderValue> {
    let base = address.trim_end_matches('/');
    format!("{base}/v1/consumers/{name}/{verb}").parse().ok()
}

#[cfg(test)]
mod tests;
