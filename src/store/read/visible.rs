//! Rows that a session may see.

use super::Conditions;

/// Restriction of a session to rows of apps, and of accounts of clients. All sets that are present
/// must contain the row's app or client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visible {
    /// Names of the apps; `None` for every app.
    pub apps: Option<Vec<String>>,
    /// Clients of the accounts; `None` for every account, with a client or without.
    pub clients: Option<Vec<String>>,
}

impl Conditions {
    /// Restricts rows to visible ones. The rows have the columns `app` and `account_id`.
    pub(super) fn visible(&mut self, visible: &Visible) -> &mut Self {
        self.visible_app(visible);
        if let Some(clients) = &visible.clients {
            self.of_clients(clients.clone());
        }
        self
    }

    /// Restricts rows to accounts of `clients`.
    pub(super) fn of_clients(&mut self, clients: Vec<String>) -> &mut Self {
        self.0
            .push(" AND (app, account_id) IN (SELECT app, account_id FROM accounts AS a WHERE ");
        self.0
            .push("a.client = ANY (")
            .push_bind(clients)
            .push("))");
        self
    }

    /// Restricts deliveries: with clients, to those with an item of a visible account. The rows are
    /// those of `deliveries AS d`.
    pub(super) fn visible_delivery(&mut self, visible: &Visible) -> &mut Self {
        self.visible_app(visible);
        if let Some(clients) = &visible.clients {
            self.0.push(
                " AND EXISTS (
                     SELECT FROM (SELECT position, received_at, account_id FROM events
                                  UNION ALL
                                  SELECT position, received_at, account_id FROM repeats
                                  UNION ALL
                                  SELECT m.moved_from, m.received_at, e.account_id
                                  FROM moved_events AS m JOIN events AS e USING (position, received_at)
                                 ) AS item
                     JOIN accounts AS a ON a.app = d.app AND a.account_id = item.account_id
                     WHERE item.received_at = d.received_at AND item.position >= d.first_position
                       AND item.position < d.first_position + d.event_count
                       AND a.client = ANY (",
            );
            self.0.push_bind(clients.clone()).push("))");
        }
        self
    }

    /// Restricts rows that belong to an app and to no account: with clients, none is visible.
    pub(super) fn visible_without_account(&mut self, visible: &Visible) -> &mut Self {
        self.visible_app(visible);
        if visible.clients.is_some() {
            self.0.push(" AND false");
        }
        self
    }

    /// Restricts rows that concern a whole app: with clients, to apps with an account of theirs.
    pub(super) fn visible_app_of_account(&mut self, visible: &Visible) -> &mut Self {
        self.visible_app(visible);
        if let Some(clients) = &visible.clients {
            self.0
                .push(" AND app IN (SELECT a.app FROM accounts AS a WHERE a.client = ANY (")
                .push_bind(clients.clone())
                .push("))");
        }
        self
    }

    /// Restricts rows to visible apps.
    pub(super) fn visible_app(&mut self, visible: &Visible) -> &mut Self {
        if let Some(apps) = &visible.apps {
            self.and_any("app", apps.clone());
        }
        self
    }
}
