//! Routes of accounts.

use axum::{
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::Response,
    routing::{get, patch},
};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Api, Asked, InPath, Shared, UNREAD,
    filters::{self, ACCOUNT, APP, CLIENT, LARGE_LIMIT, accounts_in_path},
    json_body,
    operation::{Answer, Caller, Operation, RequestBody},
    shown::LagReport,
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        answer,
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{AccountFilter, AccountRow, Digits, Scope, Session},
    store::AccountLabels,
};

pub(in crate::http) const ACCOUNTS: &[Parameter] = &[
    APP,
    CLIENT,
    ACCOUNT,
    Parameter::of(
        "silent_since",
        "Accounts without an event at this time or later.",
        Form::Moment,
    ),
    LARGE_LIMIT,
];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/accounts",
        handler: || get(list),
        about: "Accounts with the newest events, the newest last.",
        parameters: &[ACCOUNTS],
        example: "/v1/accounts?limit=10",
        answers: &[Answer::json::<AccountList>("The accounts.")],
        problems: UNREAD,
        ..Operation::GET
    },
    Operation {
        path: "/v1/accounts/{account}",
        handler: || get(show),
        about: "The accounts that the id, label or user name means.",
        parts: &[ACCOUNT],
        example: "/v1/accounts/17840000000000001",
        answers: &[Answer::json::<NamedAccounts>("The accounts.")],
        problems: &[problem::NOT_FOUND, problem::DATABASE, problem::BUSY],
        ..Operation::GET
    },
    Operation {
        method: "patch",
        path: "/v1/accounts/{account}",
        handler: || patch(label),
        caller: Caller::Token(Role::Operator),
        about: "Sets label and client of an account.",
        parts: &[ACCOUNT],
        body: Some(RequestBody::json::<Labels>(
            r#"{"label":"Bakery","client":null}"#,
        )),
        example: "/v1/accounts/17840000000000001",
        answers: &[Answer::json::<NamedAccounts>("The account.")],
        problems: &[
            problem::BODY,
            problem::NOT_FOUND,
            problem::DATABASE,
            problem::BUSY,
        ],
        ..Operation::GET
    },
];

/// Answer with a list of accounts.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct AccountList {
    pub(in crate::http) accounts: Vec<Account>,
    /// True if there are more accounts.
    pub(in crate::http) more: bool,
    /// Null if nothing was ever counted.
    lag: Option<LagReport>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Answer with the accounts of a name.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct NamedAccounts {
    pub(in crate::http) accounts: Vec<Account>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// An account.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Account {
    #[serde(flatten)]
    pub(in crate::http) row: AccountRow,
    /// Keys that are null because the token does not show content.
    pub(in crate::http) masked: Vec<&'static str>,
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let answer = listed(&api, &scope, &asked.parameters).await?;
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Reads the accounts with the newest events, the newest last.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<AccountList, Problem> {
    let mut filter = AccountFilter {
        app: parameters.text("app")?,
        client: parameters.text("client")?,
        silent_since: parameters.moment("silent_since")?,
        ..AccountFilter::default()
    };
    let limit = parameters.number("limit")?;
    let mut session = api.session(scope).await?;
    filter.account_ids = filters::accounts(api, &mut session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    let accounts = api.read(session.accounts(&filter, limit)).await?;
    let rows = accounts.rows.into_iter();
    Ok(AccountList {
        accounts: rows.map(|row| account(row, scope)).collect(),
        more: accounts.more,
        lag: accounts.lag.map(LagReport::from),
        as_of_position: end.to_string(),
    })
}

/// An account as the caller sees it. Its user name is content.
fn account(mut row: AccountRow, scope: &Scope) -> Account {
    let mut masked = Vec::new();
    if !scope.shows_content() {
        row.username = None;
        masked.push("username");
    }
    Account { row, masked }
}

/// Labels as a client sends them. A missing key keeps a label, and null removes it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Labels {
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 200))]
    pub(in crate::http) label: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 200))]
    pub(in crate::http) client: Option<String>,
}

/// A key that is given; null becomes an empty text.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Deserialize::deserialize(deserializer)?;
    Ok(Some(text.unwrap_or_default()))
}

/// Maximum length of a label in characters.
const LONGEST: usize = 200;

async fn label(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(name): InPath<String>,
    _: Asked,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    // A caller who may not change an account does not learn what is wrong with the body.
    may_label(&scope)?;
    let labels: Labels = json_body::object(body, "label and client")?;
    let answer = labelled(&api, &scope, name, labels).await?;
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Refuses callers restricted to clients: they could move an account to another client.
fn may_label(scope: &Scope) -> Result<(), Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    Ok(())
}

/// Changes label and client of an account.
pub(in crate::http) async fn labelled(
    api: &Api,
    scope: &Scope,
    name: String,
    labels: Labels,
) -> Result<NamedAccounts, Problem> {
    may_label(scope)?;
    let is_label = |text: &String| text.chars().count() <= LONGEST && !text.contains('\0');
    if ![&labels.label, &labels.client]
        .into_iter()
        .flatten()
        .all(is_label)
    {
        let detail = format!("a label has at most {LONGEST} characters, and no U+0000");
        return Err(Problem::new(problem::BODY, detail));
    }
    let labels = AccountLabels {
        label: labels.label,
        client: labels.client,
    };
    let mut session = api.session(scope).await?;
    let ids = accounts_in_path(api, &mut session, name).await?;
    let [id] = ids.as_slice() else {
        return Err(Problem::not_found());
    };
    api.read(labels.set(&api.writes, id)).await?;
    accounts(api, &mut session, scope, ids).await
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(name): InPath<String>,
    _: Asked,
) -> Result<Response, Problem> {
    let answer = named(&api, &scope, name).await?;
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Reads the accounts that an id, label or user name means.
pub(in crate::http) async fn named(
    api: &Api,
    scope: &Scope,
    name: String,
) -> Result<NamedAccounts, Problem> {
    let mut session = api.session(scope).await?;
    let ids = accounts_in_path(api, &mut session, name).await?;
    accounts(api, &mut session, scope, ids).await
}

/// Reads the accounts of these ids.
async fn accounts(
    api: &Api,
    session: &mut Session,
    scope: &Scope,
    ids: Vec<String>,
) -> Result<NamedAccounts, Problem> {
    let filter = AccountFilter {
        account_ids: ids,
        ..AccountFilter::default()
    };
    let end = api.read(session.end_of_log()).await?;
    let accounts = api.read(session.accounts(&filter, 100)).await?;
    let rows = accounts.rows.into_iter();
    Ok(NamedAccounts {
        accounts: rows.map(|row| account(row, scope)).collect(),
        as_of_position: end.to_string(),
    })
}
