//! Surroundings of a page: what its frame shows of the server and of stored data, in every request.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Uri,
    middleware::Next,
    response::Response,
};
use form_urlencoded::parse;

use super::{
    faults::Faults,
    known::{Kept, Known},
};
use crate::{
    config::Role,
    http::{api::Api, problem::Problem},
    query::{AccountFilter, Scope},
};

/// Pages that need no database. They wait for none.
const OF_MEMORY: &str = "/health";

/// Maximum length of an id or a name in bytes.
const LONGEST: usize = 512;

/// Stored data for the frame.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// `None` while Postgres is unavailable.
    pub(super) known: Option<Arc<Known>>,
    /// Number of files of the spool that were set aside.
    pub(super) set_aside: u64,
    /// True if the caller sees no account of the chosen scope.
    pub(super) is_lost: bool,
}

/// State of the layer.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) api: Arc<Api>,
    pub(super) kept: Arc<Kept>,
}

/// Adds the faults and the surroundings to a request for a page.
pub(super) async fn with_surroundings(
    State(source): State<Source>,
    mut request: Request,
    next: Next,
) -> Response {
    let faults = Faults::seen_by(request.extensions().get(), &source.api);
    let scope = request.extensions().get::<Scope>().cloned();
    let uri = request.uri().clone();
    let surroundings = match scope.filter(|scope| scope.role().covers(Role::Viewer)) {
        Some(scope) => source.of(&scope, &faults, &uri).await,
        None => Surroundings::default(),
    };
    request.extensions_mut().insert(surroundings);
    request.extensions_mut().insert(faults);
    next.run(request).await
}

impl Source {
    async fn of(&self, scope: &Scope, faults: &Faults, uri: &Uri) -> Surroundings {
        let is_of_memory = uri.path().starts_with(OF_MEMORY);
        let known = if faults.is_away() {
            None
        } else if is_of_memory {
            self.kept.peek(scope)
        } else {
            self.kept.get(&self.api, scope).await
        };
        let query = uri.query().unwrap_or_default();
        let is_lost = match &known {
            Some(known) if !is_of_memory => {
                let found = finds(&self.api, scope, known, query).await;
                !found.unwrap_or(true)
            }
            _ => false,
        };
        Surroundings {
            known,
            set_aside: self.api.spool.report().files_set_aside,
            is_lost,
        }
    }
}

/// True if the caller sees an account of each name in the scope that `query` chooses. A name that is
/// not known may be new.
async fn finds(api: &Api, scope: &Scope, known: &Known, query: &str) -> Result<bool, Problem> {
    for (name, value) in parse(query.as_bytes()) {
        let is_name = (1..=LONGEST).contains(&value.len()) && !value.contains('\0');
        let found = match &*name {
            "account" if is_name && known.account(&value).is_none() => {
                let mut session = api.session(scope).await?;
                !api.read(session.account_ids(&value)).await?.is_empty()
            }
            "client" if is_name && !known.clients.iter().any(|client| *client == value) => {
                let filter = AccountFilter {
                    client: Some(value.into_owned()),
                    ..AccountFilter::default()
                };
                let mut session = api.session(scope).await?;
                let accounts = api.read(session.accounts(&filter, 1)).await?;
                !accounts.rows.is_empty()
            }
            _ => true,
        };
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}
