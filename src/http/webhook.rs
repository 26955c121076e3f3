//! The callback URL: Meta's challenge, and the walk of one delivery.
//!
//! Accept, verify, hand over, ack. Parse and commit are behind the intake.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tracing::Instrument;

use super::{
    AppKeys, AppState,
    ack::ack,
    body::{self, Held},
    forwarded, guest, headers,
    listener::PUBLIC,
    receipt::Receipt,
    state::DEFAULT_APP,
};
use crate::{
    ingest::{Arrival, Failure, Outcome, Rejection},
    meta::{challenge, signature::VerifiedBody},
    telemetry::{AppUnknown, ChallengeAnswered, Happening, PanicCaught},
};

/// How many marks of a challenge are looked at: `doctor` sends one for each secret that it knows,
/// for the server may not have read the newest yet.
const MARKS: usize = 8;

/// The app that the path names. An unknown one is 404 before anything of it is read.
pub(super) struct Named(Arc<AppKeys>);

impl FromRequestParts<AppState> for Named {
    type Rejection = StatusCode;

    async fn from_request_parts(head: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let name = head.uri.path().strip_prefix("/webhook/");
        let keys = state.app(name.unwrap_or(DEFAULT_APP));
        if keys.is_none() {
            AppUnknown.emit();
        }
        keys.map(Self).ok_or(StatusCode::NOT_FOUND)
    }
}

/// `GET`: answers Meta's challenge. Query and token go no further than this function.
pub(super) async fn challenge(
    State(state): State<AppState>,
    Named(keys): Named,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let (answer, response) = match challenge::answer(query, keys.verify_token.as_ref()) {
        Ok(text) => ("echoed", echo(text)),
        Err(challenge::Refusal::Incomplete) => {
            ("incomplete", StatusCode::BAD_REQUEST.into_response())
        }
        Err(challenge::Refusal::Mode) => ("mode", StatusCode::FORBIDDEN.into_response()),
        Err(challenge::Refusal::Token) => ("token", StatusCode::FORBIDDEN.into_response()),
    };
    let mut marks = headers.get_all(headers::CHECKED).iter().take(MARKS);
    let ours = marks.any(|mark| keys.secrets.marks_checked(mark.as_bytes(), query));
    let answer = if ours { "checked" } else { answer };
    if let "echoed" | "token" = answer {
        let at = state.clock.now();
        let answered = answer == "echoed";
        state.callbacks().challenge(&keys.name, answered, at);
    }
    let app = Arc::clone(&keys.name);
    ChallengeAnswered { app, answer }.emit();
    response
}

/// As plain text that no browser takes for a page.
fn echo(challenge: String) -> Response {
    let plain = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    (
        [plain, (header::X_CONTENT_TYPE_OPTIONS, "nosniff")],
        challenge,
    )
        .into_response()
}

/// `POST`: one delivery, from its first byte to its one outcome.
pub(super) async fn receive(
    State(state): State<AppState>,
    Named(keys): Named,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let from = forwarded::sender(peer.ip(), &head.headers, &state.limits.trusted_proxies);
    let mut receipt = Receipt::open(&state, keys, from);
    let outcome = match body::read(body, &state.limits, &state.budget).await {
        Err(outcome) => receipt.settle(outcome),
        Ok(body) => match verify(&mut receipt, &head, &body) {
            Err(rejection) => receipt.settle(Outcome::Rejected(rejection)),
            Ok(verified) => {
                let arrival = receipt.arrival(headers::kept(&head.headers), verified);
                hand_over(&state, receipt, arrival, body).await
            }
        },
    };
    ack(outcome)
}

/// The proof of who sent it, over the bytes exactly as they came.
fn verify(receipt: &mut Receipt, head: &Parts, body: &Held) -> Result<VerifiedBody, Rejection> {
    let bytes = body.bytes();
    receipt.read(bytes.len());
    let signature = headers::signature(&head.headers)?;
    let secrets = &receipt.keys().secrets;
    let verified = secrets.verify(signature, bytes.clone())?;
    let mark = head.headers.get(headers::SIMULATED);
    let simulated = mark.is_some_and(|mark| secrets.marks_simulated(mark.as_bytes(), bytes));
    receipt.verified(&verified, simulated);
    guest::prove(&head.extensions);
    Ok(verified)
}

/// Stores it in a task of its own: a sender who hangs up neither stops a delivery half way nor
/// frees its memory early, and whatever hangs, there is an answer in time.
async fn hand_over(state: &AppState, receipt: Receipt, arrival: Arrival, body: Held) -> Outcome {
    let (intake, limit) = (state.intake.clone(), state.limits.answer_within);
    let span = tracing::debug_span!("delivery", id = %arrival.id, app = &*arrival.app);
    let storing = async move {
        let stored = timeout(limit, intake.take(arrival)).await;
        drop(body);
        receipt.settle(stored.unwrap_or(Outcome::Failed(Failure::StoreUnavailable)))
    };
    let task = tokio::spawn(storing.instrument(span));
    task.await.unwrap_or_else(|_| {
        let listener = PUBLIC;
        PanicCaught { listener }.emit();
        Outcome::Failed(Failure::Internal)
    })
}
