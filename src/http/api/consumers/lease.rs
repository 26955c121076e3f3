//! Leases: hand out events, wait for them, and take them back.

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response};
use futures_util::future::OptionFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{Api, Asked, InPath, Shared, json_body, json_body::ReadBody},
    Refused, values, within,
};
use crate::{
    forward::consumer::{HandedOut, Handle, Refusal, Want},
    http::{
        access::{Admission, Consumer},
        answer,
        problem::{self, Problem},
    },
    query::{EventForm, Scope},
};

/// Request for events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "LeaseRequest")]
pub(super) struct Body {
    /// Maximum number of events.
    #[schemars(with = "u32", range(min = 1, max = 100))]
    max: f64,
    /// Seconds to wait for the first event.
    #[schemars(range(min = 0, max = 60))]
    wait_s: f64,
    /// Seconds for which the events are lent; `None` for the setting of the consumer.
    #[schemars(range(min = 1, max = 3600))]
    lease_s: Option<f64>,
    /// Name of the worker; `None` for the name of the token.
    #[schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$"))]
    worker: Option<String>,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            max: 10.0,
            wait_s: 0.0,
            lease_s: None,
            worker: None,
        }
    }
}

/// Answer with events that were handed out. [`answer()`] writes it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes an answer")]
pub(super) struct Leased {
    events: Vec<LeasedEvent<'static>>,
}

/// Event that was handed out.
#[derive(Serialize, JsonSchema)]
struct LeasedEvent<'a> {
    /// Token of the lease, for its settlement.
    lease: &'a str,
    /// Attempt, counted from one.
    attempt: u32,
    /// True if the event was handed out before, or may have been.
    redelivered: bool,
    /// Number of the replay that hands the event out.
    replay: Option<i32>,
    /// Null here, so that the JSON of the event can replace it without being parsed again.
    #[schemars(with = "EventForm")]
    event: (),
}

pub(super) async fn lease(
    State(api): Shared,
    Consumer(scope): Consumer,
    InPath(name): InPath<String>,
    asked: Asked,
    body: ReadBody,
) -> Result<Response, Refused> {
    let want = want(&scope, body)?;
    let handle = api.consumer(&scope, &name)?;
    if want.content {
        api.record_leases(&scope, &asked, &name).await?;
    }
    let _place = api.consumers.place(&asked, want.wait)?;
    let leased = events(&api, &handle, want, asked.admission).await;
    let leased = leased.map_err(|refusal| api.refused(&scope, (&name, "lease"), refusal))?;
    answer(&leased).ok_or_else(|| Problem::new(problem::DEFECT, "an answer has no JSON").into())
}

/// The answer, with the JSON of the events as it is.
fn answer(leased: &[HandedOut]) -> Option<Response> {
    let size: usize = leased.iter().map(|it| it.json.len() + 200).sum();
    let mut body = Vec::with_capacity(size + 20);
    body.extend_from_slice(b"{\"events\":[");
    for (number, event) in leased.iter().enumerate() {
        let head = LeasedEvent {
            lease: &event.lease,
            attempt: event.attempt,
            redelivered: event.redelivered,
            replay: event.replay,
            event: (),
        };
        let head = serde_json::to_vec(&head).ok()?;
        body.extend_from_slice(if number > 0 { b"," } else { b"" });
        body.extend_from_slice(head.strip_suffix(b"null}")?);
        body.extend_from_slice(&event.json);
        body.push(b'}');
    }
    body.extend_from_slice(b"]}");
    Some(answer::json_of(StatusCode::OK, body.into()))
}

/// Reads a request. An empty body has the defaults.
fn want(scope: &Scope, body: ReadBody) -> Result<Want, Problem> {
    let body = values::small(body)?;
    let body = if matches!(&body, Ok(bytes) if bytes.is_empty()) {
        Body::default()
    } else {
        json_body::object(body, "max, wait_s, lease_s and worker")?
    };
    let worker = body.worker.as_deref().map(values::worker).transpose()?;
    let wait = values::seconds("wait_s", Some(body.wait_s), &(0.0..=60.0))?;
    Ok(Want {
        max: values::whole("max", body.max, 1..=100)? as usize,
        wait: wait.unwrap_or_default(),
        lease: values::seconds("lease_s", body.lease_s, &values::LEASE)?,
        worker: worker.unwrap_or_else(|| scope.name().into()),
        content: scope.shows_content(),
    })
}

/// Events that the owner hands out. The wait ends without events if the server stops, or if the
/// token is removed.
async fn events(
    api: &Api,
    handle: &Handle,
    want: Want,
    mut admission: Option<Admission>,
) -> Result<Vec<HandedOut>, Refusal> {
    let time = want.wait;
    let revoked = OptionFuture::from(admission.as_mut().map(Admission::until_revoked));
    let ended = async {
        tokio::select! {
            () = api.consumers.stop.cancelled() => {}
            Some(()) = revoked => {}
        }
    };
    tokio::select! {
        biased;
        leased = within(time, handle.lease(want)) => leased,
        () = ended, if !time.is_zero() => Ok(Vec::new()),
    }
}

/// Request to take events back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReleaseRequest")]
pub(super) struct ReleaseBody {
    /// Name of the worker.
    #[schemars(regex(pattern = "^[A-Za-z0-9._:-]{1,64}$"))]
    worker: String,
}

/// Answer to a release.
#[derive(Serialize, JsonSchema)]
pub(super) struct Released {
    /// Number of events that the worker had.
    released: usize,
}

pub(super) async fn release(
    State(api): Shared,
    Consumer(scope): Consumer,
    InPath(name): InPath<String>,
    _: Asked,
    body: ReadBody,
) -> Result<Response, Refused> {
    let body: ReleaseBody = json_body::object(values::small(body)?, "worker")?;
    let worker = values::worker(&body.worker)?;
    let handle = api.consumer(&scope, &name)?;
    let released = within(Duration::ZERO, handle.release(worker)).await;
    let released = released.map_err(|refusal| api.refused(&scope, (&name, "release"), refusal))?;
    Ok(answer::json(StatusCode::OK, &Released { released }))
}
