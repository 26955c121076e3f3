//! Pages of comments: *what do people say under this post, and what is unanswered?* Media with
//! comments, and the threads under one of them.

mod choice;
mod media;
mod thread;
mod timeline;

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::Timestamp;

use self::{
    choice::Choice,
    media::{Looks, MediaItem},
    thread::{Body, Branch, Reading},
    timeline::Timeline,
};
use super::{
    Page,
    answer::{page, rendered},
    copies::{Copied, CopyEntry, options},
    event_line::EventLine,
    frame::{COMMENTS, Frame},
    steps::Bar,
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, InPath, Shared,
            conversations::{OF, PAGE as PART, encoded},
            events::refuse_content_filters,
            media::{ListedMedia, MEDIA_LIST, MediaList, listed, path},
            shown,
            threads::{THREADS, comments},
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    meta::event::Kind,
    query::{
        Between, EventFilter, EventForm, EventPage, MediaComments, MediaRow, Order, Scope, Session,
        threads_statement,
    },
};

/// Number of media or threads on a page.
const SHORT: &[Parameter] = &[Parameter::of(
    "limit",
    "Maximum number of entries.",
    Form::Number(1, 200, 30),
)];

pub(super) const LIST: Page = Page {
    path: "/comments",
    handler: || get(list),
    parameters: &[SHORT, OF, MEDIA_LIST, PART],
};

pub(super) const SHOW: Page = Page {
    path: "/comments/{media}",
    handler: || get(show),
    parameters: &[SHORT, OF, THREADS, choice::PARAMETERS],
};

/// Maximum number of mentions beside the threads.
const MOST_MENTIONS: u32 = 20;

#[derive(Template)]
#[template(path = "comments.html", blocks = ["main"])]
struct CommentsPage {
    frame: Frame,
    list: List,
    talk: Option<Talk>,
}

rendered!(CommentsPage);

/// Parameters that choose media.
const OF_MEDIA: [&str; 5] = ["app", "client", "account", "since", "until"];

