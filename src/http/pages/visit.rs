//! Visit: the parts of a request that every page needs, besides its parameters.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{
        request::Parts,
        uri::{Authority, PathAndQuery},
    },
};
use jiff::Timestamp;

use super::{
    faults::Faults, pinned::OwnViews, preferences::Preferences, surroundings::Surroundings,
};
use crate::{clock::Clock, config::BasePath, http::access::Admission};

/// Piece of a page that htmx shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The pane beside a list.
    Pane,
    /// Elements that htmx selects from the whole page.
    Selected,
}

/// Request for a page.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) preferences: Preferences,
    /// Path below which all pages are.
    pub(super) base: BasePath,
    /// True if the browser signed in with a token.
    pub(super) is_signed_in: bool,
    /// Path and query below the base path.
    pub(super) address: String,
    /// Scheme and authority of the server, as the browser knows it.
    pub(super) origin: String,
    /// True if htmx asks for the changed part of a page, and not for an element of the whole page.
    pub(super) is_part: bool,
    /// Set if htmx shows a piece of the page only.
    pub(super) piece: Option<Piece>,
    pub(super) now: Timestamp,
    /// Current faults of the server, for the alert line.
    pub(super) faults: Faults,
    /// Saved views that the reader sees.
    pub(super) views: OwnViews,
    pub(super) surroundings: Surroundings,
}

impl Visit {
    /// Reads the parts of a request.
    pub(super) fn of(parts: &Parts) -> Self {
        let base = parts.extensions.get().cloned().unwrap_or_default();
        Self::at(parts, base, address(parts))
    }

    /// Reads the parts of a request whose path has the base path, or lies elsewhere. The caller and
    /// the faults are not known yet.
    pub(super) fn before_check(parts: &Parts, base: &BasePath) -> Self {
        let address = base.strip(address(parts)).unwrap_or("/");
        Self::at(parts, base.clone(), address)
    }

    fn at(parts: &Parts, base: BasePath, address: &str) -> Self {
        let admission = parts.extensions.get::<Admission>();
        let is_of_htmx = parts.headers.contains_key("hx-request");
        let says = |name, value: &str| parts.headers.get(name).is_some_and(|it| it == value);
        let piece = if says("hx-target", "div#beside") {
            Some(Piece::Pane)
        } else {
            says("hx-request-type", "full").then_some(Piece::Selected)
        };
        let piece = piece.filter(|_| is_of_htmx);
        Self {
            preferences: Preferences::of(&parts.headers),
            base,
            is_signed_in: admission.is_some_and(Admission::is_of_browser),
            address: local(address),
            origin: origin(parts),
            is_part: is_of_htmx && piece != Some(Piece::Selected),
            piece,
            faults: parts.extensions.get().cloned().unwrap_or_default(),
            views: parts.extensions.get().cloned().unwrap_or_default(),
            surroundings: parts.extensions.get().cloned().unwrap_or_default(),
            now: Clock::system().now(),
        }
    }
}

/// Path and query of a request.
fn address(parts: &Parts) -> &str {
    let address = parts.uri.path_and_query();
    address.map_or("/", PathAndQuery::as_str)
}

/// Address for links: two slashes at its start would name another server.
fn local(address: &str) -> String {
    format!("/{}", address.trim_start_matches('/'))
}

/// Scheme and authority in copied addresses. A page of another site cannot set these headers.
fn origin(parts: &Parts) -> String {
    let header = |name| parts.headers.get(name).and_then(|it| it.to_str().ok());
    let is_plain = |it: &char| it.is_ascii_alphanumeric() || "-.:[]".contains(*it);
    let authority = parts.uri.authority().map(Authority::as_str);
    let host = authority.or(header("host")).unwrap_or("localhost");
    let scheme = match header("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    format!(
        "{scheme}://{}",
        host.chars().filter(is_plain).collect::<String>()
    )
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
