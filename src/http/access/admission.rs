//! Admission of a request: the credential that let it in, for answers that outlast a reload.

use std::sync::Arc;

use tokio::sync::watch;

use super::Access;
use crate::{
    query::Scope,
    store::sessions::{AdminSession, Digest},
};

/// Credential and scope of an admitted request.
#[derive(Clone, Debug)]
pub(in crate::http) struct Admission {
    access: Access,
    credential: Credential,
    scope: Scope,
    replaced: watch::Receiver<()>,
}

/// Credential of an admitted request.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// None: nobody signs in.
    None,
    /// SHA-256 of a token.
    Token(Digest),
    /// Session of a browser.
    Session(Arc<AdminSession>),
}

impl Admission {
    pub(super) fn new(access: &Access, credential: Credential, scope: Scope) -> Self {
        Self {
            replaced: access.0.replaced.subscribe(),
            access: access.clone(),
            credential,
            scope,
        }
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The session of a signed-in browser.
    pub(super) fn session(&self) -> Option<&AdminSession> {
        match &self.credential {
            Credential::Session(session) => Some(session),
            Credential::None | Credential::Token(_) => None,
        }
    }

    /// True if the browser adds the credential by itself, also to requests of other sites.
    pub(super) fn is_added_by_browser(&self) -> bool {
        matches!(self.credential, Credential::Session(_))
    }

    /// Waits until the credential was removed or got another scope.
    pub(in crate::http) async fn until_revoked(&mut self) {
        while self.is_valid() {
            let credential = &self.credential;
            let ended = async {
                match credential {
                    Credential::Session(session) => session.until_ended().await,
                    Credential::None | Credential::Token(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.replaced.changed() => if changed.is_err() {
                    return;
                },
                () = ended => return,
            }
        }
    }

    /// True until the credential was removed or got another scope.
    pub(in crate::http) fn is_valid(&self) -> bool {
        self.access.scope_of(&self.credential).as_ref() == Some(&self.scope)
    }
}
