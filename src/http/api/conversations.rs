//! Routes of conversations.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    Api, Asked, InPath, LISTED, SHOWN, Shared,
    export::{EXPORT, Export, may_export},
    filters::{ACCOUNT, APP, CLIENT, LIMIT, accounts, names, since, until},
    in_path,
    operation::{Answer, Operation},
    shown::{self, LagReport},
};
use crate::{
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        Conversation, ConversationFilter, ConversationOrder, ConversationRow, Digits, LineWalk,
        ListWalk, Part, Place, Scope, Session, Subject,
    },
};

const CONVERSATIONS: &str = "/v1/conversations";

pub(in crate::http) const OF: &[Parameter] = &[
    APP,
    CLIENT,
    ACCOUNT,
    since("With an event at this time or later."),
    until("Without an event at this time or later."),
];

pub(in crate::http) const CONVERSATION_LIST: &[Parameter] = &[
    PERSON,
    Parameter::of(
        "waiting",
        "true for conversations without an answer.",
        Form::Flag,
    ),
    Parameter::of(
        "order",
        "newest or longest_waiting first. If unset: newest.",
        Form::OneOf(|| names(ConversationOrder::ALL, ConversationOrder::as_str)),
    ),
];

/// Time and position of a row.
pub(super) const PLACE: Form = Form::Place("1795182300123456.42", "^[0-9]{1,17}\\.[0-9]{1,18}$");

pub(in crate::http) const PAGE: &[Parameter] = &[
    Parameter::of("after", "Place behind which the list goes on.", PLACE),
    LIMIT,
];

pub(in crate::http) const PART: &[Parameter] = &[
    APP,
    Parameter::of("before", "Place before which the lines are.", PLACE),
    Parameter::of("after", "Place after which the lines are.", PLACE),
    LIMIT,
];

const PERSON: Parameter = Parameter::one("person", "Other party: Instagram-scoped id.");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: CONVERSATIONS,
        handler: || get(list),
        about: "Conversations, without content.",
        parameters: &[OF, CONVERSATION_LIST, PAGE, EXPORT],
        example: "/v1/conversations?waiting=true&order=longest_waiting",
        answers: &[Answer::json::<ConversationList>("A page of conversations.")],
        problems: LISTED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/conversations/{account}/{person}",
        handler: || get(show),
        about: "A part of a conversation in its true order; the newest part without before and after.",
        parts: &[ACCOUNT, PERSON],
        parameters: &[PART, EXPORT],
        example: "/v1/conversations/17840000000000001/7001?limit=10",
        answers: &[Answer::json::<Conversation>("A part of the conversation.")],
        problems: SHOWN,
        ..Operation::GET
    },
];

/// Answer with conversations.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct ConversationList {
    pub(in crate::http) conversations: Vec<ConversationRow>,
    /// Null if nothing was ever listed.
    lag: Option<LagReport>,
    /// URL of the next page.
    pub(in crate::http) next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// List of conversations in the form that its parameters ask for.
pub(in crate::http) enum Listed {
    Page(ConversationList),
    Export(Response),
}

/// Account and person in the path of a conversation.
pub(in crate::http) type Between = (String, String);

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    Ok(match listed(&api, &scope, &asked).await? {
        Listed::Page(page) => answer::json(StatusCode::OK, &page),
        Listed::Export(export) => export,
    })
}

