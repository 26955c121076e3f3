//! Admission of a request: the token that let it in, for answers that outlast a reload.

use tokio::sync::watch;

use super::Access;
use crate::query::Scope;

/// Token and scope of an admitted request.
#[derive(Clone, Debug)]
pub(in crate::http) struct Admission {
    access: Access,
    /// SHA-256 of the token; `None` without a token.
    token: Option<[u8; 32]>,
    scope: Scope,
    replaced: watch::Receiver<()>,
}

impl Admission {
    pub(super) fn new(access: &Access, token: Option<[u8; 32]>, scope: Scope) -> Self {
        Self {
            replaced: access.0.replaced.subscribe(),
            access: access.clone(),
            token,
            scope,
        }
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Waits until the token was removed or got another scope.
    pub(in crate::http) async fn until_revoked(&mut self) {
        while self.is_valid() {
            if self.replaced.changed().await.is_err() {
                return;
            }
        }
    }

    /// True until the token was removed or got another scope.
    pub(in crate::http) fn is_valid(&self) -> bool {
        match &self.token {
            Some(token) => self.access.scope(token).as_ref() == Some(&self.scope),
            None => self.access.0.tokens.load().is_empty(),
        }
    }
}
