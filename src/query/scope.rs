//! Scope: rows that a caller may see, and actions that it may take.

use crate::{
    config::{Role, Token},
    store::read::Visible,
};

/// Rows that a caller may see, and actions that it may take. Only the authentication of `http` and
/// the local command line construct a scope (`tests/tidy/places.rs`). A
/// [`Session`](super::Session), and so every query, needs a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    name: String,
    role: Role,
    content: bool,
    visible: Visible,
}

impl Scope {
    /// Scope of a caller without a token: a local command or a loopback client.
    pub fn local(role: Role) -> Self {
        Self {
            name: "local".to_owned(),
            role,
            content: true,
            visible: Visible::default(),
        }
    }

    /// Scope of a token.
    pub fn of(token: &Token) -> Self {
        let apps = token.apps.as_ref();
        Self {
            name: token.name.clone(),
            role: token.role,
            content: token.content,
            visible: Visible {
                apps: apps.map(|apps| apps.iter().map(ToString::to_string).collect()),
                clients: token.clients.clone(),
            },
        }
    }

    /// Name of the token, or `local`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Role of the token.
    pub fn role(&self) -> Role {
        self.role
    }

    /// True if texts, user names and payloads are shown.
    pub fn shows_content(&self) -> bool {
        self.content
    }

    /// True if the token is restricted to apps or clients.
    pub fn is_restricted(&self) -> bool {
        self.visible != Visible::default()
    }

    /// Apps of which everything is visible, among `asked` if that is given; `None` for every app.
    /// A token restricted to clients sees no app as a whole.
    pub fn whole_apps(&self, asked: Option<String>) -> Option<Vec<String>> {
        let own = match &self.visible.clients {
            Some(_) => Some(Vec::new()),
            None => self.visible.apps.clone(),
        };
        match (asked, own) {
            (None, own) => own,
            (Some(app), None) => Some(vec![app]),
            (Some(app), Some(mut own)) => {
                own.retain(|name| *name == app);
                Some(own)
            }
        }
    }

    pub(super) fn visible(&self) -> &Visible {
        &self.visible
    }
}
