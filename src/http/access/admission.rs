//! Admission of a request: the credential that let it in, for answers that outlast a reload.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Access, users::ProxyUser};
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
    /// User that a proxy signed in.
    User(ProxyUser),
    /// Session of a browser.
    Session(Arc<AdminSession>),
}

impl Credential {
    fn session(&self) -> Option<&AdminSession> {
        match self {
            Self::Session(session) => Some(session),
            Self::None | Self::Token(_) | Self::User(_) => None,
        }
    }
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

    /// Scope of the caller.
    pub(in crate::http) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The session of a signed-in browser.
    pub(in crate::http) fn session(&self) -> Option<&AdminSession> {
        self.credential.session()
    }

    /// True if a browser signed in with a token.
    pub(in crate::http) fn is_of_browser(&self) -> bool {
        self.session().is_some()
    }

    /// True if a proxy signed the user in.
    pub(super) fn is_by_proxy(&self) -> bool {
        matches!(self.credential, Credential::User(_))
    }

    /// True if the browser adds the credential by itself, also to requests of other sites.
    pub(super) fn is_added_by_browser(&self) -> bool {
        self.is_of_browser() || self.is_by_proxy()
    }

    /// Waits until the credential was removed or got another scope.
    pub(in crate::http) async fn until_revoked(&mut self) {
        while self.is_valid() {
            let credential = &self.credential;
            let ended = async {
                match credential.session() {
                    Some(session) => session.until_ended().await,
                    None => std::future::pending().await,
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
