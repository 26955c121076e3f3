//! Accounts and clients that a filter names and no stored account has.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::{
    config::{EventChoice, nearest},
    store::Error,
};

/// Value of a filter that no stored account has. An account is stored with its first delivery, and
/// a client is set for stored accounts, so that the filter chooses nothing by this value yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// Key in the configuration: `accounts` or `clients`.
    pub key: &'static str,
    /// Value in the configuration.
    pub value: String,
    /// Stored value that is nearest to it.
    pub nearest: Option<String>,
}

/// Finds the accounts and clients of `choice` that no stored account has.
///
/// # Errors
/// If Postgres is unavailable.
pub async fn unmatched(
    conn: &mut PgConnection,
    choice: &EventChoice,
) -> Result<Vec<Unmatched>, Error> {
    if choice.accounts.is_empty() && choice.clients.is_empty() {
        return Ok(Vec::new());
    }
    let stored = sqlx::query_as("SELECT account_id, client FROM accounts");
    let stored: Vec<(String, Option<String>)> = stored.fetch_all(conn).await?;
    let (ids, clients): (BTreeSet<_>, Vec<_>) = stored.into_iter().unzip();
    let clients = clients.into_iter().flatten().collect();
    let accounts = missing("accounts", &choice.accounts, &ids);
    let clients = missing("clients", &choice.clients, &clients);
    Ok(accounts.chain(clients).collect())
}

fn missing<'a>(
    key: &'static str,
    wanted: &'a [String],
    stored: &'a BTreeSet<String>,
) -> impl Iterator<Item = Unmatched> {
    let missing = wanted.iter().filter(|value| !stored.contains(*value));
    missing.map(move |value| Unmatched {
        key,
        value: value.clone(),
        nearest: nearest(value, stored.iter().map(String::as_str)).map(str::to_owned),
    })
}
