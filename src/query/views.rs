//! Saved views within a scope: views that a caller sees, changes and shares.

use std::sync::Arc;

use super::Scope;
use crate::{
    config::Role,
    store::{
        Error, Writes,
        views::{MOST, SavedView, SavedViews, ViewChoice},
    },
};

/// Filters that name content: a caller without content cannot open the list.
const CONTENT: [&str; 3] = ["text", "payload", "username"];

/// Saved views of all callers.
#[derive(Clone, Debug)]
pub struct Views(SavedViews);

/// Reason why a view cannot be saved, changed or opened.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// There is no such view, or the caller does not see it.
    #[error("there is no such view")]
    Missing,
    /// The view is or would be for all users.
    #[error("a view for all users needs a token with the role operator, of all apps and clients")]
    Forbidden,
    /// There are as many views as allowed.
    #[error("{} views are saved, and more are not allowed; delete one first", MOST)]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Views {
    /// The views of the database of `writes`.
    pub fn new(writes: Writes) -> Self {
        Self(SavedViews::new(writes))
    }

    /// Reads the views that the caller sees, in order of their names.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn list(&self, scope: &Scope) -> Result<Vec<SavedView>, Error> {
        Ok(seen(scope, &self.0.read().await?))
    }

    /// The views that the caller sees, as of the last minute. While Postgres is unavailable
    /// (`is_away`), the last ones from memory.
    pub async fn recent(&self, scope: &Scope, is_away: bool) -> Vec<SavedView> {
        let views = if is_away {
            self.0.known()
        } else {
            self.0.recent().await
        };
        seen(scope, &views)
    }

    /// Reads a view that the caller sees.
    ///
    /// # Errors
    /// If there is none, or Postgres is unavailable.
    pub async fn find(&self, scope: &Scope, slug: &str) -> Result<SavedView, ViewError> {
        let views = self.list(scope).await?;
        let view = views.into_iter().find(|view| view.slug == slug);
        view.ok_or(ViewError::Missing)
    }

    /// Saves a list of the pages as a view of the caller. Returns its slug.
    ///
    /// # Errors
    /// If the caller may not share it, if there are too many, or if Postgres is unavailable.
    pub async fn save(
        &self,
        scope: &Scope,
        choice: &ViewChoice,
        address: &str,
    ) -> Result<String, ViewError> {
        if choice.is_shared && !may_share_views(scope) {
            return Err(ViewError::Forbidden);
        }
        let slug = self.0.add(choice, scope.name(), address).await?;
        slug.ok_or(ViewError::Full)
    }

    /// Changes a view. Its slug stays.
    ///
    /// # Errors
    /// If the caller does not see it or may not change it, or if Postgres is unavailable.
    pub async fn change(
        &self,
        scope: &Scope,
        slug: &str,
        choice: &ViewChoice,
    ) -> Result<(), ViewError> {
        self.to_change(scope, slug).await?;
        if choice.is_shared && !may_share_views(scope) {
            return Err(ViewError::Forbidden);
        }
        Ok(self.0.change(slug, choice, scope.name()).await?)
    }

    /// Deletes a view.
    ///
    /// # Errors
    /// If the caller does not see it or may not change it, or if Postgres is unavailable.
    pub async fn remove(&self, scope: &Scope, slug: &str) -> Result<(), ViewError> {
        self.to_change(scope, slug).await?;
        Ok(self.0.remove(slug).await?)
    }

    async fn to_change(&self, scope: &Scope, slug: &str) -> Result<(), ViewError> {
        let view = self.find(scope, slug).await?;
        let may_change = may_change_view(scope, &view);
        may_change.then_some(()).ok_or(ViewError::Forbidden)
    }
}

/// True if the caller may save and change views for all users.
pub fn may_share_views(scope: &Scope) -> bool {
    scope.role().covers(Role::Operator) && !scope.is_restricted()
}

/// True if the caller may change a view that it sees.
pub fn may_change_view(scope: &Scope, view: &SavedView) -> bool {
    !view.is_shared || may_share_views(scope)
}

fn seen(scope: &Scope, views: &Arc<[SavedView]>) -> Vec<SavedView> {
    let seen = views.iter().filter(|view| sees(scope, view));
    seen.cloned().collect()
}

/// True if the caller sees a view. The filters of others may name other clients, or content.
fn sees(scope: &Scope, view: &SavedView) -> bool {
    let is_own = view.owner.as_deref() == Some(scope.name());
    let is_for_all = view.is_shared && (view.owner.is_none() || !scope.is_restricted());
    is_own || is_for_all && (scope.shows_content() || !names_content(&view.address))
}

fn names_content(address: &str) -> bool {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.any(|(name, _)| CONTENT.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Token;

    fn scope(name: &str, role: Role, content: bool, clients: Option<&str>) -> Scope {
        Scope::of(&Token {
            name: name.to_owned(),
            sha256: [0; 32],
            role,
            content,
            apps: None,
            clients: clients.map(|client| vec![client.to_owned()]),
            consumers: Vec::new(),
        })
    }

    fn view(owner: Option<&str>, is_shared: bool, address: &str) -> SavedView {
        SavedView {
            slug: "view".to_owned(),
            name: "View".to_owned(),
            owner: owner.map(str::to_owned),
            is_shared,
            is_pinned: true,
            address: address.to_owned(),
        }
    }

    #[test]
    fn a_view_is_seen_by_its_owner_or_by_all_who_may_know_its_filters() {
        let operator = scope("ann", Role::Operator, true, None);
        let viewer = scope("bob", Role::Viewer, false, None);
        let client = scope("eve", Role::Operator, true, Some("bakery"));
        for (view, seen) in [
            (view(None, true, "/events"), [true, true, true]),
            (view(Some("ann"), true, "/events"), [true, true, false]),
            (view(Some("ann"), false, "/events"), [true, false, false]),
            (view(Some("bob"), false, "/events"), [false, true, false]),
            (view(None, true, "/events?text=a"), [true, false, true]),
            (
                view(None, true, "/events?kind=a&username=b"),
                [true, false, true],
            ),
        ] {
            let found = [&operator, &viewer, &client].map(|scope| sees(scope, &view));
            assert_eq!(found, seen, "{view:?}");
        }
    }

    #[test]
    fn operators_of_all_clients_change_the_views_of_all_users() {
        let shared = view(None, true, "/events");
        for (scope, may) in [
            (scope("ann", Role::Operator, false, None), true),
            (scope("pat", Role::Privacy, false, None), true),
            (scope("bob", Role::Viewer, true, None), false),
            (scope("eve", Role::Operator, true, Some("bakery")), false),
        ] {
            assert_eq!(may_change_view(&scope, &shared), may, "{scope:?}");
            let own = view(Some(scope.name()), false, "/events");
            assert!(may_change_view(&scope, &own));
        }
    }
}
