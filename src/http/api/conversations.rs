//! Routes of conversations and of comments.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use serde_json::json;

use super::{
    Api, Asked, Shared,
    export::{EXPORT, Export},
    filters::{accounts, accounts_in_path},
    in_path, shown,
};
use crate::{
    http::{
        access::Viewer,
        answer,
        parameters::{Parameter, Parameters},
        problem::Problem,
    },
    query::{
        CommentWalk, ConversationFilter, ConversationOrder, LineWalk, ListWalk, MediaFilter, Part,
        Place, Subject,
    },
};

const CONVERSATIONS: &str = "/v1/conversations";
const MEDIA: &str = "/v1/media";

const OF: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("account", "Professional account: id, label or user name."),
    Parameter::one(
        "since",
        "With an event at this time or later: a time, a date, today, 2h.",
    ),
    Parameter::one("until", "Without an event at this time or later."),
];

const CONVERSATION_LIST: &[Parameter] = &[
    Parameter::one("person", "Other party: Instagram-scoped id."),
    Parameter::one("waiting", "true for conversations without an answer."),
    Parameter::one(
        "order",
        "newest or longest_waiting first. If unset: newest.",
    ),
];

const MEDIA_LIST: &[Parameter] = &[Parameter::one(
    "unanswered",
    "true for media with unanswered comments.",
)];

const PAGE: &[Parameter] = &[
    Parameter::one("after", "Place behind which the list goes on."),
    LIMIT,
];

const PART: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("before", "Place before which the lines are."),
    Parameter::one("after", "Place after which the lines are."),
    LIMIT,
];

const THREADS: &[Parameter] = &[
    Parameter::one("app", "Name of the configured app."),
    Parameter::one("account", "Professional account: id, label or user name."),
    Parameter::one("before", "Position before which the threads are."),
    LIMIT,
];

const LIMIT: Parameter = Parameter::one(
    "limit",
    "Maximum number of entries, from 1 to 1000. If unset: 100.",
);

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route(CONVERSATIONS, get(list))
        .route("/v1/conversations/{account}/{person}", get(show))
        .route(MEDIA, get(media))
        .route("/v1/media/{id}/comments", get(comments))
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[OF, CONVERSATION_LIST, PAGE, EXPORT])?;
    let of_pages = ["order", "after", "limit"];
    let export = Export::of("conversations", &parameters, &of_pages)?;
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
    let (after, limit) = (place(&parameters, "after")?, limit(&parameters)?);
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, &parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    if let Some(export) = export {
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let list = session
        .conversations(&filter, order.unwrap_or_default(), after, limit)
        .await
        .map_err(|error| api.problem(&error))?;
    let answer = json!({
        "conversations": list.rows,
        "next": next(CONVERSATIONS, &parameters, "after", list.next),
        "as_of_position": shown::position(end),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path((account, person)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[PART, EXPORT])?;
    let export = Export::of("conversation", &parameters, &["before", "limit"])?;
    let part = Part {
        before: place(&parameters, "before")?,
        after: place(&parameters, "after")?,
        limit: limit(&parameters)?,
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
    answer["previous"] = json!(next(&path, &parameters, "before", conversation.previous));
    answer["next"] = json!(next(&path, &parameters, "after", conversation.next));
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn media(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[OF, MEDIA_LIST, PAGE, EXPORT])?;
    let export = Export::of("media", &parameters, &["after", "limit"])?;
    let mut filter = MediaFilter {
        app: parameters.text("app")?,
        unanswered: parameters.flag("unanswered")?.unwrap_or(false),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..MediaFilter::default()
    };
    let (after, limit) = (place(&parameters, "after")?, limit(&parameters)?);
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, &parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    if let Some(export) = export {
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let list = api.read(session.media(&filter, after, limit)).await?;
    let answer = json!({
        "media": list.rows,
        "next": next(MEDIA, &parameters, "after", list.next),
        "as_of_position": shown::position(end),
    });
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn comments(
    State(api): Shared,
    Viewer(scope): Viewer,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = asked.parameters(&[THREADS, EXPORT])?;
    let export = Export::of("comments", &parameters, &["limit"])?;
    let (before, limit) = (parameters.position("before")?, limit(&parameters)?);
    let mut filter = MediaFilter {
        app: parameters.text("app")?,
        media_id: Some(in_path(id.clone())?),
        ..MediaFilter::default()
    };
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, &parameters).await?;
    if let Some(export) = export {
        let export = export.with_content(&scope)?;
        let end = api.read(session.end_of_log()).await?;
        let found = CommentWalk::begin(&mut session, &filter, before, end);
        let walk = api.read(found).await?.ok_or_else(Problem::not_found)?;
        let of = walk.media_id().to_owned();
        let what = (export, Subject::Id(&of));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let found = api
        .read(session.media_comments(&filter, before, limit))
        .await?;
    let comments = found.ok_or_else(Problem::not_found)?;
    let subject = Subject::Id(&comments.row.media_id);
    let threads = Some(comments.threads.len());
    api.record(&scope, &asked, "comments", (subject, threads))
        .await?;
    let path = format!("{MEDIA}/{}/comments", encoded(&id));
    let mut answer = serde_json::to_value(&comments).unwrap_or_default();
    answer["next"] = json!(next(&path, &parameters, "before", comments.next));
    Ok(answer::json(StatusCode::OK, &answer))
}

fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn place(parameters: &Parameters, name: &str) -> Result<Option<Place>, Problem> {
    let allowed = "a place from the URLs of an answer, such as 1795182300123456.42";
    parameters.parse(name, allowed, |text| text.parse().ok())
}

fn limit(parameters: &Parameters) -> Result<u32, Problem> {
    Ok(parameters.number("limit", 1..=1000)?.unwrap_or(100))
}

/// URL of another part, from `place` on.
fn next(
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
