//! Visit: the parts of a request that every page needs, besides its parameters.

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;

use super::preferences::Preferences;
use crate::clock::Clock;

/// Request for a page.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) preferences: Preferences,
    /// Path and query.
    pub(super) address: String,
    /// True if htmx asks for the changed part of a page.
    pub(super) is_part: bool,
    pub(super) now: Timestamp,
}

impl Visit {
    /// Reads the parts of a request.
    pub(super) fn of(parts: &Parts) -> Self {
        let address = parts.uri.path_and_query();
        Self {
            preferences: Preferences::of(&parts.headers),
            address: address.map_or("/", |address| address.as_str()).to_owned(),
            is_part: parts.headers.contains_key("hx-request"),
            now: Clock::system().now(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}
