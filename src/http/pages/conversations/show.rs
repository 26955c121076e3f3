//! Page of a conversation: the chat, the list and the person beside it, and the chat as a file.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::{Timestamp, civil::Date};

use super::{
    chat::{Body, Piece, pieces},
    file::{self, Script},
    list::{List, page_path, trimmed},
    person::Person,
    same::Same,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, InPath, Shared,
            conversations::{
                Between, CONVERSATION_LIST, OF, PART, conversation, filter, part, path, walk,
            },
            export::{File, may_export},
            filters::names,
            shown,
        },
        pages::{
            Page,
            accounts::{AccountName, AccountNames},
            answer::{page, rendered},
            copies::{Copied, CopyEntry, from, options},
            event_line::Said,
            frame::{CONVERSATIONS, Frame},
            text,
            times::Times,
            visit::Visit,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        Conversation, ConversationFilter, Line, Part, Party, Place, Scope, Session, Subject,
        conversation_statement,
    },
};

/// Parameters that choose the view.
const VIEW: &[Parameter] = &[
    Parameter::of("date", "Day with which the part begins.", Form::Moment),
    Parameter::of(
        "format",
        "text or markdown for a file of the whole conversation.",
        Form::OneOf(|| names(file::Form::ALL, file::Form::as_str)),
    ),
];

pub(in crate::http::pages) const SHOW: Page = Page {
    path: "/conversations/{account}/{person}",
    handler: || get(show),
    parameters: &[PART, OF, CONVERSATION_LIST, VIEW],
};

/// Maximum number of messages that a newest part grows to while it is read.
const LONGEST: u32 = 1_000;

/// Maximum number of conversations beside the open one.
const BESIDE: u32 = 30;

#[derive(Template)]
#[template(path = "conversation.html", blocks = ["main"])]
struct ConversationPage {
    frame: Frame,
    list: List,
    account: AccountName,
    person: Person,
    pieces: Vec<Piece>,
    older: Option<String>,
    newer: Option<String>,
    newest: String,
    /// Path of the page.
    here: String,
    app: Option<String>,
    files: Option<Files>,
    copies: Vec<CopyEntry>,
    same: Same,
    /// True if the part is read from its end.
    is_from_end: bool,
    /// Set on the newest part, which goes on while it is read.
    news: Option<News>,
    /// False, since a conversation is open.
    is_alone: bool,
}

/// Links to the conversation as a file.
struct Files {
    text: String,
    markdown: String,
    json: String,
}

/// Addresses from which the script of the page learns of new messages and reads them.
struct News {
    /// The shown part and everything after it.
    part: String,
    /// Stream of the events of the conversation.
    stream: String,
    /// Request for one of these events: its status explains a failed stream.
    probe: String,
    /// Position behind which the stream begins.
    after: i64,
}

rendered!(ConversationPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(between): InPath<Between>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let forms = (file::Form::ALL, file::Form::as_str);
    if let Some(form) = parameters.one_of("format", forms.0, forms.1)? {
        return written(&api, (&scope, &asked), &between, form).await;
    }
    let times = Times::new(&visit.preferences, visit.now);
    let part = with_date(part(parameters)?, parameters, &times)?;
    let end = end_of_log(&api, &scope, part).await?;
    let found = conversation(&api, (&scope, &asked), &between, part).await?;
    let mut session = api.session(&scope).await?;
    let list = beside(&api, &mut session, ((&scope, &asked), &found), visit.now).await?;
    let ids = vec![found.row.account_id.clone()];
    let names = AccountNames::of_ids(&api, &mut session, ids).await?;
    let person = Person::read(&api, &mut session, &found, &names, visit.now).await?;
    let links = Links {
        path: page_path(&between),
        parameters,
    };
    let files = may_export(&scope).is_ok().then(|| links.files(&between));
    let shown = ConversationPage {
        copies: copies((&visit, &scope), (&found, part), files.as_ref()),
        list,
        account: names.get(&found.row.account_id),
        pieces: pieces(&found, &times, &|place| links.to("after", place)),
        older: found.previous.map(|place| links.to("before", place)),
        newer: found.next.map(|place| links.to("after", place)),
        newest: links.without_part(&[]),
        app: parameters.text("app")?,
        files,
        same: Same::conversation(
            format!("{}{}", parameters.base(), path(&between)),
            &found.row,
        ),
        is_from_end: part.after.is_none(),
        news: end.map(|after| links.news(&found, after)),
        frame: frame(&visit, &scope, &found),
        here: links.path,
        person,
        is_alone: false,
    };
    Ok(page(&visit, &shown))
}

/// Reads the list beside a conversation.
async fn beside(
    api: &Api,
    session: &mut Session,
    (asked, found): ((&Scope, &Asked), &Conversation),
    now: Timestamp,
) -> Result<List, Problem> {
    let (filter, order) = filter(api, session, &asked.1.parameters).await?;
    let filter = ConversationFilter {
        app: None,
        ..filter
    };
    let rows = session.conversations(&filter, order, None, BESIDE);
    let rows = api.read(rows).await?.rows;
    List::of(api, session, rows, (asked, Some(&found.row)), now).await
}

