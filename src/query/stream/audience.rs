//! Audience of a stream: the events that a scope may see.

use super::clients::Clients;
use crate::{
    query::Scope,
    store::read::{EventRow, Visible},
};

impl Scope {
    /// True if the clients of the accounts decide which events the scope may see.
    pub(super) fn is_by_client(&self) -> bool {
        self.visible().clients.is_some()
    }

    /// True if the scope may see the event.
    pub(super) fn sees(&self, event: &EventRow, clients: &Clients) -> bool {
        sees(self.visible(), event, clients)
    }
}

fn sees(visible: &Visible, event: &EventRow, clients: &Clients) -> bool {
    let app = visible.apps.as_ref();
    app.is_none_or(|apps| apps.contains(&event.app)) && sees_account(visible, event, clients)
}

fn sees_account(visible: &Visible, event: &EventRow, clients: &Clients) -> bool {
    let Some(visible) = &visible.clients else {
        return true;
    };
    let client = clients.of(event);
    client.is_some_and(|client| visible.contains(client))
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
        let labels = Clients::from([("one", "1", "bakery"), ("one", "2", "florist")]);
        let names = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        let sees = |apps, clients, event: &EventRow| {
            let visible = Visible { apps, clients };
            sees(&visible, event, &labels)
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
