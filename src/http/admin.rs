//! The admin listener: its routes behind the check of the access.

use std::sync::Arc;

use axum::{Router, middleware, response::IntoResponse};
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
    let base = access.base_path().clone();
    let api = Arc::new(api);
    let routes = api::routes(Arc::clone(&api))
        .merge(pages::routes(api))
        .merge(access::routes(access.clone()))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(problem::METHOD, "the route does not take this method")
        })
        .layer(middleware::from_fn_with_state(access, access::check))
        .layer(middleware::from_fn(pages::show_problems))
        .layer(CatchPanicLayer::custom(|_| {
            PanicCaught { listener: ADMIN }.emit();
            let detail = "the server has a defect; its log has a record of this request";
            Problem::new(problem::DEFECT, detail).into_response()
        }));
    base_path::below(base, routes)
}
