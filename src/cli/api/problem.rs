//! Refusals of the API, and what to do about each.

use anyhow::anyhow;
use http_body_util::BodyExt;
use hyper::{HeaderMap, Response, StatusCode, header};
use serde::Deserialize;

use super::{Body, Cause};

/// Problem of an answer (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    page: String,
    detail: String,
    parameter: Option<String>,
    allowed: Option<String>,
}

/// Refusal that a retry does not change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(in crate::cli) struct Refusal(String);

/// Error of a refused request; `None` if there is no such object. `token` is true if a token was
/// sent, and `None` in this process.
pub(super) async fn refused<T>(
    answer: Response<Body>,
    token: Option<bool>,
) -> anyhow::Result<Option<T>> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    let cause = head.extensions.get::<Cause>().map(|it| it.0.clone());
    let problem: Problem = serde_json::from_slice(&body)?;
    let status = head.status;
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let text = match token {
        Some(token) => of_server(status, &problem, token, &head.headers),
        None => of_this_process(&problem, cause),
    };
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Err(Refusal(text).into());
    }
    Err(anyhow!(text))
}

/// Message for a refusal of a server; `token` is true if a token was sent.
fn of_server(status: StatusCode, problem: &Problem, token: bool, headers: &HeaderMap) -> String {
    let detail = &problem.detail;
    match status {
        StatusCode::UNAUTHORIZED if token => {
            "the server does not know the token: correct HOOKSHELF_TOKEN or --token-file, or add \
             the token to admin.tokens of the server"
                .to_owned()
        }
        StatusCode::UNAUTHORIZED => {
            "the server needs a token: set HOOKSHELF_TOKEN, or name its file with --token-file; \
             `hookshelf token new` makes one"
                .to_owned()
        }
        StatusCode::FORBIDDEN => {
            format!("{detail}: use another token, or change this one in admin.tokens of the server")
        }
        StatusCode::MISDIRECTED_REQUEST => {
            "the server does not know the host name in --url: add the name to admin.names of the \
             server"
                .to_owned()
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            format!("{detail}; try again{}", later(headers))
        }
        _ => wrong(problem),
    }
}

/// Message for a refusal in this process. The cause is what its database said.
fn of_this_process(problem: &Problem, cause: Option<String>) -> String {
    match cause {
        Some(cause) if problem.page.ends_with("/busy") => {
            format!("the search takes too long; narrow it with --since: {cause}")
        }
        Some(cause) => cause,
        None => wrong(problem),
    }
}

fn wrong(problem: &Problem) -> String {
    match (&problem.parameter, &problem.allowed) {
        (Some(name), Some(allowed)) => format!("{name}: {}; allowed: {allowed}", problem.detail),
        _ => problem.detail.clone(),
    }
}

fn later(headers: &HeaderMap) -> String {
    let seconds = headers.get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|seconds| seconds.to_str().ok());
    seconds.map_or_else(|| " later".to_owned(), |it| format!(" in {it} s"))
}
