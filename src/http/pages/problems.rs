//! Problems as pages, for callers that take HTML.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};

use super::{
    answer::{answer, rendered},
    frame::Frame,
    visit::Visit,
};
use crate::http::problem::Told;

#[derive(Template)]
#[template(path = "problem.html", blocks = ["main"])]
struct ProblemPage {
    frame: Frame,
    status: u16,
    detail: String,
}

rendered!(ProblemPage);

/// Shows the problem of a request for a page as a page. The answers of the API stay JSON.
pub(in crate::http) async fn show_problems(request: Request, next: Next) -> Response {
    let is_page = takes_html(request.headers()) && !is_of_api(request.uri().path());
    if !is_page {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let visit = Visit::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(told) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    let page = ProblemPage {
        frame: Frame::new(&visit, None, told.title, None),
        status: response.status().as_u16(),
        detail: told.detail.into_owned(),
    };
    let mut shown = answer(response.status(), &visit, &page);
    for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers_mut().remove(&name) {
            shown.headers_mut().insert(name, value);
        }
    }
    shown
}

fn takes_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn is_of_api(path: &str) -> bool {
    path.starts_with("/v1/")
        || matches!(path, "/metrics" | "/healthz" | "/readyz" | "/openapi.json")
}
