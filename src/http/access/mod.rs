//! Access to the admin listener: tokens, roles and the header `Host`.
//!
//! With tokens, each route except `/healthz` and the status of `/readyz` needs one. Without tokens,
//! the listener has a loopback address, and each client is an operator. The server's own token, in
//! the data directory, lets local commands in either way.

mod admission;
mod callers;
mod failures;
mod hosts;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use arc_swap::ArcSwap;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use subtle::ConstantTimeEq;
use tokio::sync::{mpsc, watch};

use super::{
    forwarded, origin,
    problem::{self, Problem},
};
use crate::{
    config::{self, Role, Token},
    query::Scope,
};
use failures::Failures;
use hosts::Hosts;

pub(super) use admission::Admission;
pub(super) use callers::{Consumer, ConsumerViewer, Metrics, Operator, Privacy, Viewer};

/// Maximum number of failed logins that wait for the audit.
const FAILED_LOGINS: usize = 256;

/// Access to the admin listener. Clones share it.
#[derive(Clone, Debug)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tokens: ArcSwap<Vec<Token>>,
    /// SHA-256 of the server's own token.
    own: Option<[u8; 32]>,
    hosts: Hosts,
    trusted_proxies: Vec<IpNet>,
    failures: Failures,
    /// Addresses of failed logins, for the audit. Further ones are counted only.
    failed: mpsc::Sender<IpAddr>,
    /// Changes when tokens are replaced.
    replaced: watch::Sender<()>,
}

/// Address of the client of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

/// Reason to refuse a request.
enum Refused {
    NoToken,
    WrongToken,
    TooManyFailures(u64),
}

impl Access {
    /// Access to a listener at `address`, and the addresses of failed logins. `own` is the SHA-256
    /// of the server's own token.
    pub fn new(
        config: &config::Config,
        address: SocketAddr,
        own: Option<[u8; 32]>,
    ) -> (Self, mpsc::Receiver<IpAddr>) {
        let admin = &config.admin;
        let (failed, failures) = mpsc::channel(FAILED_LOGINS);
        let access = Self(Arc::new(Shared {
            tokens: ArcSwap::from_pointee(admin.tokens.clone()),
            own,
            hosts: Hosts::new(address, &admin.names),
            trusted_proxies: config.http.trusted_proxies.clone(),
            failures: Failures::default(),
            failed,
            replaced: watch::Sender::new(()),
        }));
        (access, failures)
    }

    /// Replaces the tokens.
    pub fn replace_tokens(&self, tokens: Vec<Token>) {
        self.0.tokens.store(Arc::new(tokens));
        self.0.replaced.send_replace(());
    }

    /// Scope of the token with this SHA-256: compares it with every token, in constant time.
    fn scope(&self, digest: &[u8; 32]) -> Option<Scope> {
        let is = |other: &[u8; 32]| bool::from(digest.ct_eq(other));
        let own = self.0.own.as_ref().is_some_and(is);
        let mut found = own.then(|| Scope::local(Role::Operator));
        for token in self.0.tokens.load().iter() {
            if is(&token.sha256) {
                found = Some(Scope::of(token));
            }
        }
        found
    }

    /// Finds the token and the scope of a request.
    fn admit(&self, request: &Request, address: IpAddr) -> Result<Admission, Refused> {
        if let Some(seconds) = self.0.failures.blocked_for(address) {
            return Err(Refused::TooManyFailures(seconds));
        }
        let Some(token) = bearer(request.headers()).map(Token::digest) else {
            let is_open = self.0.tokens.load().is_empty();
            let scope = is_open.then(|| Scope::local(Role::Operator));
            let scope = scope.ok_or(Refused::NoToken)?;
            return Ok(Admission::new(self, None, scope));
        };
        let scope = self.scope(&token).ok_or_else(|| {
            self.0.failures.note(address);
            let _ = self.0.failed.try_send(address);
            Refused::WrongToken
        })?;
        Ok(Admission::new(self, Some(token), scope))
    }

    fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.0.ip());
        forwarded::sender(peer, request.headers(), &self.0.trusted_proxies)
    }
}

/// Token of the header `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

/// Checks host, site and token of a request. Routes find the scope in the extensions.
pub(super) async fn check(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    let is_known_host = access.0.hosts.contain(request.headers());
    if !is_known_host && is_probe {
        // Service managers probe by addresses of their own, and get only a status.
        return next.run(request).await;
    } else if !is_known_host {
        let detail = "the header Host names neither this address nor one of admin.names";
        return Problem::new(problem::HOST, detail).into_response();
    }
    if origin::is_cross_site_change(&request) {
        let detail = "a page of another site may not change anything here";
        return Problem::new(problem::CROSS_SITE, detail).into_response();
    }
    let client = Client(access.client(&request));
    match access.admit(&request, client.0) {
        Ok(admission) => {
            request.extensions_mut().insert(admission.scope().clone());
            request.extensions_mut().insert(admission);
            request.extensions_mut().insert(client);
        }
        // The route decides if it needs a token.
        Err(Refused::NoToken) => {}
        // Wrong tokens from this machine must not make a healthy server look dead.
        Err(_) if is_probe => {}
        Err(refused) => return refused.problem().into_response(),
    }
    next.run(request).await
}

impl Refused {
    fn problem(self) -> Problem {
        let detail = match self {
            Self::NoToken => "send a token in the header Authorization: Bearer",
            Self::WrongToken => "the token is not one of admin.tokens",
            Self::TooManyFailures(seconds) => {
                let detail = "too many wrong tokens came from this address in the last minute";
                let problem = Problem::new(problem::FAILURES, detail);
                return problem.header(header::RETRY_AFTER, seconds);
            }
        };
        Problem::new(problem::UNAUTHORIZED, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }
}
