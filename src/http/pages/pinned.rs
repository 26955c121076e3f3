//! Saved views in the frame: the pinned ones in the navigation, and the form that saves a list.

use std::sync::Arc;

use askama::filters::Safe;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::text::{Stored, stored};
use crate::{
    http::api::Api,
    query::{SavedView, Scope, Views, may_share_views},
};

/// Lists that can be saved.
const LISTS: [&str; 8] = [
    "/live",
    "/events",
    "/conversations",
    "/comments",
    "/deliveries",
    "/rejections",
    "/accounts",
    "/audit",
];

/// Parameters of a place in a list, which a view does not keep.
const PLACES: [&str; 5] = ["after", "before", "open", "find", "wait"];

/// Maximum number of views in the navigation.
const MOST: usize = 10;

/// Views that the reader sees.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnViews(Arc<[SavedView]>);

/// Views around a page.
#[derive(Debug)]
pub(super) struct FrameViews {
    own: OwnViews,
    /// Address of the page, as a view would keep it.
    address: String,
    /// True if the reader may save views for all users.
    pub(super) may_share: bool,
    is_known: bool,
}

impl FrameViews {
    /// Views of a reader around the page at an address.
    pub(super) fn of(own: &OwnViews, address: &str, scope: Option<&Scope>) -> Self {
        Self {
            own: own.clone(),
            address: kept(address),
            may_share: scope.is_some_and(may_share_views),
            is_known: scope.is_some(),
        }
    }

    /// Views that the reader sees, in order of their names.
    pub(super) fn own(&self) -> &[SavedView] {
        &self.own.0
    }

    /// True if the reader has views.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// Address and name of each pinned view, and if it is the present page.
    pub(super) fn pinned(&self) -> Vec<(&str, Safe<Stored<'_>>, bool)> {
        let pinned = self.own.0.iter().filter(|view| view.is_pinned).take(MOST);
        pinned
            .map(|view| {
                let is_current = view.address == self.address;
                (view.address.as_str(), stored(&view.name), is_current)
            })
            .collect()
    }

    /// True if the present page is a list that can be saved.
    pub(super) fn is_list(&self) -> bool {
        self.is_known && is_list(path_of(&self.address))
    }

    /// True if the present page is the list of views.
    pub(super) fn is_here(&self) -> bool {
        path_of(&self.address) == "/views"
    }

    /// Slug and name of the view that shows the present list.
    pub(super) fn saved_as(&self) -> Option<(&str, Safe<Stored<'_>>)> {
        let mut views = self.own.0.iter();
        let view = views.find(|view| view.address == self.address)?;
        Some((&view.slug, stored(&view.name)))
    }
}

/// True for the path of a list that can be saved.
pub(super) fn is_list(path: &str) -> bool {
    LISTS.contains(&path)
}

/// An address without the place in its list and without empty parameters.
pub(super) fn kept(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !PLACES.contains(&&*name) && !value.is_empty() {
            kept.append_pair(&name, &value);
        }
    }
    match kept.finish() {
        none if none.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn path_of(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

/// Adds the views of the caller to a request for a page. They come from memory but for one page a
/// minute, and never from Postgres while it is unavailable.
pub(super) async fn with_views(
    State((api, views)): State<(Arc<Api>, Views)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(scope) = request.extensions().get::<Scope>().cloned() {
        let own = views.recent(&scope, api.readiness.is_away()).await;
        request.extensions_mut().insert(OwnViews(own.into()));
    }
    request.extensions_mut().insert(views);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_filters_and_no_place() {
        for (address, expected) in [
            ("/events", "/events"),
            ("/events?", "/events"),
            ("/events?open=7&find=a&before=9&after=1&wait=2", "/events"),
            (
                "/events?kind=a&text=&open=7&kind=b",
                "/events?kind=a&kind=b",
            ),
            (
                "/events?text=%22a+b%22&since=7d",
                "/events?text=%22a+b%22&since=7d",
            ),
        ] {
            assert_eq!(kept(address), expected);
            assert_eq!(kept(expected), expected);
        }
    }
}
