//! Cross-site request check of the admin listener: a page of another site, open in an operator's
//! browser, must not change anything.
//!
//! Without tokens, a browser on the same machine reaches the listener. A browser sends
//! `Sec-Fetch-Site`, and `Origin` with every request except GET and HEAD. Programs such as curl and
//! `hookshelf` send neither.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// True if a request with side effects comes from a page of another site.
pub(super) fn is_cross_site_change(request: &Request) -> bool {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    changes && is_of_another_site(request.headers())
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    let own = |site: &[u8]| matches!(site, b"same-origin" | b"none");
    let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let mut origins = headers.get_all(header::ORIGIN).iter();
    sites.any(|site| !own(site.as_bytes()))
        || origins.any(|origin| host.is_none_or(|host| !is_at(origin.as_bytes(), host)))
}

/// True if the origin is this listener, under the host name of the request.
fn is_at(origin: &[u8], host: &[u8]) -> bool {
    let schemes = [&b"http://"[..], b"https://"];
    let mut rests = schemes.iter().filter_map(|it| origin.strip_prefix(*it));
    rests.any(|rest| rest.eq_ignore_ascii_case(host))
}
