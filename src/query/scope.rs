//! Scope: rows that a caller may see, and actions that it may take.

use crate::{
    config::{Admin, AppName, Name, Role, Token, User},
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
    /// Consumers of a token with the role consumer.
    consumers: Vec<Name>,
}

impl Scope {
    /// Scope of a caller without a token: a local command or a loopback client.
    pub fn local(role: Role) -> Self {
        Self {
            name: Admin::LOCAL.to_owned(),
            role,
            content: true,
            visible: Visible::default(),
            consumers: Vec::new(),
        }
    }

    /// Scope of a token.
    pub fn of(token: &Token) -> Self {
        Self {
            name: token.name.clone(),
            role: token.role,
            content: token.content,
            visible: visible(token.apps.as_deref(), token.clients.as_deref()),
            consumers: token.consumers.clone(),
        }
    }

    /// Scope of the user `name` by an entry of the configuration.
    pub fn of_user(name: &str, user: &User) -> Self {
        Self {
            name: name.to_owned(),
            role: user.role,
            content: user.content,
            visible: visible(user.apps.as_deref(), user.clients.as_deref()),
            consumers: Vec::new(),
        }
    }

    /// Name of the token or user, or `local`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Role of the token or user.
    pub fn role(&self) -> Role {
        self.role
    }

    /// True if texts, user names and payloads are shown.
    pub fn shows_content(&self) -> bool {
        self.content
    }

    /// True if the token or user is restricted to apps or clients.
    pub fn is_restricted(&self) -> bool {
        self.visible != Visible::default()
    }

    /// True if the caller may read the audit.
    pub fn reads_audit(&self) -> bool {
        self.role.covers(Role::Privacy) && !self.is_restricted()
    }

    /// True if both callers see the same rows and columns.
    pub fn sees_like(&self, other: &Self) -> bool {
        self.content == other.content && self.visible == other.visible
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

    /// True if the caller may lease and settle events of this consumer, whatever their apps and
    /// clients are.
    pub fn leases(&self, consumer: &str) -> bool {
        match self.role {
            Role::Consumer => self.has(consumer),
            Role::Operator | Role::Privacy => !self.is_restricted(),
            Role::Metrics | Role::Viewer => false,
        }
    }

    /// True if the caller may read the state of this consumer.
    pub fn reads_state(&self, consumer: &str) -> bool {
        match self.role {
            Role::Consumer => self.has(consumer),
            Role::Viewer | Role::Operator | Role::Privacy => !self.is_restricted(),
            Role::Metrics => false,
        }
    }

    fn has(&self, consumer: &str) -> bool {
        self.consumers.iter().any(|name| name.as_str() == consumer)
    }

    pub(super) fn visible(&self) -> &Visible {
        &self.visible
    }
}

fn visible(apps: Option<&[AppName]>, clients: Option<&[String]>) -> Visible {
    Visible {
        apps: apps.map(|apps| apps.iter().map(ToString::to_string).collect()),
        clients: clients.map(<[String]>::to_vec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(role: Role, content: bool, apps: Option<&str>) -> Scope {
        Scope::of(&Token {
            name: "a".to_owned(),
            sha256: [0; 32],
            role,
            content,
            apps: apps.map(|app| vec![app.parse().unwrap()]),
            clients: None,
            consumers: match role {
                Role::Consumer => vec!["bot".parse().unwrap()],
                _ => Vec::new(),
            },
        })
    }

    #[test]
    fn a_consumer_is_for_its_tokens_and_for_operators_who_see_everything() {
        let may = |scope: &Scope, consumer| (scope.leases(consumer), scope.reads_state(consumer));
        for (role, content, apps, expected) in [
            (Role::Metrics, false, None, (false, false)),
            (Role::Viewer, true, None, (false, true)),
            (Role::Viewer, true, Some("shop"), (false, false)),
            (Role::Operator, true, None, (true, true)),
            (Role::Operator, false, None, (true, true)),
            (Role::Operator, true, Some("shop"), (false, false)),
            (Role::Privacy, true, None, (true, true)),
            (Role::Consumer, true, None, (true, true)),
        ] {
            let found = may(&scope(role, content, apps), "bot");
            assert_eq!(found, expected, "{role:?} {content} {apps:?}");
        }
        let own = scope(Role::Consumer, true, None);
        assert_eq!(may(&own, "chatwoot"), (false, false));
        assert_eq!(may(&Scope::local(Role::Operator), "bot"), (true, true));
    }
}
