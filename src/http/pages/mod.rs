//! Pages for a browser: the same answers as the API, as HTML.
//!
//! A page reads by the functions of [`api`](super::api), under the same scope and with the same
//! entries in the audit, and renders the answer with a template of `templates/`. Each page is
//! complete without scripts. htmx asks for the changed part only, by `HX-Request`. [`PAGES`] lists
//! the pages.

mod account;
mod account_kinds;
mod account_line;
mod account_list;
mod accounts;
mod acts;
mod alert;
mod answer;
mod around;
mod assets;
mod audit;
mod body_view;
mod bytes;
mod causes;
mod chart;
mod comments;
mod compression;
mod conversations;
mod cookies;
mod copies;
mod deliveries;
mod delivery;
mod delivery_copies;
mod delivery_items;
mod delivery_path;
mod delivery_view;
mod digits;
mod elsewhere;
mod event;
mod event_line;
mod events;
mod export;
mod faults;
mod filters;
mod find;
mod frame;
mod frame_choices;
mod frame_scope;
mod frame_tools;
mod gap_strip;
mod health;
mod health_parts;
mod heat;
mod json_tree;
mod kinds;
mod known;
mod licences;
mod live;
mod login;
mod newer;
mod offers;
mod overview;
mod overview_data;
mod pasted;
mod period;
mod pinned;
mod preferences;
mod problems;
mod recheck;
mod rejections;
mod reserialized;
mod sender;
mod setup;
mod steps;
mod surroundings;
mod term;
mod text;
mod times;
mod views;
mod visit;

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get},
};

use self::surroundings::{Source, with_surroundings};
use super::{api::Api, parameters::Known};
use crate::{config::BasePath, query::Views};

pub(super) use faults::tell_faults;
pub(super) use problems::show_problems;

/// Route of a page.
struct Page {
    path: &'static str,
    handler: fn() -> MethodRouter<Arc<Api>>,
    /// Parameters of the query: those of the API, and those that only choose the view.
    parameters: Known,
}

const PAGES: &[Page] = &[
    overview::PAGE,
    live::PAGE,
    events::PAGE,
    event::PAGE,
    newer::PAGE,
    alert::PAGE,
    around::PAGE,
    export::PAGE,
    audit::PAGE,
    licences::PAGE,
    find::PAGE,
    offers::PAGE,
    health::PAGE,
    health::DRAIN,
    deliveries::PAGE,
    delivery::PAGE,
    rejections::PAGE,
    recheck::PAGE,
    conversations::LIST,
    conversations::SHOW,
    comments::LIST,
    comments::SHOW,
    account_list::PAGE,
    account::PAGE,
    views::LIST,
    views::SHOW,
    views::REMOVE,
];

/// Parameters of the page at a path.
fn parameters_of(path: &str) -> Option<Known> {
    let page = PAGES.iter().find(|page| page.path == path);
    page.map(|page| page.parameters)
}

/// Routes of all pages and their assets.
pub(super) fn routes(api: Arc<Api>) -> Router {
    let pages = PAGES.iter().fold(Router::new(), |router, page| {
        let handler = (page.handler)().route_layer(Extension(page.parameters));
        router.route(page.path, handler)
    });
    let views = (Arc::clone(&api), Views::new(api.writes.clone()));
    let source = Source {
        api: Arc::clone(&api),
        kept: Arc::default(),
    };
    pages
        .with_state(api)
        .route_layer(middleware::from_fn_with_state(views, pinned::with_views))
        .route_layer(middleware::from_fn_with_state(source, with_surroundings))
        .route_layer(middleware::from_fn(without_empty_parameters))
        .route("/preferences", preferences::form())
        .route("/login", get(login::show))
        .route("/assets/{version}/{*file}", get(assets::file))
        .route_layer(middleware::from_fn(compression::compress))
}

/// Redirects a form with empty fields to the address without them: an address says only what was
/// chosen, and an empty filter is none.
async fn without_empty_parameters(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let is_empty = |pair: &&str| pair.ends_with('=') || !pair.contains('=');
    if !query.split('&').any(|pair| is_empty(&pair)) || query.is_empty() {
        return next.run(request).await;
    }
    let given: Vec<_> = query.split('&').filter(|pair| !is_empty(pair)).collect();
    let mark = if given.is_empty() { "" } else { "?" };
    let base: BasePath = request.extensions().get().cloned().unwrap_or_default();
    let path = base.join(request.uri().path());
    Redirect::to(&format!("{path}{mark}{}", given.join("&"))).into_response()
}
