//! Routes of media with comments, and of the comments on one.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    Api, Asked, InPath, LISTED, SHOWN, Shared,
    conversations::{OF, PAGE, encoded, limit, next, place},
    export::{EXPORT, Export},
    filters::accounts,
    operation::{Answer, Operation},
    shown::{self, LagReport},
    threads::{THREADS, comments, named},
};
use crate::{
    clock::Clock,
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        CommentWalk, Digits, ListWalk, MediaComments, MediaFilter, MediaLife, MediaRow, Scope,
        Session, Subject,
    },
};

const MEDIA: &str = "/v1/media";

pub(in crate::http) const MEDIA_LIST: &[Parameter] = &[Parameter::of(
    "unanswered",
    "true for media with unanswered comments.",
    Form::Flag,
)];

const MEDIA_ID: &[Parameter] = &[Parameter::one(
    "id",
    "Id of the media or of one of its ads.",
)];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: MEDIA,
        handler: || get(list),
        about: "Media with comments, newest comment first, without content.",
        parameters: &[OF, MEDIA_LIST, PAGE, EXPORT],
        example: "/v1/media?unanswered=true",
        answers: &[Answer::json::<MediaList>("A page of media.")],
        problems: LISTED,
        ..Operation::GET
    },
    Operation {
        path: "/v1/media/{id}/comments",
        handler: || get(show),
        about: "Comments on a media and on its ads, in threads, newest comment first.",
        parts: MEDIA_ID,
        parameters: &[THREADS, EXPORT],
        example: "/v1/media/17900000000000001/comments?limit=10",
        answers: &[Answer::json::<MediaComments>("A page of threads.")],
        problems: SHOWN,
        ..Operation::GET
    },
];

/// Media of a list.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct ListedMedia {
    #[serde(flatten)]
    pub(in crate::http) row: MediaRow,
    /// Its people, and the times of its comments.
    pub(in crate::http) life: MediaLife,
}

/// Answer with media.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct MediaList {
    pub(in crate::http) media: Vec<ListedMedia>,
    /// Null if nothing was ever listed.
    lag: Option<LagReport>,
    /// URL of the next page.
    pub(in crate::http) next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Parameters that have no effect on an export of comments.
const OF_PAGES: [&str; 4] = ["limit", "thread", "order", "answered"];

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    if let Some(export) = Export::of("media", parameters, &["after", "limit"])? {
        let mut session = api.session(&scope).await?;
        let filter = filter(&api, &mut session, parameters).await?;
        let end = api.read(session.end_of_log()).await?;
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let answer = listed(&api, &scope, parameters).await?;
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Reads a page of media.
pub(in crate::http) async fn listed(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
) -> Result<MediaList, Problem> {
    let (after, limit) = (place(parameters, "after")?, limit(parameters)?);
    let mut session = api.session(scope).await?;
    let filter = filter(api, &mut session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    let list = api.read(session.media(&filter, after, limit)).await?;
    let lives = session.lives(&list.rows, Clock::system().now());
    let lives = api.read(lives).await?;
    let media = list.rows.into_iter().zip(lives);
    Ok(MediaList {
        media: media.map(|(row, life)| ListedMedia { row, life }).collect(),
        lag: list.lag.map(LagReport::from),
        next: next(MEDIA, parameters, "after", list.next),
        as_of_position: end.to_string(),
    })
}

async fn filter(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<MediaFilter, Problem> {
    Ok(MediaFilter {
        app: parameters.text("app")?,
        client: parameters.text("client")?,
        unanswered: parameters.flag("unanswered")?.unwrap_or(false),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        account_ids: accounts(api, session, parameters).await?,
        ..MediaFilter::default()
    })
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    if let Some(export) = Export::of("comments", parameters, &OF_PAGES)? {
        let before = parameters.position("before")?;
        let mut session = api.session(&scope).await?;
        let filter = named(&api, &mut session, parameters, &id).await?;
        let export = export.with_content(&scope)?;
        let end = api.read(session.end_of_log()).await?;
        let found = CommentWalk::begin(&mut session, &filter, before, end);
        let walk = api.read(found).await?.ok_or_else(Problem::not_found)?;
        let of = walk.media_id().to_owned();
        let what = (export, Subject::Id(&of));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let part = comments(&api, (&scope, &asked), &id, None).await?;
    let next = part.next;
    let next = next.map(|changes| shown::url(&path(&id), parameters, &changes));
    let mut answer = serde_json::to_value(&part.comments).unwrap_or_default();
    answer["next"] = json!(next);
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Path of the comments on a media in the API.
pub(in crate::http) fn path(id: &str) -> String {
    format!("{MEDIA}/{}/comments", encoded(id))
}
