//! Accounts to choose from, and numbers of things to act on, for the frame of every page. Callers
//! who see the same rows share them, and they are read at most once a minute.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::SignedDuration;

use crate::{
    http::{api::Api, problem::Problem},
    query::{AccountFilter, AccountRow, RejectionFilter, RejectionTotal, Scope, Session},
};

/// Maximum number of accounts that are looked through.
const MOST_ACCOUNTS: u32 = 1_000;

/// Maximum number of scopes whose rows are kept.
const MOST_SCOPES: usize = 64;

/// Time for which rows are kept.
const KEPT: Duration = Duration::from_mins(1);

/// Time after a failure in which nothing is read.
const PAUSE: Duration = Duration::from_secs(5);

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Accounts and numbers, as a caller sees them.
#[derive(Debug)]
pub(super) struct Known {
    /// The accounts, the newest events first.
    pub(super) accounts: Vec<KnownAccount>,
    /// Clients of the accounts, by name.
    pub(super) clients: Vec<String>,
    /// True if there are more accounts.
    pub(super) has_more: bool,
    /// Number of accounts that are quieter than usual.
    pub(super) silent: usize,
    /// Deliveries that were rejected in the last hour; 0 for a caller who does not see all apps and
    /// clients.
    pub(super) rejected: i64,
}

/// An account to choose.
#[derive(Debug)]
pub(super) struct KnownAccount {
    pub(super) id: String,
    label: Option<String>,
    username: Option<String>,
}

/// Accounts and numbers of each scope.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    scope: Scope,
    /// Start of the last read.
    asked: Instant,
    known: Option<Arc<Known>>,
}

impl Known {
    async fn read(api: &Api, scope: &Scope) -> Result<Self, Problem> {
        let mut session = api.session(scope).await?;
        let rejected = if scope.is_restricted() {
            0
        } else {
            rejected(api, &mut session).await?
        };
        let filter = AccountFilter::default();
        let found = api.read(session.accounts(&filter, MOST_ACCOUNTS)).await?;
        let clients = found.rows.iter().filter_map(|row| row.client.clone());
        let mut ids = BTreeSet::new();
        let newest = found.rows.iter().rev();
        // An account of several apps has a row for each.
        let newest = newest.filter(|row| ids.insert(row.account_id.clone()));
        Ok(Self {
            accounts: newest.map(|row| KnownAccount::of(row, scope)).collect(),
            clients: clients.collect::<BTreeSet<_>>().into_iter().collect(),
            has_more: found.more,
            silent: found.rows.iter().filter(|row| row.silent).count(),
            rejected,
        })
    }

    /// The account with this id, label or user name.
    pub(super) fn account(&self, text: &str) -> Option<&KnownAccount> {
        self.accounts.iter().find(|account| account.is(text))
    }
}

impl KnownAccount {
    fn of(row: &AccountRow, scope: &Scope) -> Self {
        let username = row.username.clone().filter(|_| scope.shows_content());
        Self {
            id: row.account_id.clone(),
            label: row.label.clone(),
            username: username.map(|name| format!("@{name}")),
        }
    }

    /// Label, else user name; `None` if it has none, or if the caller may not see it.
    pub(super) fn name(&self) -> Option<&str> {
        self.label.as_deref().or(self.username.as_deref())
    }

    fn is(&self, text: &str) -> bool {
        let username = format!("@{}", text.trim_start_matches('@'));
        let is_username = |own: &String| own.eq_ignore_ascii_case(&username);
        self.id == text
            || self.label.as_deref() == Some(text)
            || self.username.as_ref().is_some_and(is_username)
    }

    /// True if its id, label or user name has this part. `part` is in lower case.
    pub(super) fn has(&self, part: &str) -> bool {
        let names = [Some(&self.id), self.label.as_ref(), self.username.as_ref()];
        let mut names = names.into_iter().flatten();
        names.any(|name| name.to_lowercase().contains(part))
    }
}

/// Deliveries that were rejected in the last hour.
async fn rejected(api: &Api, session: &mut Session) -> Result<i64, Problem> {
    let filter = RejectionFilter {
        since: api.apps.clock().now().checked_sub(HOUR).ok(),
        ..RejectionFilter::default()
    };
    let totals = api.read(session.rejection_totals(&filter)).await?;
    Ok(of_deliveries(&totals).map(|total| total.count).sum())
}

