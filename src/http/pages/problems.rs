//! Problems as pages, for callers that take HTML.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    answer::{answer, rendered},
    frame::Frame,
    visit::Visit,
};
use crate::http::problem;

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
    let has_token = parts.headers.contains_key(header::AUTHORIZATION);
    let may_sign_in = parts.method == Method::GET && !has_token;
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some((title, detail)) = problem::told(&response) else {
        return response;
    };
    if response.status() == StatusCode::UNAUTHORIZED && may_sign_in {
        return to_login(&visit);
    }
    let page = ProblemPage {
        frame: Frame::new(&visit, None, title, None),
        status: response.status().as_u16(),
        detail,
    };
    let mut shown = answer(response.status(), &visit, &page);
    for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers_mut().remove(&name) {
            shown.headers_mut().insert(name, value);
        }
    }
    shown
}

/// Leads to the form of the sign-in, which leads back.
fn to_login(visit: &Visit) -> Response {
    let next = visit.base.join(&visit.address);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &next)
        .finish();
    Redirect::to(&visit.base.join(&format!("/login?{query}"))).into_response()
}

/// True for a browser. htmx asks for a page of the history with a header of its own only.
fn takes_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let is_of_history = headers.contains_key("hx-history-restore-request");
    is_of_history || accept.is_some_and(|accept| accept.contains("text/html"))
}

fn is_of_api(path: &str) -> bool {
    path.starts_with("/v1/")
        || matches!(path, "/metrics" | "/healthz" | "/readyz" | "/openapi.json")
}
