//! Problems as pages, for callers that take HTML.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use super::{
    answer::{add, answer, rendered},
    faults::Faults,
    frame::Frame,
    visit::Visit,
};
use crate::{
    config::BasePath,
    http::{access::Admission, problem},
};

#[derive(Template)]
#[template(path = "problem.html", blocks = ["main"])]
struct ProblemPage {
    frame: Frame,
    detail: String,
    /// True if the request can be sent again as a link.
    is_get: bool,
    /// Form of the sign-in, if it helps.
    sign_in: Option<String>,
}

rendered!(ProblemPage);

/// Headers with which htmx shows a problem in place of the part that failed, and nothing else.
const IN_PIECE: [(HeaderName, &str); 3] = [
    (HeaderName::from_static("hx-reselect"), ".empty"),
    (
        HeaderName::from_static("hx-reswap"),
        "innerHTML ignoreTitle:true",
    ),
    (HeaderName::from_static("hx-push-url"), "false"),
];

/// Shows the problem of a request for a page as a page. The answers of the API stay JSON. It runs
/// outside of the check and of the base path, so that their problems are pages, too.
pub(in crate::http) async fn show_problems(
    State(base): State<BasePath>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let is_of_api = is_of_api(base.strip(path).unwrap_or(path));
    if is_of_api || !takes_html(request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let visit = Visit::before_check(&parts, &base);
    let is_get = parts.method == Method::GET;
    let has_token = parts.headers.contains_key(header::AUTHORIZATION);
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some((title, detail)) = problem::told(&response) else {
        return response;
    };
    let may_sign_in = response.status() == StatusCode::UNAUTHORIZED && !has_token;
    if may_sign_in && is_get {
        return to_login(&visit);
    }
    let admission = response.extensions().get::<Admission>();
    let visit = Visit {
        is_signed_in: admission.is_some_and(Admission::is_of_browser),
        faults: response
            .extensions()
            .get::<Faults>()
            .cloned()
            .unwrap_or_default(),
        // The frame around a failed piece stays.
        is_part: visit.is_part && visit.piece.is_none(),
        ..visit
    };
    let mut frame = Frame::new(&visit, admission.map(Admission::scope), title, None);
    frame.problem = Some(response.status().as_u16());
    let page = ProblemPage {
        frame,
        detail,
        is_get,
        sign_in: may_sign_in.then(|| visit.base.join("/login")),
    };
    shown(response, &visit, &page)
}

/// The page of a problem, with the headers of the problem.
fn shown(mut response: Response, visit: &Visit, page: &ProblemPage) -> Response {
    let mut shown = answer(response.status(), visit, page);
    for name in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers_mut().remove(&name) {
            shown.headers_mut().insert(name, value);
        }
    }
    if visit.piece.is_some() {
        add(&mut shown, IN_PIECE);
    }
    shown
}

/// Leads to the form of the sign-in, which leads back.
fn to_login(visit: &Visit) -> Response {
    let next = visit.base.join(&visit.address);
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", &next)
        .finish();
    let login = visit.base.join(&format!("/login?{query}"));
    if visit.piece.is_some() {
        return (StatusCode::NO_CONTENT, [("hx-redirect", login)]).into_response();
    }
    Redirect::to(&login).into_response()
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