/// Totals of rejected deliveries: requests for other paths are none.
pub(super) fn of_deliveries(totals: &[RejectionTotal]) -> impl Iterator<Item = &RejectionTotal> {
    let totals = totals.iter();
    totals.filter(|total| !total.reason.starts_with("unknown_"))
}

impl Kept {
    /// Accounts and numbers for a caller. `None` if they cannot be read, or while another request
    /// reads them for the first time.
    pub(super) async fn get(&self, api: &Api, scope: &Scope) -> Option<Arc<Known>> {
        if self.claim(scope, Instant::now()) {
            let known = Known::read(api, scope).await.ok().map(Arc::new);
            self.put(scope, known);
        }
        self.peek(scope)
    }

    /// Accounts and numbers that were read in the last minute.
    pub(super) fn peek(&self, scope: &Scope) -> Option<Arc<Known>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.iter().find(|it| it.scope.sees_like(scope))?;
        let known = entry.known.as_ref()?;
        (entry.asked.elapsed() < KEPT).then(|| Arc::clone(known))
    }

    /// True if the caller has to read. Then nobody else does for a while.
    fn claim(&self, scope: &Scope, now: Instant) -> bool {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|it| it.scope.sees_like(scope)) {
            let time = if entry.known.is_some() { KEPT } else { PAUSE };
            let is_due = now.duration_since(entry.asked) >= time;
            entry.asked = if is_due { now } else { entry.asked };
            return is_due;
        }
        if entries.len() >= MOST_SCOPES {
            let oldest = (0..entries.len()).min_by_key(|at| entries[*at].asked);
            oldest.map(|at| entries.swap_remove(at));
        }
        entries.push(Entry {
            scope: scope.clone(),
            asked: now,
            known: None,
        });
        true
    }

    fn put(&self, scope: &Scope, known: Option<Arc<Known>>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|it| it.scope.sees_like(scope)) {
            entry.known = known;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Role, Token};

    fn scope(client: usize) -> Scope {
        Scope::of(&Token {
            name: "a".to_owned(),
            sha256: [0; 32],
            role: Role::Viewer,
            content: true,
            apps: None,
            clients: Some(vec![client.to_string()]),
            consumers: Vec::new(),
        })
    }

    fn known() -> Known {
        Known {
            accounts: Vec::new(),
            clients: Vec::new(),
            has_more: false,
            silent: 1,
            rejected: 0,
        }
    }

    #[test]
    fn a_scope_is_read_once_a_minute_and_sooner_after_a_failure() {
        let (kept, now) = (Kept::default(), Instant::now());
        assert!(kept.claim(&scope(1), now));
        assert!(!kept.claim(&scope(1), now));
        assert!(kept.claim(&scope(2), now), "another scope sees other rows");
        assert!(kept.claim(&scope(1), now + PAUSE), "the read failed");
        kept.put(&scope(1), Some(Arc::new(known())));
        assert!(!kept.claim(&scope(1), now + PAUSE * 2));
        assert!(kept.claim(&scope(1), now + PAUSE + KEPT));
        assert!(kept.peek(&scope(1)).is_some());
        assert!(kept.peek(&scope(2)).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let kept = Kept::default();
        for client in 0..=MOST_SCOPES {
            assert!(kept.claim(&scope(client), Instant::now()));
        }
        assert_eq!(kept.0.lock().unwrap().len(), MOST_SCOPES);
        assert!(kept.claim(&scope(0), Instant::now()), "the oldest is gone");
    }

    #[test]
    fn an_account_is_found_by_id_label_and_user_name() {
        let account = KnownAccount {
            id: "178".to_owned(),
            label: Some("Café".to_owned()),
            username: Some("@Rolls".to_owned()),
        };
        for text in ["178", "Café", "rolls", "@ROLLS"] {
            assert!(account.is(text), "{text}");
        }
        assert!(!account.is("17") && !account.is("Caf"));
        assert!(account.has("caf") && account.has("roll") && account.has("7"));
    }
}