/// Copies of a part of a conversation, and of all of it as a file.
fn copies(
    (visit, scope): (&Visit, &Scope),
    (found, part): (&Conversation, Part),
    files: Option<&Files>,
) -> Vec<CopyEntry> {
    let (base, row) = (&visit.base, &found.row);
    let between = (row.account_id.clone(), row.person_id.clone());
    let place = |place: Option<Place>| place.map(|place| place.to_string());
    let given = [
        ("app", Some(row.app.clone())),
        ("before", place(part.before)),
        ("after", place(part.after)),
        ("limit", Some(part.limit.to_string())),
    ];
    let given = given.iter();
    let given: Vec<_> = given
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)))
        .collect();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(&given).finish();
    let verb = format!("conversations show{}", options(given.into_iter()));
    let copied = Copied {
        visit,
        page: format!("{base}{}", visit.address),
        api: Some(format!("{base}{}?{query}", path(&between))),
        command: Some((verb, vec![between.0, between.1])),
        statement: Some(conversation_statement(row, [found.previous, found.next])),
    };
    let mut entries = copied.entries(scope);
    entries.extend(files.into_iter().flat_map(|files| {
        [("Text", &files.text), ("Markdown", &files.markdown)]
            .map(|(name, path)| from(name, format!("{base}{path}")))
    }));
    entries
}

fn frame(visit: &Visit, scope: &Scope, found: &Conversation) -> Frame {
    let name = match &found.username {
        Some(username) => format!("@{username}"),
        None => text::short_id(&found.row.person_id),
    };
    let title = format!("Conversation with {name}");
    Frame::new(visit, Some(scope), title, Some(&CONVERSATIONS))
}

/// Position of the last event before the newest part is read; `None` for another part.
async fn end_of_log(api: &Api, scope: &Scope, part: Part) -> Result<Option<i64>, Problem> {
    if part.before.or(part.after).is_some() {
        return Ok(None);
    }
    let mut session = api.session(scope).await?;
    api.read(session.end_of_log()).await.map(Some)
}

/// The part that begins with the chosen day, if one is chosen.
fn with_date(part: Part, parameters: &Parameters, times: &Times) -> Result<Part, Problem> {
    let Some(given) = parameters.get("date") else {
        return Ok(part);
    };
    let date: Option<Date> = given.parse().ok();
    let start: Option<Timestamp> = match date.and_then(|date| times.start_of(date)) {
        Some(start) => Some(start),
        None => parameters.moment("date")?,
    };
    let is_elsewhere = part.before.is_some() || part.after.is_some();
    Ok(Part {
        after: match start {
            Some(at) if !is_elsewhere => Some(Place { at, position: 0 }),
            _ => part.after,
        },
        ..part
    })
}

/// Links within a conversation; the list beside it stays.
struct Links<'p> {
    path: String,
    parameters: &'p Parameters,
}

impl Links<'_> {
    fn without_part(&self, changes: &[(&'static str, String)]) -> String {
        let parts = ["before", "after", "date"].map(|name| (name, String::new()));
        let others = parts.into_iter();
        let others = others.filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let changes: Vec<_> = others.chain(changes.iter().cloned()).collect();
        trimmed(shown::url(&self.path, self.parameters, &changes))
    }

    /// Link to the part before or after a place.
    fn to(&self, side: &'static str, place: Place) -> String {
        self.without_part(&[(side, place.to_string())])
    }

    fn news(&self, found: &Conversation, after: i64) -> News {
        let start = |line: &Line| Place {
            at: line.at,
            position: line.position - 1,
        };
        let part = found
            .lines
            .first()
            .map(start)
            .map_or_else(Vec::new, |start| {
                let limit = LONGEST.to_string();
                vec![("after", start.to_string()), ("limit", limit)]
            });
        let mut of = form_urlencoded::Serializer::new(String::new());
        of.append_pair("app", &found.row.app);
        of.append_pair("account", &found.row.account_id);
        of.append_pair("person", &found.row.person_id);
        let (base, of) = (self.parameters.base(), of.finish());
        News {
            part: self.without_part(&part),
            stream: format!("{base}/v1/events/stream?{of}"),
            probe: format!("{base}/v1/events?{of}&limit=1&wait=1"),
            after,
        }
    }

    fn files(&self, between: &Between) -> Files {
        let app = self.parameters.get("app");
        let file = |path: &str, format: &str| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            if let Some(app) = app {
                query.append_pair("app", app);
            }
            format!("{path}?{}", query.append_pair("format", format).finish())
        };
        Files {
            text: file(&self.path, file::Form::Text.as_str()),
            markdown: file(&self.path, file::Form::Markdown.as_str()),
            json: file(&path(between), "ndjson"),
        }
    }
}

/// Answers with the whole conversation as a file.
async fn written(
    api: &Api,
    (scope, asked): (&Scope, &Asked),
    between: &Between,
    form: file::Form,
) -> Result<Response, Problem> {
    let (_, walk, person) = walk(api, (scope, asked), between, None).await?;
    let mut script = Script::new(form);
    let head = script.head(&between.0, &person);
    let [ending, media] = form.file();
    let file = File {
        list: "conversation",
        ending,
        media,
        head: Ok(head.into()),
        write: Box::new(move |lines| Ok(script.lines(lines).into())),
    };
    let subject = Subject::Personal(&person);
    api.file((scope, asked), subject, file, walk).await
}
