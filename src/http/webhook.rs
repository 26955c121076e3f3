//! The callback URL: Meta's challenge, and the path of a delivery.
//!
//! Accept, verify, hand over, ack. The writer parses and commits.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{Extensions, HeaderMap, StatusCode, Uri, request::Parts},
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use tokio::{sync::oneshot, time::timeout_at};

use super::{
    AppKeys, AppState,
    ack::ack,
    answer::typed,
    body::{self, BufferedBody},
    connection, forwarded, headers,
    listener::PUBLIC,
    receipt::Receipt,
    state::DEFAULT_APP,
};
use crate::{
    ingest::{Caller, Failure, Outcome, Refusal, Rejection, Settled},
    meta::{challenge, networks, reencoded::is_reencoded, signature::VerifiedBody},
    store::Delivery,
    telemetry::{AppUnknown, ChallengeAnswered, LogEvent, PanicCaught, PathUnknown},
};

/// Maximum number of marks checked on a challenge. `doctor` sends one for each secret that it
/// knows, since the server may not have read the newest one yet.
const MARKS: usize = 8;

/// The app named by the path. An unknown app gets 404 before the body is read.
pub(super) struct Named(Arc<AppKeys>);

impl FromRequestParts<AppState> for Named {
    type Rejection = StatusCode;

    async fn from_request_parts(head: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let path = head.uri.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let keys = state.app(path.strip_prefix("/webhook/").unwrap_or(DEFAULT_APP));
        if keys.is_none() {
            AppUnknown.emit();
            count_unknown(state, Refusal::UnknownApp, &head.extensions, &head.headers);
        }
        keys.map(Self).ok_or(StatusCode::NOT_FOUND)
    }
}

/// Answers an unknown path of the public listener.
pub(super) async fn no_such_path(State(state): State<AppState>, request: Request) -> StatusCode {
    PathUnknown.emit();
    let (extensions, headers) = (request.extensions(), request.headers());
    count_unknown(&state, Refusal::UnknownPath, extensions, headers);
    StatusCode::NOT_FOUND
}

/// Counts a request with an unknown path or app, by its network.
fn count_unknown(state: &AppState, reason: Refusal, of: &Extensions, headers: &HeaderMap) {
    let peer = of.get::<ConnectInfo<SocketAddr>>();
    let trusted = &state.limits().trusted_proxies;
    let from = peer.map(|peer| forwarded::sender(peer.ip(), headers, trusted));
    state.tally().count_unknown(reason, from);
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
        let at = state.clock().now();
        let answered = answer == "echoed";
        state.callbacks().challenge(&keys.name, answered, at);
    }
    let app = Arc::clone(&keys.name);
    ChallengeAnswered { app, answer }.emit();
    response
}

/// Answers with plain text that no browser renders as a page.
fn echo(challenge: String) -> Response {
    (typed("text/plain; charset=utf-8"), challenge).into_response()
}

/// `POST`: one delivery, from its first byte to its one outcome.
pub(super) async fn receive(
    State(state): State<AppState>,
    Named(keys): Named,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let from = forwarded::sender(peer.ip(), &head.headers, &state.limits().trusted_proxies);
    let mut receipt = Receipt::open(&state, keys, from);
    let outcome = match body::read(body, state.limits(), state.budget()).await {
        Err(outcome) => {
            receipt.note_proxy(&head.headers);
            receipt.settle(outcome)
        }
        Ok(body) => match verify(&mut receipt, &head, &body) {
            Err(rejection) => {
                let rejection = examine(&receipt, rejection, (&head, &body));
                receipt.note_proxy(&head.headers);
                quarantine(&state, &receipt, rejection, (&head, &body));
                receipt.settle(Outcome::Rejected(rejection))
            }
            Ok(verified) => {
                let headers = headers::kept(&head.headers);
                drop(head); // So that nothing holds the buffer that the connection reads into.
                hand_over(&state, receipt, headers, (verified, body)).await
            }
        },
    };
    ack(outcome)
}

