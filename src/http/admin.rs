//! The admin listener: its routes behind the check of the access.

use std::{any::Any, sync::Arc};

use axum::{
    Router, middleware,
    response::{IntoResponse, Response},
};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    access::{self, Access},
    api::{self, Api},
    base_path,
    listener::ADMIN,
    pages,
    problem::{self, Problem},
};
use crate::telemetry::{LogEvent, PanicCaught};

/// The router of the admin listener.
pub fn router(access: Access, api: Api) -> Router {
    let api = Arc::new(api);
    let routes = api::routes(Arc::clone(&api))
        .merge(pages::routes(Arc::clone(&api)))
        .merge(access::routes(access.clone()))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(problem::METHOD, "the route does not take this method")
        })
        .layer(CatchPanicLayer::custom(defect))
        .layer(middleware::from_fn_with_state(api, pages::tell_faults));
    guarded(routes, access)
}

/// Routes behind the check, below the base path. A problem of any of them is a page for a browser; a
/// panic outside of the routes is caught, too.
fn guarded(routes: Router, access: Access) -> Router {
    let base = access.base_path().clone();
    let checked = routes.layer(middleware::from_fn_with_state(access, access::check));
    base_path::below(base.clone(), checked)
        .layer(middleware::from_fn_with_state(base, pages::show_problems))
        .layer(CatchPanicLayer::custom(defect))
}

/// Answer to a request that caused a panic.
fn defect(_: Box<dyn Any + Send>) -> Response {
    PanicCaught { listener: ADMIN }.emit();
    let detail = "the server has a defect; its log has a record of this request";
    Problem::new(problem::DEFECT, detail).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{Request, StatusCode, header},
        routing::get,
    };
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::{
        config::{self, Sources},
        store::{ConnectOptions, Writes, sessions::AdminSessions},
    };

    async fn broken() -> StatusCode {
        panic!("a defect")
    }

    /// Status, media type and text of the answer to a browser at `path`, below a base path.
    async fn answer(path: &str) -> (u16, String, String) {
        let variables = [("DATA_DIR", "/nowhere"), ("ADMIN__BASE_PATH", "/shelf")];
        let env = variables.map(|(key, value)| (format!("HOOKSHELF__{key}"), value.to_owned()));
        let sources = Sources {
            env: env.to_vec(),
            ..Sources::default()
        };
        let config = config::load(&sources).unwrap();
        let sessions = AdminSessions::new(Writes::new(&ConnectOptions::new()));
        let address = ([127, 0, 0, 1], 9090).into();
        let (access, _) = Access::new(&config, address, None, sessions);
        let routes = Router::new()
            .route("/broken", get(broken))
            .layer(CatchPanicLayer::custom(defect));
        let request = Request::get(path)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, "text/html")
            .body(Body::empty());
        let answer = guarded(routes, access).oneshot(request.unwrap()).await;
        let (head, body) = answer.unwrap().into_parts();
        let media = head.headers[header::CONTENT_TYPE].to_str().unwrap();
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        (head.status.as_u16(), media.to_owned(), text)
    }

    #[tokio::test]
    async fn a_browser_gets_a_page_also_after_a_panic_and_outside_of_the_base_path() {
        for (path, status, detail, knows_caller) in [
            ("/shelf/broken", 500, "the server has a defect", true),
            ("/broken", 404, "this server is below /shelf", false),
        ] {
            let (found, media, text) = answer(path).await;
            assert_eq!((found, &*media), (status, "text/html; charset=utf-8"));
            assert!(text.contains(detail), "{text}");
            assert!(text.contains("href=\"/shelf/events\""), "{text}");
            assert_eq!(text.contains("<span>local</span>"), knows_caller, "{text}");
        }
    }
}
