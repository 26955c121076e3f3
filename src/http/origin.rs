//! Cross-site request check of the admin listener: a page of another site, open in an operator's
//! browser, must not change anything.
//!
//! Without tokens, a browser on the same machine reaches the listener; a browser that signed in
//! sends its cookie. A browser sends `Sec-Fetch-Site`, and `Origin` with every request except GET
//! and HEAD. Programs such as curl and `hookshelf` send neither.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// True if a request with side effects comes from a page of another site.
pub(super) fn is_cross_site_change(request: &Request) -> bool {
    is_change(request) && is_of_another_site(request.headers())
}

/// True if a request with side effects has neither of the headers that tell its site.
pub(super) fn is_change_from_nowhere(request: &Request) -> bool {
    let headers = request.headers();
    let tells = headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(header::ORIGIN);
    is_change(request) && !tells
}

fn is_change(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
}

/// True if a page of another site makes the browser send a request.
pub(super) fn is_of_another_site(headers: &HeaderMap) -> bool {
    let sites = headers.get_all(SEC_FETCH_SITE).iter();
    let sites: Vec<_> = sites.map(HeaderValue::as_bytes).collect();
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    // A form of a page with the policy no-referrer has the origin `null`; its site is told all the
    // same. A page in a sandbox has this origin, too, and the site `cross-site`.
    let is_same_origin = sites.contains(&&b"same-origin"[..]);
    let is_own = |origin: &[u8]| {
        is_same_origin && origin == b"null" || host.is_some_and(|host| is_at(origin, host))
    };
    let mut origins = headers.get_all(header::ORIGIN).iter();
    sites
        .iter()
        .any(|site| !matches!(*site, b"same-origin" | b"none"))
        || origins.any(|origin| !is_own(origin.as_bytes()))
}

/// True if the origin is this listener, under the host name of the request.
fn is_at(origin: &[u8], host: &[u8]) -> bool {
    let schemes = [&b"http://"[..], b"https://"];
    let mut rests = schemes.iter().filter_map(|it| origin.strip_prefix(*it));
    rests.any(|rest| rest.eq_ignore_ascii_case(host))
}
