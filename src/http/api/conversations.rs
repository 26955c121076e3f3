//! Routes of conversations.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    Asked, InPath, LISTED, SHOWN, Shared,
    export::{EXPORT, Export},
    filters::{ACCOUNT, APP, LIMIT, accounts, accounts_in_path, names, since, until},
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
        ListWalk, Part, Place, Subject,
    },
};

const CONVERSATIONS: &str = "/v1/conversations";

pub(super) const OF: &[Parameter] = &[
    APP,
    ACCOUNT,
    since("With an event at this time or later."),
    until("Without an event at this time or later."),
];

const CONVERSATION_LIST: &[Parameter] = &[
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
const PLACE: Form = Form::Place("1795182300123456.42", "^[0-9]{1,17}\\.[0-9]{1,18}$");

pub(super) const PAGE: &[Parameter] = &[
    Parameter::of("after", "Place behind which the list goes on.", PLACE),
    LIMIT,
];

const PART: &[Parameter] = &[
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
struct ConversationList {
    conversations: Vec<ConversationRow>,
    /// Null if nothing was ever listed.
    lag: Option<LagReport>,
    /// URL of the next page.
    next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let of_pages = ["order", "after", "limit"];
    let export = Export::of("conversations", parameters, &of_pages)?;
    let orders = ConversationOrder::ALL;
    let order = parameters.one_of("order", orders, ConversationOrder::as_str)?;
    let mut filter = ConversationFilter {
        app: parameters.text("app")?,
        person_id: parameters.text("person")?,
        waiting: parameters.flag("waiting")?.unwrap_or(false),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..ConversationFilter::default()
    };
    let (after, limit) = (place(parameters, "after")?, limit(parameters)?);
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    if let Some(export) = export {
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let list = session
        .conversations(&filter, order.unwrap_or_default(), after, limit)
        .await
        .map_err(|error| api.problem(&error))?;
    let answer = ConversationList {
        conversations: list.rows,
        lag: list.lag.map(LagReport::from),
        next: next(CONVERSATIONS, parameters, "after", list.next),
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath((account, person)): InPath<(String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("conversation", parameters, &["before", "limit"])?;
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
    let app = parameters.text("app")?;
    let person = in_path(person)?;
    let mut session = api.session(&scope).await?;
    let filter = ConversationFilter {
        app,
        account_ids: accounts_in_path(&api, &mut session, account.clone()).await?,
        person_id: Some(person.clone()),
        ..ConversationFilter::default()
    };
    if let Some(export) = export {
        let export = export.with_content(&scope)?;
        let end = api.read(session.end_of_log()).await?;
        let found = LineWalk::begin(&mut session, &filter, part.after, end);
        let walk = api.read(found).await?.ok_or_else(Problem::not_found)?;
        let of = walk.person_id().to_owned();
        let what = (export, Subject::Personal(&of));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let found = api.read(session.conversation(&filter, part)).await?;
    let conversation = found.ok_or_else(Problem::not_found)?;
    let subject = Subject::Personal(&conversation.row.person_id);
    let lines = Some(conversation.lines.len());
    api.record(&scope, &asked, "conversation", (subject, lines))
        .await?;
    let path = format!("{CONVERSATIONS}/{}/{}", encoded(&account), encoded(&person));
    let mut answer = serde_json::to_value(&conversation).unwrap_or_default();
    answer["previous"] = json!(next(&path, parameters, "before", conversation.previous));
    answer["next"] = json!(next(&path, parameters, "after", conversation.next));
    Ok(answer::json(StatusCode::OK, &answer))
}

pub(super) fn encoded(id: &str) -> String {
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
