//! Audience of a stream: the events that a scope may see.

use std::collections::HashMap;

use crate::{
    query::Scope,
    store::read::{EventRow, Visible},
};

/// Client of each account with a client, by app and account id.
pub(super) type Owners = HashMap<String, HashMap<String, String>>;

impl Scope {
    /// True if the clients of the accounts decide which events the scope may see.
    pub(super) fn is_by_client(&self) -> bool {
        self.visible().clients.is_some()
    }

    /// True if the scope may see the event.
    pub(super) fn sees(&self, event: &EventRow, owners: &Owners) -> bool {
        sees(self.visible(), event, owners)
    }
}

fn sees(visible: &Visible, event: &EventRow, owners: &Owners) -> bool {
    let app = visible.apps.as_ref();
    app.is_none_or(|apps| apps.contains(&event.app)) && sees_account(visible, event, owners)
}

fn sees_account(visible: &Visible, event: &EventRow, owners: &Owners) -> bool {
    let Some(clients) = &visible.clients else {
        return true;
    };
    owner(event, owners).is_some_and(|owner| clients.contains(owner))
}

/// Client of the account of an event.
pub(super) fn owner<'o>(event: &EventRow, owners: &'o Owners) -> Option<&'o String> {
    let accounts = owners.get(&event.app).zip(event.account_id.as_ref());
    accounts.and_then(|(accounts, id)| accounts.get(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(app: &str, account: Option<&str>) -> EventRow {
        EventRow {
            app: app.to_owned(),
            account_id: account.map(str::to_owned),
            ..EventRow::default()
        }
    }

    #[test]
    fn a_scope_sees_its_apps_and_accounts_of_its_clients_only() {
        let accounts = [("1", "bakery"), ("2", "florist")];
        let accounts = accounts.map(|(id, client)| (id.to_owned(), client.to_owned()));
        let owners = Owners::from([("one".to_owned(), accounts.into())]);
        let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        let sees = |apps, clients, event: &EventRow| {
            let visible = Visible { apps, clients };
            sees(&visible, event, &owners)
        };
        assert!(sees(None, None, &event("two", None)));
        assert!(sees(names(&["one"]), None, &event("one", None)));
        assert!(!sees(names(&["one"]), None, &event("two", None)));
        let bakery = || names(&["bakery"]);
        assert!(sees(None, bakery(), &event("one", Some("1"))));
        assert!(!sees(None, bakery(), &event("one", Some("2"))));
        assert!(!sees(None, bakery(), &event("one", Some("3"))));
        assert!(!sees(None, bakery(), &event("one", None)));
        assert!(
            !sees(None, bakery(), &event("two", Some("1"))),
            "another app"
        );
        assert!(!sees(names(&["two"]), bakery(), &event("one", Some("1"))));
    }
}
