//! Answers in HTML, with the headers that keep stored text from doing anything.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::visit::Visit;
use crate::http::problem::{self, Problem};

/// A page that can be rendered as a whole, or only its main part.
pub(super) trait Render {
    fn whole(&self) -> askama::Result<String>;
    fn part(&self) -> askama::Result<String>;
}

/// Implements [`Render`] for a template with the block `main`.
macro_rules! rendered {
    ($($page:ty),+) => {$(
        impl crate::http::pages::answer::Render for $page {
            fn whole(&self) -> askama::Result<String> {
                askama::Template::render(self)
            }

            fn part(&self) -> askama::Result<String> {
                askama::Template::render(&self.as_main())
            }
        }
    )+};
}
pub(super) use rendered;

/// Policy of the pages: nothing inline, and nothing of another site.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With no-referrer, browsers would send forms without their origin, and the guard refuse them.
    (header::REFERRER_POLICY, "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Renders a page for a visit.
pub(super) fn page(visit: &Visit, page: &impl Render) -> Response {
    answer(StatusCode::OK, visit, page)
}

/// Renders a page with a status.
pub(super) fn answer(status: StatusCode, visit: &Visit, page: &impl Render) -> Response {
    let rendered = if visit.is_part {
        page.part()
    } else {
        page.whole()
    };
    match rendered {
        Ok(html) => {
            let headers = HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
            (status, HeaderMap::from_iter(headers), html).into_response()
        }
        Err(_) => Problem::new(problem::DEFECT, "a page could not be rendered").into_response(),
    }
}
