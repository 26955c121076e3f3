//! Routes of accounts.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Api, Asked, Shared, filters::accounts_in_path, shown};
use crate::{
    http::{
        access::{Operator, Viewer},
        answer,
        parameters::Parameter,
        problem::{self, Problem},
    },
    query::{AccountFilter, AccountRow, Scope, Session},
    store::AccountLabels,
};

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
        .route("/v1/accounts/{account}", get(show).patch(label))
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
    let end = api.read(session.end_of_log()).await?;
    let accounts = api.read(session.accounts(&filter, limit)).await?;
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

/// Labels as a client sends them. A missing key keeps a label, and null removes it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    #[serde(default, deserialize_with = "given")]
    label: Option<String>,
    #[serde(default, deserialize_with = "given")]
    client: Option<String>,
}

/// A key that is given; null becomes an empty text.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Deserialize::deserialize(deserializer)?;
    Ok(Some(text.unwrap_or_default()))
}

/// Maximum length of a label in characters.
const LONGEST: usize = 200;

/// Changes label and client of an account. A token restricted to clients could move an account to
/// another client, so it may not.
async fn label(
    State(api): Shared,
    Operator(scope): Operator,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    let labels: Labels = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("send a JSON object with label and client: {error}");
        Problem::new(problem::BODY, detail)
    })?;
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
    let mut session = api.session(&scope).await?;
    let ids = accounts_in_path(&api, &mut session, name).await?;
    let [id] = ids.as_slice() else {
        return Err(Problem::not_found());
    };
    api.read(labels.set(&api.writes, id)).await?;
    accounts(&api, &mut session, &scope, ids).await
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.parameters(&[])?;
    let mut session = api.session(&scope).await?;
    let ids = accounts_in_path(&api, &mut session, name).await?;
    accounts(&api, &mut session, &scope, ids).await
}

/// Answer with the accounts of these ids.
async fn accounts(
    api: &Api,
    session: &mut Session,
    scope: &Scope,
    ids: Vec<String>,
) -> Result<Response, Problem> {
    let filter = AccountFilter {
        account_ids: ids,
        ..AccountFilter::default()
    };
    let accounts = api.read(session.accounts(&filter, 100)).await?;
    let rows: Vec<_> = accounts
        .rows
        .iter()
        .map(|row| account(row, scope))
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({"accounts": rows})))
}
