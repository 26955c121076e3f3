//! Routes of accounts.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

use super::{
    super::parameters::Parameter,
    super::{access::Viewer, answer, problem::Problem},
    Api, Asked, Shared, shown,
};
use crate::query::{AccountFilter, AccountRow, Scope};

const ACCOUNTS: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one(
        "silent_since",
        "Accounts without an event at this time or later.",
    ),
    Parameter::one(
        "limit",
        "Maximum number of accounts, from 1 to 1000. If unset: 100.",
    ),
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/accounts", get(list))
        .route("/v1/accounts/{account}", get(show))
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[ACCOUNTS])?;
    let filter = AccountFilter {
        app: parameters.text("app")?,
        silent_since: parameters.moment("silent_since")?,
        ..AccountFilter::default()
    };
    let limit = parameters.number("limit", 1..=1000)?.unwrap_or(100);
    let mut session = api.session(&scope).await?;
    let end = session.end_of_log().await;
    let end = end.map_err(|error| api.problem(&error))?;
    let accounts = session.accounts(&filter, limit).await;
    let accounts = accounts.map_err(|error| api.problem(&error))?;
    let rows: Vec<_> = accounts
        .rows
        .iter()
        .map(|row| account(row, &scope))
        .collect();
    let answer = json!({
        "accounts": rows,
        "more": accounts.more,
        "as_of_position": shown::position(end),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

/// JSON of an account. Its user name is content.
fn account(row: &AccountRow, scope: &Scope) -> Value {
    let mut value = serde_json::to_value(row).unwrap_or_default();
    if !scope.shows_content() {
        value["username"] = Value::Null;
        value["masked"] = json!(["username"]);
    }
    value
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let mut session = api.session(&scope).await?;
    let ids = session.account_ids(&name).await;
    let ids = ids.map_err(|error| api.problem(&error))?;
    if ids.is_empty() {
        return Err(Problem::not_found());
    }
    let filter = AccountFilter {
        account_ids: ids,
        ..AccountFilter::default()
    };
    let accounts = session.accounts(&filter, 100).await;
    let accounts = accounts.map_err(|error| api.problem(&error))?;
    let rows: Vec<_> = accounts
        .rows
        .iter()
        .map(|row| account(row, &scope))
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({"accounts": rows})))
}
