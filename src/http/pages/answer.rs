//! Answers in HTML, with the headers that keep stored text from doing anything.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    text::numbered,
    visit::{Piece, Visit},
};
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

/// Headers with which htmx takes the pane out of a page. The place in the list stays.
const OF_PANE: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("hx-reselect"), ".pane"),
    (HeaderName::from_static("hx-reswap"), "innerHTML show:none"),
];

/// Renders a page for a visit.
pub(super) fn page(visit: &Visit, page: &impl Render) -> Response {
    let mut answer = answer(StatusCode::OK, visit, page);
    if visit.piece == Some(Piece::Pane) {
        add(&mut answer, OF_PANE);
    }
    answer
}

/// Adds headers to an answer.
pub(super) fn add<const N: usize>(answer: &mut Response, headers: [(HeaderName, &'static str); N]) {
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    answer.headers_mut().extend(headers);
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
            (status, HeaderMap::from_iter(headers), numbered(html)).into_response()
        }
        Err(_) => Problem::new(problem::DEFECT, "a page could not be rendered").into_response(),
    }
}
