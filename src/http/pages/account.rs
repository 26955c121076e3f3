//! Page of an account: its names, its pace, its week, and links to its data.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;

use super::{
    Page,
    account_kinds::{KindOfAccount, kinds},
    account_list::{Account, RANGE},
    answer::{page, rendered},
    frame::{ACCOUNTS, Frame},
    heat::{Day, Week},
    text,
    visit::Visit,
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        api::{
            Asked, InPath, Shared,
            accounts::{Labels, labelled, named},
            conversations::encoded,
        },
        problem::Problem,
    },
};

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
    kinds: Vec<KindOfAccount>,
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
    let mut session = api.session(&scope).await?;
    let (week, kinds) = kinds(&api, &mut session, &accounts, now).await?;
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