/// Reads the list of conversations that a request asks for.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
) -> Result<Listed, Problem> {
    let parameters = &asked.parameters;
    let of_pages = ["order", "after", "limit"];
    let export = Export::of("conversations", parameters, &of_pages)?;
    let (after, limit) = (place(parameters, "after")?, limit(parameters)?);
    let mut session = api.session(scope).await?;
    let (filter, order) = filter(api, &mut session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    if let Some(export) = export {
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        let export = api.export(session, (scope, asked), what, walk).await?;
        return Ok(Listed::Export(export));
    }
    let list = session.conversations(&filter, order, after, limit);
    let list = api.read(list).await?;
    Ok(Listed::Page(ConversationList {
        conversations: list.rows,
        lag: list.lag.map(LagReport::from),
        next: next(CONVERSATIONS, parameters, "after", list.next),
        as_of_position: end.to_string(),
    }))
}

/// Reads the filter and the order of a list.
pub(in crate::http) async fn filter(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<(ConversationFilter, ConversationOrder), Problem> {
    let orders = ConversationOrder::ALL;
    let order = parameters.one_of("order", orders, ConversationOrder::as_str)?;
    let mut filter = ConversationFilter {
        app: parameters.text("app")?,
        client: parameters.text("client")?,
        person_id: parameters.text("person")?,
        waiting: parameters.flag("waiting")?.unwrap_or(false),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..ConversationFilter::default()
    };
    filter.account_ids = accounts(api, session, parameters).await?;
    Ok((filter, order.unwrap_or_default()))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(between): InPath<Between>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("conversation", parameters, &["before", "limit"])?;
    let part = part(parameters)?;
    if let Some(export) = export {
        let walked = walk(&api, (&scope, &asked), &between, part.after).await?;
        let (session, walk, person) = walked;
        let what = (export, Subject::Personal(&person));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let conversation = conversation(&api, (&scope, &asked), &between, part).await?;
    let path = path(&between);
    let mut answer = serde_json::to_value(&conversation).unwrap_or_default();
    answer["previous"] = json!(next(&path, parameters, "before", conversation.previous));
    answer["next"] = json!(next(&path, parameters, "after", conversation.next));
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Part of a conversation that the parameters ask for.
pub(in crate::http) fn part(parameters: &Parameters) -> Result<Part, Problem> {
    let part = Part {
        before: place(parameters, "before")?,
        after: place(parameters, "after")?,
        limit: limit(parameters)?,
    };
    if part.before.is_some() && part.after.is_some() {
        let given = parameters.get("after").unwrap_or_default();
        let detail = "before and after exclude each other";
        return Err(Problem::parameter("after", given, "without before", detail));
    }
    Ok(part)
}

/// Reads a part of a conversation. The audit records it.
pub(in crate::http) async fn conversation(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    between: &Between,
    part: Part,
) -> Result<Conversation, Problem> {
    let mut session = api.session(scope).await?;
    let filter = named(api, &mut session, &asked.parameters, between).await?;
    let found = api.read(session.conversation(&filter, part)).await?;
    let conversation = found.ok_or_else(Problem::not_found)?;
    let subject = Subject::Personal(&conversation.row.person_id);
    let lines = Some(conversation.lines.len());
    api.record(scope, asked, "conversation", (subject, lines))
        .await?;
    Ok(conversation)
}

/// Begins an export of the lines after a place. Returns the person, too.
pub(in crate::http) async fn walk(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    between: &Between,
    after: Option<Place>,
) -> Result<(Session, LineWalk, String), Problem> {
    may_export(scope)?;
    let mut session = api.session(scope).await?;
    let filter = named(api, &mut session, &asked.parameters, between).await?;
    let end = api.read(session.end_of_log()).await?;
    let found = LineWalk::begin(&mut session, &filter, after, end);
    let walk = api.read(found).await?.ok_or_else(Problem::not_found)?;
    let person = walk.person_id().to_owned();
    Ok((session, walk, person))
}

/// Filter for the conversation that a path names.
async fn named(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
    (account, person): &Between,
) -> Result<ConversationFilter, Problem> {
    let account = in_path(account.clone())?;
    let mut account_ids = api.read(session.account_ids(&account)).await?;
    if account_ids.is_empty() {
        // Accounts of other objects than instagram have conversations, too, and are not listed.
        account_ids.push(account);
    }
    Ok(ConversationFilter {
        app: parameters.text("app")?,
        person_id: Some(in_path(person.clone())?),
        account_ids,
        ..ConversationFilter::default()
    })
}

/// Path of a conversation in the API.
pub(in crate::http) fn path((account, person): &Between) -> String {
    format!("{CONVERSATIONS}/{}/{}", encoded(account), encoded(person))
}

pub(in crate::http) fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

pub(super) fn place(parameters: &Parameters, name: &str) -> Result<Option<Place>, Problem> {
    parameters.parse(name, |text| text.parse().ok())
}

pub(super) fn limit(parameters: &Parameters) -> Result<u32, Problem> {
    parameters.number("limit")
}

/// URL of another part, from `place` on.
pub(super) fn next(
    path: &str,
    parameters: &Parameters,
    from: &'static str,
    place: Option<impl ToString>,
) -> Option<String> {
    let place = place?.to_string();
    let others = ["before", "after"].into_iter().filter(|it| *it != from);
    let others = others.map(|other| (other, String::new()));
    let changes: Vec<_> = others.chain([(from, place)]).collect();
    Some(shown::url(path, parameters, &changes))
}
