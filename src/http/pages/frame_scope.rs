//! Scope and numbers in the frame: the accounts to choose, and what somebody should act on.

use askama::filters::Safe;

use super::{
    accounts::{AccountName, tag},
    digits::grouped,
    frame::{
        ACCOUNTS, COMMENTS, CONVERSATIONS, DELIVERIES, EVENTS, Frame, HEALTH, KEPT, LIVE, OVERVIEW,
        REJECTIONS, Section,
    },
    known::{Known, KnownAccount},
    text::{short, stored},
};

/// Maximum number of accounts to choose, and of clients.
const MOST: usize = 50;

/// Lists of the rows of accounts.
static NARROWED: [&Section; 6] = [
    &OVERVIEW,
    &LIVE,
    &EVENTS,
    &CONVERSATIONS,
    &COMMENTS,
    &ACCOUNTS,
];

/// Lists of the rows of apps.
static WHOLE: [&Section; 3] = [&DELIVERIES, &REJECTIONS, &HEALTH];

/// Places in a list of one scope.
const PLACES: [&str; 4] = ["after", "before", "open", "find"];

/// Chooser of the scope.
pub(super) struct Chooser {
    /// The present scope.
    pub(super) now: Safe<String>,
    /// Link to the page with all accounts.
    pub(super) all: String,
    pub(super) is_all: bool,
    pub(super) clients: Vec<Choice>,
    pub(super) accounts: Vec<Choice>,
    /// Link to the list of accounts; `None` if all accounts are here.
    pub(super) more: Option<String>,
}

/// Scope to choose.
pub(super) struct Choice {
    pub(super) name: Safe<String>,
    pub(super) link: String,
    pub(super) is_chosen: bool,
}

/// Number of things to act on.
pub(super) struct Todo {
    pub(super) number: String,
    /// The counted things, after their number.
    pub(super) what: &'static str,
}

impl Frame {
    /// Chooser of the scope. `None` on a page that no scope narrows, and if there is one account.
    pub(super) fn chooser(&self) -> Option<Chooser> {
        let section = self.current.filter(|it| NARROWED.contains(it))?;
        let known = self.surroundings.known.as_deref();
        let (client, account) = (self.value("client"), self.value("account"));
        let is_all = client.is_none() && account.is_none();
        let known = match known {
            Some(known) if !is_all || known.accounts.len() > 1 => Some(known),
            _ if is_all => return None,
            _ => None,
        };
        let chosen = account.as_deref().map(|text| name_of(known, text));
        let of_client = || client.as_deref().map(|client| stored(client).0.to_string());
        let now = chosen.or_else(of_client);
        let link = |name, value: &str| self.scoped(section, Some((name, value)));
        let choose_client = |name: &String| Choice {
            name: Safe(stored(name).0.to_string()),
            link: link("client", name.as_str()),
            is_chosen: client.as_ref() == Some(name),
        };
        let found = account.as_deref().and_then(|text| known?.account(text));
        let choose_account = |it: &KnownAccount| Choice {
            name: tag(&AccountName::new(&it.id, it.name().map(str::to_owned))),
            link: link("account", it.id.as_str()),
            is_chosen: found.is_some_and(|found| found.id == it.id),
        };
        let clients = known.into_iter().flat_map(|known| &known.clients);
        let accounts = known.into_iter().flat_map(|known| &known.accounts);
        let is_cut = known.is_some_and(|known| known.accounts.len() > MOST || known.has_more);
        Some(Chooser {
            now: Safe(now.unwrap_or_else(|| "All accounts".to_owned())),
            all: self.scoped(section, None),
            is_all,
            clients: clients.take(MOST).map(choose_client).collect(),
            accounts: accounts.take(MOST).map(choose_account).collect(),
            more: is_cut.then(|| self.link_to(ACCOUNTS.path, None, |name| KEPT.contains(&name))),
        })
    }

    /// Remark on a scope that does not narrow the page as the reader may expect.
    pub(super) fn scope_remark(&self) -> Option<&'static str> {
        let section = self.current?;
        let is_chosen = ["account", "client"]
            .into_iter()
            .any(|it| self.value(it).is_some());
        let is_whole = WHOLE.contains(&section) && is_chosen;
        if self.surroundings.is_lost && !WHOLE.contains(&section) {
            Some(
                "No account of the chosen scope is known here. It has sent nothing yet, its name is \
                 misspelt, or you may not see it.",
            )
        } else if is_whole {
            Some(
                "This page shows all accounts: it is about whole apps, and a delivery may bring \
                 events of several accounts. Other pages keep the chosen scope.",
            )
        } else {
            None
        }
    }

    /// Link to the page with all accounts.
    pub(super) fn with_all(&self) -> String {
        self.current
            .map_or_else(String::new, |it| self.scoped(it, None))
    }

    /// Parameters that the search box takes along. Those of a problem may be its cause.
    pub(super) fn kept(&self) -> Vec<(&'static str, String)> {
        let kept = KEPT.into_iter().filter(|_| self.problem.is_none());
        kept.filter_map(|name| Some((name, self.value(name)?)))
            .collect()
    }

    /// Number of things to act on in a section.
    pub(super) fn todo(&self, section: &Section) -> Option<Todo> {
        let known = self.surroundings.known.as_deref();
        let number = |of: fn(&Known) -> u64| known.map_or(0, of);
        let (number, what) = if *section == REJECTIONS {
            let rejected = number(|known| u64::try_from(known.rejected).unwrap_or_default());
            (rejected, "in the last hour")
        } else if *section == ACCOUNTS {
            let silent = number(|known| u64::try_from(known.silent).unwrap_or_default());
            (silent, "silent")
        } else if *section == HEALTH {
            (self.surroundings.set_aside, "set aside from the spool")
        } else {
            return None;
        };
        (number > 0).then(|| Todo {
            number: grouped(number),
            what,
        })
    }

    /// Link to the list of a section with another scope. On the list itself, its filters stay.
    fn scoped(&self, section: &Section, scope: Option<(&str, &str)>) -> String {
        let is_list = self.path() == section.path;
        self.link_to(section.path, scope, |name| {
            let is_scope = matches!(name, "account" | "client");
            !is_scope && (KEPT.contains(&name) || is_list && !PLACES.contains(&name))
        })
    }

    /// Value of a parameter of the page.
    fn value(&self, name: &str) -> Option<String> {
        let found = self.given().find(|(given, _)| given == name);
        found.map(|(_, value)| value.into_owned())
    }
}

/// Name of the chosen account as HTML.
fn name_of(known: Option<&Known>, text: &str) -> String {
    let found = known.and_then(|known| known.account(text));
    let name = found.and_then(KnownAccount::name);
    name.map_or_else(|| short(text).0, |name| stored(name).0.to_string())
}
