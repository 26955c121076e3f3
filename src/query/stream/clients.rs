//! Clients of the accounts, as last read from the database.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use crate::store::{
    Connection, Error,
    read::{self, EventRow},
};

/// Maximum age while events arrive.
const FRESH: Duration = Duration::from_secs(1);

/// Client of each account with a client.
#[derive(Debug, Default)]
pub struct Clients {
    /// By app and account id.
    by_account: HashMap<String, HashMap<String, String>>,
    read_at: Option<Instant>,
}

impl Clients {
    /// Reads the clients of all accounts.
    pub(super) async fn read(conn: &mut Connection) -> Result<Self, Error> {
        Ok(Self {
            by_account: read::clients(conn).await?,
            read_at: Some(Instant::now()),
        })
    }

    /// True if the clients were read within the last second.
    pub(super) fn is_fresh(&self) -> bool {
        self.read_at.is_some_and(|read| read.elapsed() <= FRESH)
    }

    /// Client of the account of an event.
    pub fn of(&self, event: &EventRow) -> Option<&String> {
        let accounts = self.by_account.get(&event.app);
        let (accounts, id) = accounts.zip(event.account_id.as_ref())?;
        accounts.get(id)
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str, &str); N]> for Clients {
    /// Clients of accounts: app, account id and client.
    fn from(accounts: [(&str, &str, &str); N]) -> Self {
        let mut clients = Self::default();
        for (app, id, client) in accounts {
            let of_app = clients.by_account.entry(app.to_owned()).or_default();
            of_app.insert(id.to_owned(), client.to_owned());
        }
        clients
    }
}
