//! Callers: extractors of the scope of a request, one for each role that a route needs.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::refused::Refused;
use crate::{
    config::Role,
    http::problem::{self, Problem},
    query::Scope,
};

/// Declares a caller for each role.
macro_rules! callers {
    ($($(#[$doc:meta])* $caller:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(in crate::http) struct $caller(pub Scope);

        impl<S: Sync> FromRequestParts<S> for $caller {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                scope(parts, Role::$caller).map(Self)
            }
        }
    )+};
}

callers! {
    /// Any caller with a token, of this server as a whole.
    Metrics;
    /// Caller that reads events.
    Viewer;
    /// Caller that reads bodies and changes something.
    Operator;
    /// Caller that reads the audit.
    Privacy;
    /// Caller that leases and settles events of consumers.
    Consumer;
}

/// Caller that reads the state of consumers: a viewer, or a token of a consumer.
#[derive(Debug)]
pub(in crate::http) struct ConsumerViewer(pub Scope);

impl<S: Sync> FromRequestParts<S> for ConsumerViewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let consumer = scope(parts, Role::Consumer);
        consumer.or_else(|_| scope(parts, Role::Viewer)).map(Self)
    }
}

/// Scope of the request if its role suffices.
fn scope(parts: &Parts, role: Role) -> Result<Scope, Problem> {
    let Some(scope) = parts.extensions.get::<Scope>() else {
        let refused = parts.extensions.get::<Refused>();
        return Err(refused.unwrap_or(&Refused::NoToken).problem());
    };
    if !scope.role().covers(role) {
        let detail = format!("this needs a token with the role {}", role.as_str());
        return Err(Problem::new(problem::FORBIDDEN, detail));
    }
    Ok(scope.clone())
}
