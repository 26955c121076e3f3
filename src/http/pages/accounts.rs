//! Accounts beside their data: a name, and initials on a disc of the account's own hue.

use std::collections::BTreeMap;

use askama::filters::Safe;

use super::text::{short, stored};
use crate::{
    http::{
        api::{Api, conversations::encoded},
        problem::Problem,
    },
    query::{AccountFilter, EventForm, Session},
};

/// Number of hues of discs.
const HUES: u32 = 12;

/// Names of known accounts by id.
#[derive(Debug, Default)]
pub(super) struct AccountNames(BTreeMap<String, Option<String>>);

/// Account beside its data.
#[derive(Clone, Debug)]
pub(super) struct AccountName {
    pub(super) id: String,
    /// Label or user name; `None` if it has none, or if the reader may not see it.
    pub(super) name: Option<String>,
    pub(super) initials: String,
    pub(super) hue: u32,
    /// True if the account has a page. Those of the Test button and of other objects have none.
    is_known: bool,
}

impl AccountNames {
    /// Reads the names of the accounts of events.
    pub(super) async fn of(
        api: &Api,
        session: &mut Session,
        events: impl Iterator<Item = &EventForm>,
    ) -> Result<Self, Problem> {
        let ids = events.filter_map(|event| event.columns().account_id.clone());
        Self::of_ids(api, session, ids.collect()).await
    }

    /// Reads the names of accounts.
    pub(super) async fn of_ids(
        api: &Api,
        session: &mut Session,
        mut ids: Vec<String>,
    ) -> Result<Self, Problem> {
        ids.sort_unstable();
        ids.dedup();
        Ok(Self(api.read(session.account_names(&ids)).await?))
    }

    /// The accounts with the newest events, at most `limit`, the newest last.
    pub(super) async fn newest(
        api: &Api,
        session: &mut Session,
        limit: u32,
    ) -> Result<Vec<AccountName>, Problem> {
        let filter = AccountFilter::default();
        let accounts = api.read(session.accounts(&filter, limit)).await?;
        let ids = accounts.rows.into_iter().map(|account| account.account_id);
        let ids: Vec<_> = ids.collect();
        let names = Self(api.read(session.account_names(&ids)).await?);
        Ok(ids.iter().map(|id| names.get(id)).collect())
    }

    /// The account with this id.
    pub(super) fn get(&self, id: &str) -> AccountName {
        let known = self.0.get(id);
        AccountName {
            is_known: known.is_some(),
            ..AccountName::new(id, known.cloned().flatten())
        }
    }
}

impl AccountName {
    /// The known account with this id and name.
    pub(super) fn new(id: &str, name: Option<String>) -> Self {
        Self {
            initials: initials(name.as_deref().unwrap_or(id)),
            hue: hue(id),
            id: id.to_owned(),
            name,
            is_known: true,
        }
    }

    /// Page of the account below the base; of an unknown one, its events, if a filter takes its id.
    pub(super) fn link(&self) -> Option<String> {
        let id = encoded(&self.id);
        let is_number = self.id.bytes().all(|byte| byte.is_ascii_digit());
        match (self.is_known, is_number) {
            (true, _) => Some(format!("/accounts/{id}")),
            (false, true) => Some(format!("/events?account={id}")),
            (false, false) => None,
        }
    }

    /// The name, or the id.
    pub(super) fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

/// Name of an account as HTML, or its id.
pub(super) fn tag(account: &AccountName) -> Safe<String> {
    if let Some(name) = &account.name {
        return Safe(stored(name).0.to_string());
    }
    let short = short(&account.id).0;
    Safe(format!("<span class=\"mono\">{short}</span>"))
}

/// First letters of the first two words; of an id, its last two digits.
fn initials(name: &str) -> String {
    let words = name.split(|it: char| !it.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    match words[..] {
        [id] if id.bytes().all(|byte| byte.is_ascii_digit()) => {
            id.chars().skip(id.len().saturating_sub(2)).collect()
        }
        [word] => word.chars().take(2).flat_map(char::to_uppercase).collect(),
        _ => {
            let first = words.iter().take(2).filter_map(|word| word.chars().next());
            first.flat_map(char::to_uppercase).collect()
        }
    }
}

/// Hue that stays with the account.
fn hue(id: &str) -> u32 {
    crc32fast::hash(id.as_bytes()) % HUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_words_or_digits() {
        assert_eq!(initials("The Bakery"), "TB");
        assert_eq!(initials("@rolls"), "RO");
        assert_eq!(initials("17840000000000142"), "42");
        assert_eq!(initials("…"), "");
        assert_eq!(initials("ß"), "SS");
    }
}