/// Media with comments.
struct List {
    media: Vec<MediaItem>,
    account: String,
    is_unanswered: bool,
    is_narrowed: bool,
    /// Parameters that the form keeps.
    hidden: Vec<(&'static str, String)>,
    /// True if the list does not begin with the newest media.
    is_part: bool,
    older: Option<String>,
    /// Query of the same list in the API.
    query: String,
}

/// Threads under a media.
struct Talk {
    media: MediaItem,
    /// Path of the page.
    path: String,
    /// Path of the same threads in the API.
    api: String,
    branches: Vec<Branch>,
    /// Bars of a live broadcast, each with the link to its comments.
    bars: Vec<(Bar, String)>,
    copies: Vec<CopyEntry>,
    mentions: Vec<EventLine>,
    choice: Choice,
    /// Link to the first part; `None` on it.
    first: Option<String>,
    older: Option<String>,
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let found = listed(&api, &scope, parameters).await?;
    let mut session = api.session(&scope).await?;
    let looks = Looks::of(&api, &mut session, &found.media, None).await?;
    let comments = CommentsPage {
        list: List::of(found, parameters, &looks, None),
        talk: None,
        frame: Frame::new(&visit, Some(&scope), COMMENTS.name, Some(&COMMENTS)),
    };
    Ok(page(&visit, &comments))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<String>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    refuse_content_filters(&scope, parameters)?;
    let choice = Choice::of(parameters, &scope)?;
    let keep = choice.keep();
    let part = comments(&api, (&scope, &asked), &id, keep.as_deref()).await?;
    let found = part.comments;
    let others = listed(&api, &scope, parameters).await?;
    let mut session = api.session(&scope).await?;
    let events = mentions(&api, &mut session, &found.row, &choice).await?;
    let looks = Looks::of(&api, &mut session, &others.media, Some(&found.row)).await?;
    let list = List::of(others, parameters, &looks, Some(&found.row));
    let media = looks.item(&found.row, None);
    let link = |changes: &[(&str, String)]| {
        let link = shown::url(&link_of(&id), parameters, changes);
        link.trim_end_matches('?').to_owned()
    };
    let mut branches = branches(&found, &choice, visit.now, &alone(&id, parameters));
    let mut bars = Vec::new();
    if media.is_live() && !choice.is_unanswered_first() {
        let minutes = api.read(session.comments_by_minute(&found.row)).await?;
        let timeline = Timeline::of(minutes);
        timeline.arrange(&mut branches, !choice.is_set());
        if !choice.is_set() {
            bars = timeline.bars();
        }
    }
    let bars = bars.into_iter();
    let bars = bars.map(|(bar, before)| (bar, link(&[("before", before.to_string())])));
    let talk = Talk {
        mentions: looks.lines(&events),
        bars: bars.collect(),
        media,
        branches,
        path: link_of(&id),
        api: path(&id),
        copies: copies((&visit, &scope), parameters, &found, &choice),
        first: choice.start(parameters).map(|changes| link(&changes)),
        older: part.next.map(|changes| link(&changes)),
        choice,
    };
    let title = format!("Comments on media {}", found.row.media_id);
    let comments = CommentsPage {
        frame: Frame::new(&visit, Some(&scope), title, Some(&COMMENTS)),
        list,
        talk: Some(talk),
    };
    Ok(page(&visit, &comments))
}

/// Page of the threads under a media.
fn link_of(media: &str) -> String {
    format!("{}/{}", COMMENTS.path, encoded(media))
}

/// Start of a link to one of the threads, with the same filters.
fn alone(media: &str, parameters: &Parameters) -> String {
    let changes = ["thread", "before"].map(|name| (name, String::new()));
    let link = shown::url(&link_of(media), parameters, &changes);
    let mark = if link.ends_with('?') { "" } else { "&" };
    format!("{link}{mark}")
}

/// Copies of the threads. The API knows no persons and words, and the command no order and state.
fn copies(
    (visit, scope): (&Visit, &Scope),
    parameters: &Parameters,
    found: &MediaComments,
    choice: &Choice,
) -> Vec<CopyEntry> {
    let (base, row) = (&visit.base, &found.row);
    let given = |names: &[&'static str]| {
        let names = names.iter();
        let given = names.filter_map(|name| Some((*name, parameters.get(name)?)));
        given.collect::<Vec<_>>()
    };
    let of_api = given(&["order", "answered"]);
    let mut given = given(&["account", "before", "thread"]);
    let limit: u32 = parameters.number("limit").unwrap_or_default();
    let limit = limit.to_string();
    given.extend([("app", row.app.as_str()), ("limit", limit.as_str())]);
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(of_api.iter().chain(&given)).finish();
    let api = format!("{base}{}?{query}", path(&row.media_id));
    let verb = format!("comments show{}", options(given.into_iter()));
    let threads: Vec<_> = found
        .threads
        .iter()
        .filter_map(|it| it.comment_id.as_deref())
        .collect();
    let alone = found.threads.iter().filter(|it| it.comment_id.is_none());
    let alone: Vec<_> = alone.map(|it| it.last_position).collect();
    let copied = Copied {
        visit,
        page: format!("{base}{}", visit.address),
        api: (!choice.is_of_page()).then_some(api),
        command: (!choice.is_of_page() && of_api.is_empty())
            .then(|| (verb, vec![row.media_id.clone()])),
        statement: (!found.threads.is_empty()).then(|| threads_statement(row, &threads, &alone)),
    };
    copied.entries(scope)
}

fn branches(found: &MediaComments, choice: &Choice, now: Timestamp, alone: &str) -> Vec<Branch> {
    let reading = Reading {
        now,
        alone,
        account: &found.row.account_id,
        has_ads: !found.row.ad_media_ids.is_empty(),
        is_alone: choice.thread.is_some(),
    };
    found.threads.iter().map(|it| reading.branch(it)).collect()
}

/// Reads the newest mentions under a media. A choice of comments has none.
async fn mentions(
    api: &Api,
    session: &mut Session,
    media: &MediaRow,
    choice: &Choice,
) -> Result<Vec<EventForm>, Problem> {
    if choice.is_set() {
        return Ok(Vec::new());
    }
    let page = EventPage {
        filter: EventFilter {
            kinds: vec![Kind::Mention],
            app: Some(media.app.clone()),
            account_ids: vec![media.account_id.clone()],
            media_id: Some(media.media_id.clone()),
            ..EventFilter::default()
        },
        range: Between::default(),
        order: Order::Newest,
        limit: MOST_MENTIONS,
    };
    api.read(session.events(&page)).await
}

impl List {
    fn of(
        found: MediaList,
        parameters: &Parameters,
        looks: &Looks,
        open: Option<&MediaRow>,
    ) -> Self {
        let given = |name: &'static str| Some((name, parameters.get(name)?.to_owned()));
        let kept: Vec<_> = OF_MEDIA.into_iter().filter_map(given).collect();
        let item = |ListedMedia { row, life }: &ListedMedia| {
            let is_open =
                open.is_some_and(|open| (&open.app, &open.media_id) == (&row.app, &row.media_id));
            let mut query = form_urlencoded::Serializer::new(String::new());
            let query = query.extend_pairs(&kept).finish();
            let mark = if query.is_empty() { "" } else { "?" };
            let link = format!("{}{mark}{query}", link_of(&row.media_id));
            looks.item(row, Some(life)).in_list(link, is_open)
        };
        let query = shown::url("", parameters, &[]);
        let is_unanswered = parameters.get("unanswered") == Some("true");
        Self {
            media: found.media.iter().map(item).collect(),
            account: parameters.get("account").unwrap_or_default().to_owned(),
            is_unanswered,
            is_narrowed: is_unanswered || OF_MEDIA.iter().any(|it| parameters.get(it).is_some()),
            hidden: ["app", "client", "since", "until"]
                .into_iter()
                .filter_map(given)
                .collect(),
            is_part: parameters.get("after").is_some(),
            older: found
                .next
                .map(|next| next.replacen("/v1/media", COMMENTS.path, 1)),
            query: query.trim_end_matches('?').to_owned(),
        }
    }
}