/// Verifies the signature over the raw bytes.
fn verify(
    receipt: &mut Receipt,
    head: &Parts,
    body: &BufferedBody,
) -> Result<VerifiedBody, Rejection> {
    let bytes = body.bytes();
    receipt.read(bytes.len());
    let signature = headers::signature(&head.headers)?;
    let secrets = &receipt.keys().secrets;
    let verified = secrets.verify(signature, bytes.clone())?;
    let mark = head.headers.get(headers::SIMULATED);
    let simulated = mark.is_some_and(|mark| secrets.marks_simulated(mark.as_bytes(), bytes));
    receipt.verified(&verified, simulated);
    connection::mark_verified(&head.extensions);
    Ok(verified)
}

/// Recognises a body that a proxy encoded again. Only deliveries from Meta's networks or from a
/// local proxy are examined, since forged deliveries would cost many signatures each.
fn examine(
    receipt: &Receipt,
    rejection: Rejection,
    (head, body): (&Parts, &BufferedBody),
) -> Rejection {
    let network = receipt.from().and_then(networks::network);
    let may_be_metas = |net: &IpNet| networks::is_metas(net) || networks::is_private(net.addr());
    let signature = headers::signature(&head.headers).ok().flatten();
    let secrets = &receipt.keys().secrets;
    match (rejection, network.filter(may_be_metas), signature) {
        (Rejection::SignatureMismatch, Some(_), Some(signature))
            if is_reencoded(secrets, signature, body.bytes()) =>
        {
            Rejection::BodyReencoded
        }
        _ => rejection,
    }
}

/// Quarantines a delivery that was rejected only for its signature: it may match a secret that is
/// configured later. The body is copied, so that its share of the memory budget is free at once.
fn quarantine(
    state: &AppState,
    receipt: &Receipt,
    rejection: Rejection,
    (head, body): (&Parts, &BufferedBody),
) {
    if let Rejection::SignatureMismatch | Rejection::BodyReencoded = rejection {
        let body = body.bytes();
        let record = || receipt.refused(&head.headers, body);
        state.tally().quarantine(receipt.from(), body.len(), record);
    }
}

/// Hands the delivery to the writer, and answers in time even if the writer hangs.
async fn hand_over(
    state: &AppState,
    mut receipt: Receipt,
    headers: String,
    (verified, body): (VerifiedBody, BufferedBody),
) -> Outcome {
    let (answer, settled) = oneshot::channel();
    let until = Instant::now() + state.limits().answer_within;
    let (envelope, simulated) = receipt.hand_over(headers);
    let caller = HandedOver {
        receipt,
        body,
        until,
        answer,
    };
    state.writer().take(envelope, verified, simulated, caller);
    match timeout_at(until.into(), settled).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            let listener = PUBLIC;
            PanicCaught { listener }.emit();
            Outcome::Failed(Failure::Internal)
        }
        Err(_) => Outcome::Failed(Failure::StoreUnavailable),
    }
}

/// A delivery handed to the writer, until its result: its receipt, and its share of the memory
/// budget.
struct HandedOver {
    receipt: Receipt,
    body: BufferedBody,
    until: Instant,
    answer: oneshot::Sender<Outcome>,
}

impl Caller for HandedOver {
    fn is_waiting(&self, now: Instant) -> bool {
        now < self.until
    }

    fn has_a_copy(&self) -> bool {
        false
    }

    fn look_at(&mut self, delivery: &Delivery) {
        self.receipt.look_at(delivery);
    }

    /// A delivery stored too late was already answered with 503, so its outcome is a failure.
    fn settle(self: Box<Self>, settled: Settled) {
        let outcome = if self.is_waiting(Instant::now()) {
            settled.into()
        } else {
            Outcome::Failed(Failure::StoreUnavailable)
        };
        drop(self.body);
        let _ = self.answer.send(self.receipt.settle(outcome));
    }
}
