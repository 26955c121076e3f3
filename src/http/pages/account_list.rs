//! Page of accounts: *whose accounts are these, and is one of them quiet?*

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::{SignedDuration, Timestamp};

use super::{
    Page,
    accounts::AccountName,
    answer::{page, rendered},
    event_line::duration,
    frame::{ACCOUNTS, Frame},
    heat::{Week, value},
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            accounts::{self, ACCOUNTS as PARAMETERS, AccountList, listed},
            conversations::encoded,
            filters::{since, until},
            shown,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{AccountRow, Dimension, Session, StatsFilter},
};

/// Number of accounts on a page.
const SHORT: &[Parameter] = &[Parameter::of(
    "limit",
    "Maximum number of entries.",
    Form::Number(1, MOST, 50),
)];

/// Time range that the links to other pages take along.
pub(super) const RANGE: &[Parameter] = &[
    since("Start of the time of other pages."),
    until("End of the time of other pages."),
];

/// Parameters that narrow the list.
const NARROW: [&str; 4] = ["app", "silent_since", "account", "client"];

/// Parameters that the form of the filters keeps.
const KEPT: [&str; 4] = ["account", "client", "since", "until"];

/// Maximum number of accounts on a page.
const MOST: u32 = 1_000;

/// Accounts per read of counts: their hours of a week, in two apps, are fewer than the rows of an
/// answer.
const AT_ONCE: usize = 25;

pub(super) const PAGE: Page = Page {
    path: "/accounts",
    handler: || get(show),
    parameters: &[SHORT, PARAMETERS, RANGE],
};

#[derive(Template)]
#[template(path = "account_list.html", blocks = ["main"])]
struct AccountsPage {
    frame: Frame,
    accounts: Vec<Account>,
    /// True if the accounts are of several apps.
    has_apps: bool,
    app: Option<String>,
    silent_since: Option<String>,
    /// True if accounts are chosen by a property.
    is_narrowed: bool,
    /// Parameters that the form keeps.
    hidden: Vec<(&'static str, String)>,
    /// Link to a page with more accounts.
    more: Option<String>,
    /// Query of the same list in the API.
    query: String,
}

rendered!(AccountsPage);

/// An account with its week.
pub(super) struct Account {
    pub(super) name: AccountName,
    pub(super) row: AccountRow,
    /// User name with an `@`.
    pub(super) username: Option<String>,
    /// True if the reader may not see the user name.
    pub(super) is_masked: bool,
    pub(super) week: Week,
    pub(super) pace: Pace,
}

/// Last event of an account, compared with the usual time between two.
pub(super) struct Pace {
    pub(super) last_at: Option<Timestamp>,
    /// Usual time between two events, in words.
    pub(super) usual: Option<String>,
    /// Time of silence, in words.
    pub(super) silent_for: Option<String>,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let mut list = listed(&api, &scope, parameters).await?;
    list.accounts.reverse();
    let mut session = api.session(&scope).await?;
    let limit: u32 = parameters.number("limit")?;
    let more = list.more && limit < MOST;
    let more = more.then(|| {
        let changes = [("limit", (limit * 2).min(MOST).to_string())];
        shown::url(ACCOUNTS.path, parameters, &changes)
    });
    let accounts = weeks(&api, &mut session, list, visit.now).await?;
    let first = accounts.first().map(|account| account.row.app.clone());
    let given = |name| parameters.get(name).map(str::to_owned);
    let accounts = AccountsPage {
        has_apps: accounts
            .iter()
            .any(|it| Some(&it.row.app) != first.as_ref()),
        accounts,
        app: given("app"),
        silent_since: given("silent_since"),
        is_narrowed: NARROW.iter().any(|name| parameters.get(name).is_some()),
        hidden: KEPT
            .into_iter()
            .filter_map(|name| Some((name, given(name)?)))
            .collect(),
        more,
        query: query(parameters),
        frame: Frame::new(&visit, Some(&scope), ACCOUNTS.name, Some(&ACCOUNTS)),
    };
    Ok(page(&visit, &accounts))
}

/// Parameters of the same list in the API.
fn query(parameters: &Parameters) -> String {
    let others = [("since", String::new()), ("until", String::new())];
    let query = shown::url("", parameters, &others);
    query.trim_end_matches('?').to_owned()
}

/// Adds the events of the week to accounts.
async fn weeks(
    api: &Api,
    session: &mut Session,
    list: AccountList,
    now: Timestamp,
) -> Result<Vec<Account>, Problem> {
    let mut weeks: HashMap<(String, String), Week> = HashMap::new();
    for part in list.accounts.chunks(AT_ONCE) {
        let filter = StatsFilter {
            account_ids: part.iter().map(|it| it.row.account_id.clone()).collect(),
            since: Some(Week::until(now).start()),
            ..StatsFilter::default()
        };
        let by = [Dimension::App, Dimension::Account, Dimension::Hour];
        let stats = api.read(session.stats(&filter, &by)).await?;
        for count in &stats.counts.rows {
            let of = [Dimension::App, Dimension::Account].map(|by| value(count, by));
            let [app, account] = of.map(|value| value.unwrap_or_default().to_owned());
            let week = weeks.entry((app, account));
            week.or_insert_with(|| Week::until(now)).add(count);
        }
    }
    let account = |account: accounts::Account| {
        let key = (account.row.app.clone(), account.row.account_id.clone());
        let week = weeks.remove(&key).unwrap_or_else(|| Week::until(now));
        Account::of(account, week, now)
    };
    Ok(list.accounts.into_iter().map(account).collect())
}

impl Account {
    /// An account with its week.
    pub(super) fn of(account: accounts::Account, week: Week, now: Timestamp) -> Self {
        let row = account.row;
        let username = row.username.as_ref().map(|username| format!("@{username}"));
        let name = row.label.clone().filter(|label| !label.is_empty());
        Self {
            name: AccountName::new(&row.account_id, name.or(username.clone())),
            username,
            is_masked: account.masked.contains(&"username"),
            pace: Pace::of(&row, now),
            week,
            row,
        }
    }

    /// The id in a path or a query.
    pub(super) fn path(&self) -> String {
        encoded(&self.row.account_id)
    }
}

impl Pace {
    fn of(row: &AccountRow, now: Timestamp) -> Self {
        let last = row.last_event_at;
        let usual = row.usual_gap_seconds.map(SignedDuration::from_secs);
        let silent = last.filter(|_| row.silent);
        Self {
            last_at: last,
            usual: usual.map(duration),
            silent_for: silent.map(|at| duration(now.duration_since(at))),
        }
    }
}
