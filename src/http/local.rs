//! The API inside of this process: for local commands, without a listener and a token.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    http::{Request, Response},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    api::{self, Api},
    connection::{Connection, Streams},
    problem::Problem,
};
use crate::query::Scope;

/// The API for commands of this process.
#[derive(Clone, Debug)]
pub struct LocalApi(Router);

impl LocalApi {
    /// Answers queries within `scope`.
    pub fn new(api: Api, scope: Scope) -> Self {
        let connection = Connection::new(CancellationToken::new(), Streams::default());
        let routes = api::routes(Arc::new(api)).fallback(async || Problem::not_found());
        Self(routes.layer(Extension(scope)).layer(Extension(connection)))
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Body> {
        let answered = self.0.clone().oneshot(request.map(Body::from)).await;
        answered.unwrap_or_else(|never: Infallible| match never {})
    }
}
