//! Routes of media with comments, and of the comments on one.

use axum::{extract::State, http::StatusCode, response::Response, routing::get};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    Api, Asked, InPath, LISTED, SHOWN, Shared,
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
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        CommentWalk, Digits, ListWalk, MediaComments, MediaFilter, MediaRow, Scope, Session,
        Subject, Thread,
    },
};

const MEDIA: &str = "/v1/media";

pub(in crate::http) const MEDIA_LIST: &[Parameter] = &[Parameter::of(
    "unanswered",
    "true for media with unanswered comments.",
    Form::Flag,
)];

pub(in crate::http) const THREADS: &[Parameter] = &[
    APP,
    ACCOUNT,
    Parameter::of(
        "before",
        "Position before which the threads are.",
        Form::Position,
    ),
    Parameter::one("thread", "Id of the first comment of the only thread."),
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
pub(in crate::http) struct MediaList {
    pub(in crate::http) media: Vec<MediaRow>,
    /// Null if nothing was ever listed.
    lag: Option<LagReport>,
    /// URL of the next page.
    pub(in crate::http) next: Option<String>,
    #[schemars(with = "Digits")]
    as_of_position: String,
}

/// Maximum number of threads per read of a choice.
const AT_ONCE: u32 = 200;

/// Maximum number of reads of a choice.
const MOST_READS: usize = 20;

/// Choice of threads.
pub(in crate::http) type Keep = dyn Fn(&Thread) -> bool + Send + Sync;

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
    Ok(MediaList {
        media: list.rows,
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
    if let Some(export) = Export::of("comments", parameters, &["limit", "thread"])? {
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
    let comments = comments(&api, (&scope, &asked), &id, None).await?;
    let path = path(&id);
    let mut answer = serde_json::to_value(&comments).unwrap_or_default();
    answer["next"] = json!(next(&path, parameters, "before", comments.next));
    Ok(answer::json(StatusCode::OK, &answer))
}

/// Path of the comments on a media in the API.
pub(in crate::http) fn path(id: &str) -> String {
    format!("{MEDIA}/{}/comments", encoded(id))
}

/// Filter for the media that a path names.
async fn named(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
    id: &str,
) -> Result<MediaFilter, Problem> {
    Ok(MediaFilter {
        app: parameters.text("app")?,
        media_id: Some(in_path(id.to_owned())?),
        account_ids: accounts(api, session, parameters).await?,
        ..MediaFilter::default()
    })
}

/// Reads the threads on a media; with a choice, only those that it keeps, of as many threads as some
/// reads give. The audit records it.
pub(in crate::http) async fn comments(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    id: &str,
    keep: Option<&Keep>,
) -> Result<MediaComments, Problem> {
    let parameters = &asked.parameters;
    let (before, limit) = (parameters.position("before")?, limit(parameters)?);
    let mut session = api.session(scope).await?;
    let filter = named(api, &mut session, parameters, id).await?;
    let at_once = keep.map_or(limit, |_| limit.max(AT_ONCE));
    let found = match parameters.text("thread")? {
        Some(thread) => session.media_thread(&filter, &thread).await,
        None => session.media_comments(&filter, before, at_once).await,
    };
    let found = found.map_err(|error| api.problem(&error))?;
    let mut comments = found.ok_or_else(Problem::not_found)?;
    if let Some(keep) = keep {
        comments.threads.retain(keep);
        for _ in 1..MOST_READS {
            if comments.threads.len() >= limit as usize || comments.next.is_none() {
                break;
            }
            let read = session.media_comments(&filter, comments.next, at_once);
            let further = api.read(read).await?.ok_or_else(Problem::not_found)?;
            comments.next = further.next;
            comments
                .threads
                .extend(further.threads.into_iter().filter(keep));
        }
        comments.keep_first(limit as usize);
    }
    let subject = Subject::Id(&comments.row.media_id);
    let threads = Some(comments.threads.len());
    api.record(scope, asked, "comments", (subject, threads))
        .await?;
    Ok(comments)
}
