//! Page of an account: its names, its pace, its week, and links to its data.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{
    Page,
    account_list::{Account, RANGE},
    answer::{page, rendered},
    event_line::duration,
    frame::{ACCOUNTS, Frame},
    heat::{Day, Week, value},
    kinds::{Look, look_of},
    text,
    visit::Visit,
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        api::{
            Api, Asked, InPath, Shared,
            accounts::{Labels, labelled, named},
            conversations::encoded,
        },
        problem::Problem,
    },
    query::{Dimension, Scope, StatsFilter},
};

/// Time without events of a kind from which it has stopped.
const STOPPED: SignedDuration = SignedDuration::from_hours(48);

pub(super) const PAGE: Page = Page {
    path: "/accounts/{account}",
    handler: || get(show).post(change),
    parameters: &[RANGE],
};

#[derive(Template)]
#[template(path = "account_page.html", blocks = ["main"])]
struct AccountPage {
    frame: Frame,
    /// The account, in each app that has it.
    accounts: Vec<Account>,
    days: Vec<Day>,
    kinds: Vec<KindOfWeek>,
    /// Path of the page.
    path: String,
    /// Name of the zone of the days.
    zone: String,
    /// The id as a text of SQL.
    sql: String,
    may_edit: bool,
    is_masked: bool,
}

rendered!(AccountPage);

#[derive(Template)]
#[template(path = "account_choice.html", blocks = ["main"])]
struct ChoicePage {
    frame: Frame,
    name: String,
    accounts: Vec<Account>,
}

rendered!(ChoicePage);

/// Kind of the week.
struct KindOfWeek {
    name: String,
    look: Look,
    week: Week,
    /// Time without events, in words.
    stopped: Option<String>,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(name): InPath<String>,
    visit: Visit,
    _: Asked,
) -> Result<Response, Problem> {
    let found = named(&api, &scope, name.clone()).await?;
    let now = visit.now;
    let accounts = found.accounts.into_iter();
    let accounts: Vec<_> = accounts
        .map(|it| Account::of(it, Week::until(now), now))
        .collect();
    let Some(first) = accounts.first() else {
        return Err(Problem::not_found());
    };
    let id = first.row.account_id.clone();
    if accounts.iter().any(|it| it.row.account_id != id) {
        let frame = Frame::new(&visit, Some(&scope), "Several accounts", Some(&ACCOUNTS));
        let choice = ChoicePage {
            frame,
            name,
            accounts,
        };
        return Ok(page(&visit, &choice));
    }
    let (week, kinds) = week(&api, &scope, &id, now).await?;
    let frame = Frame::new(&visit, Some(&scope), first.name.shown(), Some(&ACCOUNTS));
    let account = AccountPage {
        days: week.grid(&frame),
        kinds,
        path: format!("{}/{}", ACCOUNTS.path, encoded(&id)),
        zone: frame
            .zoned(now)
            .time_zone()
            .iana_name()
            .unwrap_or("UTC")
            .to_owned(),
        sql: format!("'{}'", id.replace('\'', "''")),
        may_edit: scope.role().covers(Role::Operator) && !scope.is_restricted(),
        is_masked: !scope.shows_content(),
        accounts,
        frame,
    };
    Ok(page(&visit, &account))
}

/// Reads the events of the week by the hour, of all kinds and of each.
async fn week(
    api: &Api,
    scope: &Scope,
    id: &str,
    now: Timestamp,
) -> Result<(Week, Vec<KindOfWeek>), Problem> {
    let mut all = Week::until(now);
    let filter = StatsFilter {
        account_ids: vec![id.to_owned()],
        since: Some(all.start()),
        ..StatsFilter::default()
    };
    let mut session = api.session(scope).await?;
    let stats = session.stats(&filter, &[Dimension::Kind, Dimension::Hour]);
    let stats = api.read(stats).await?;
    let mut kinds: BTreeMap<String, Week> = BTreeMap::new();
    for count in &stats.counts.rows {
        all.add(count);
        let kind = value(count, Dimension::Kind).unwrap_or_default();
        let kind = kinds.entry(kind.to_owned());
        kind.or_insert_with(|| Week::until(now)).add(count);
    }
    let mut kinds: Vec<_> = kinds
        .into_iter()
        .filter(|(_, week)| week.events() > 0)
        .map(|(name, week)| KindOfWeek::of(name, week, now))
        .collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.week.events()));
    Ok((all, kinds))
}

impl KindOfWeek {
    fn of(name: String, week: Week, now: Timestamp) -> Self {
        let silence = week.last().map(|last| now.duration_since(last));
        let stopped = silence.filter(|silence| *silence >= STOPPED);
        Self {
            look: look_of(&name),
            stopped: stopped.map(duration),
            name,
            week,
        }
    }
}

/// Stores the label and the client of a form, and returns to the account.
async fn change(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(name): InPath<String>,
    visit: Visit,
    form: Bytes,
) -> Result<Response, Problem> {
    let mut labels = Labels::default();
    for (name, value) in form_urlencoded::parse(&form) {
        let value = Some(value.trim().to_owned());
        match &*name {
            "label" => labels.label = value,
            "client" => labels.client = value,
            _ => {}
        }
    }
    let frame = Frame::new(&visit, Some(&scope), ACCOUNTS.name, Some(&ACCOUNTS));
    let path = format!("{}{}/{}", frame.base, ACCOUNTS.path, encoded(&name));
    labelled(&api, &scope, name, labels).await?;
    Ok(Redirect::to(&path).into_response())
}
