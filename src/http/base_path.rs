//! The base path of the admin listener: everything is served below it, and the probes also at the
//! root, where service managers and Prometheus ask for them.

use std::convert::Infallible;

use axum::{
    Router,
    extract::{Request, State},
    http::{Uri, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use tower::ServiceExt;

use super::problem::{self, Problem};
use crate::config::BasePath;

/// Paths that are also served at the root.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Routes and their base path.
#[derive(Clone, Debug)]
struct Below {
    base: BasePath,
    routes: Router,
}

/// Serves `routes` below `base`. Handlers see their paths without it, and find it in the extensions.
pub(super) fn below(base: BasePath, routes: Router) -> Router {
    if base.is_root() {
        return routes;
    }
    Router::new()
        .fallback(serve)
        .with_state(Below { base, routes })
}

async fn serve(State(Below { base, routes }): State<Below>, mut request: Request) -> Response {
    if let Some(uri) = stripped(&base, request.uri()) {
        *request.uri_mut() = uri;
    } else if !PROBES.contains(&request.uri().path()) {
        let detail = format!("no such path; this server is below {base}");
        let problem = Problem::new(problem::NOT_FOUND, detail);
        return problem::below(&base, problem.into_response());
    }
    request.extensions_mut().insert(base.clone());
    let answered = routes.oneshot(request).await;
    problem::below(
        &base,
        answered.unwrap_or_else(|never: Infallible| match never {}),
    )
}

/// The URI without the base path; `None` if it lies elsewhere.
fn stripped(base: &BasePath, uri: &Uri) -> Option<Uri> {
    let path = base.strip(uri.path())?;
    let query = uri.query().map_or_else(String::new, |it| format!("?{it}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(format!("{path}{query}")).ok();
    Uri::from_parts(parts).ok()
}
