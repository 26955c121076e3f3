//! Check of each request to the admin listener, in front of the routes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Access, Admission, Client, cookie::Cookie, given::Given, refused::Refused};
use crate::http::{
    forwarded, origin,
    problem::{self, Problem},
};

/// Checks host, site and credential of a request. Routes find the scope in the extensions.
pub(in crate::http) async fn check(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    if is_probe && !access.0.hosts.contain(request.headers()) {
        // Service managers probe by addresses of their own, and get only a status.
        return next.run(request).await;
    }
    if let Some(problem) = access.refusal(&request) {
        return problem.into_response();
    }
    let (client, cookie, given) = access.read(&request);
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(cookie);
    match access.admit(given, client.0).await {
        Ok(admission) if is_blind_change(&admission, &request) => from_nowhere().into_response(),
        Ok(admission) => admitted(admission, request, next).await,
        // Wrong tokens from this machine must not make a healthy server look dead.
        Err(refused) if refused.is_final() && !is_probe => refused.problem().into_response(),
        // The route decides if it needs a caller.
        Err(refused) => {
            request.extensions_mut().insert::<Refused>(refused);
            next.run(request).await
        }
    }
}

/// Answers an admitted request. A problem has its caller, so that its page knows who reads it.
async fn admitted(admission: Admission, mut request: Request, next: Next) -> Response {
    let parts = request.extensions_mut();
    parts.insert(admission.scope().clone());
    parts.insert(admission.clone());
    let response = next.run(request).await;
    if !problem::is_sent(&response) {
        return response;
    }
    let mut response = if admission.scope().is_restricted() {
        problem::without_spool(response)
    } else {
        response
    };
    response.extensions_mut().insert(admission);
    response
}

/// True if the answer at a path does not depend on the caller. A cookie is then not looked up: anyone
/// can send an unknown one, and the lookup costs a query.
fn is_for_anyone(path: &str) -> bool {
    matches!(path, "/login" | "/healthz") || path.starts_with("/assets/")
}

/// True if a browser changes something without telling its site: another site may have asked it to.
fn is_blind_change(admission: &Admission, request: &Request) -> bool {
    admission.is_added_by_browser() && origin::is_change_from_nowhere(request)
}

/// Problem of a change by a browser that does not tell its site.
pub(super) fn from_nowhere() -> Problem {
    let detail = "a browser changes something only with the header Origin or Sec-Fetch-Site; a \
                  program sends a token in the header Authorization";
    Problem::new(problem::CROSS_SITE, detail)
}

impl Access {
    /// Address of the client, the cookie for its connection, and its credential.
    fn read(&self, request: &Request) -> (Client, Cookie, Given) {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer: IpAddr = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |it| it.0.ip());
        let (headers, trusted) = (request.headers(), &self.0.trusted_proxies);
        let cookie = Cookie {
            is_https: forwarded::is_https(peer, headers, trusted),
            base: self.0.base_path.clone(),
        };
        let admin = self.0.admin.load();
        let proxy = forwarded::is_trusted(peer, trusted).then_some(&**admin);
        let given = match Given::read(headers, proxy, &cookie) {
            Given::Session(_) if is_for_anyone(request.uri().path()) => Given::Nothing,
            given => given,
        };
        let client = Client(forwarded::sender(peer, headers, trusted));
        (client, cookie, given)
    }

    /// Problem of a request that no credential lets pass.
    fn refusal(&self, request: &Request) -> Option<Problem> {
        if !self.0.hosts.contain(request.headers()) {
            let detail = "the header Host names neither this address nor one of admin.names";
            return Some(Problem::new(problem::HOST, detail));
        }
        origin::is_cross_site_change(request).then(|| {
            let detail = "a page of another site may not change anything here";
            Problem::new(problem::CROSS_SITE, detail)
        })
    }
}
