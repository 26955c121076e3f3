//! Routes of media with comments, and of the comments on one.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    Asked, InPath, LISTED, SHOWN, Shared,
    conversations::{OF, PAGE, encoded, limit, next, place},
    export::{EXPORT, Export},
    filters::{ACCOUNT, APP, LIMIT, accounts},
    in_path,
    operation::{Answer, Operation},
    shown::LagReport,
};
use crate::{
    http::{
        access::Viewer,
        answer,
        parameter::{Form, Parameter},
        problem::Problem,
    },
    query::{CommentWalk, Digits, ListWalk, MediaComments, MediaFilter, MediaRow, Subject},
};

const MEDIA: &str = "/v1/media";

const MEDIA_LIST: &[Parameter] = &[Parameter::of(
    "unanswered",
    "true for media with unanswered comments.",
    Form::Flag,
)];

const THREADS: &[Parameter] = &[
    APP,
    ACCOUNT,
    Parameter::of(
        "before",
        "Position before which the threads are.",
        Form::Position,
    ),
    LIMIT,
];

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

/// Answer with media.
#[derive(Serialize, JsonSchema)]
struct MediaList {
    media: Vec<MediaRow>,
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
    let export = Export::of("media", parameters, &["after", "limit"])?;
    let mut filter = MediaFilter {
        app: parameters.text("app")?,
        unanswered: parameters.flag("unanswered")?.unwrap_or(false),
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..MediaFilter::default()
    };
    let (after, limit) = (place(parameters, "after")?, limit(parameters)?);
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    if let Some(export) = export {
        let (walk, what) = (ListWalk::new(filter, end), (export, Subject::None));
        return api.export(session, (&scope, &asked), what, walk).await;
    }
    let list = api.read(session.media(&filter, after, limit)).await?;
    let answer = MediaList {
        media: list.rows,
        lag: list.lag.map(LagReport::from),
        next: next(MEDIA, parameters, "after", list.next),
        as_of_position: end.to_string(),
    };
    Ok(answer::json(StatusCode::OK, &answer))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let export = Export::of("comments", parameters, &["limit"])?;
    let (before, limit) = (parameters.position("before")?, limit(parameters)?);
    let mut filter = MediaFilter {
        app: parameters.text("app")?,
        media_id: Some(in_path(id.clone())?),
        ..MediaFilter::default()
    };
    let mut session = api.session(&scope).await?;
    filter.account_ids = accounts(&api, &mut session, parameters).await?;
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
    answer["next"] = json!(next(&path, parameters, "before", comments.next));
    Ok(answer::json(StatusCode::OK, &answer))
}
