//! Page of conversations, and the list beside a conversation.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::{SignedDuration, Timestamp};

use super::{
    same::Same,
    words::{attachment, cut},
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            conversations::{Between, CONVERSATION_LIST, Listed, OF, PAGE, filter, listed, path},
            shown,
        },
        pages::{
            Page,
            accounts::{AccountName, AccountNames},
            answer::{page, rendered},
            event_line::{EventLine, Person, Said, duration},
            frame::{CONVERSATIONS, Frame},
            text,
            visit::Visit,
        },
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        Between as Positions, ConversationRow, EventFilter, EventForm, EventPage, Order, Scope,
        Session, Subject,
    },
};

pub(in crate::http::pages) const LIST: Page = Page {
    path: "/conversations",
    handler: || get(show),
    parameters: &[OF, CONVERSATION_LIST, PAGE],
};

/// Parameters that narrow the list.
const NARROW: [&str; 8] = [
    "waiting", "order", "app", "client", "account", "person", "since", "until",
];

/// Parameters that a form keeps without showing them.
const KEPT: [&str; 6] = ["app", "client", "account", "person", "since", "until"];

/// Parameters of a part of a list or of a conversation.
const PARTS: [&str; 5] = ["after", "before", "limit", "date", "format"];

/// Time before the last events of a list in which they are searched. An event may be stored long
/// after it occurred, but its receipt is rarely days before its occurrence.
const EARLIER: SignedDuration = SignedDuration::from_hours(72);

/// Conversations.
#[derive(Debug)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    pub(super) is_longest: bool,
    pub(super) is_waiting: bool,
    pub(super) is_narrowed: bool,
    /// Parameters that the form keeps.
    pub(super) hidden: Vec<(&'static str, String)>,
    /// Links to the first page and to the next one.
    pub(super) newest: Option<String>,
    pub(super) more: Option<String>,
}

/// Conversation in a list.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) link: String,
    pub(super) is_open: bool,
    pub(super) account: AccountName,
    pub(super) person: Person,
    pub(super) last_at: Timestamp,
    pub(super) last: Option<Last>,
    pub(super) waiting: Option<Waiting>,
}

/// Last event of a conversation.
#[derive(Debug)]
pub(super) struct Last {
    pub(super) is_own: bool,
    pub(super) said: Said,
    /// Words for an event without a text.
    pub(super) words: String,
}

/// Time since the first message without an answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) time: String,
    pub(super) class: &'static str,
}

#[derive(Template)]
#[template(path = "conversations.html", blocks = ["main"])]
struct ListPage {
    frame: Frame,
    list: List,
    same: Same,
    /// True, since no conversation is open.
    is_alone: bool,
}

rendered!(ListPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let Listed::Page(found) = listed(&api, &scope, &asked).await? else {
        return Err(Problem::not_found());
    };
    let mut session = api.session(&scope).await?;
    let (filter, order) = filter(&api, &mut session, parameters).await?;
    let rows = found.conversations;
    let view = ((&scope, &asked), None);
    let mut list = List::of(&api, &mut session, rows, view, visit.now).await?;
    let is_later = parameters.get("after").is_some();
    let first = shown::url(CONVERSATIONS.path, parameters, &[("after", String::new())]);
    list.newest = is_later.then(|| trimmed(first));
    list.more = found.next.map(|next| next.replacen("/v1/", "/", 1));
    let same = trimmed(shown::url("/v1/conversations", parameters, &[]));
    let conversations = ListPage {
        list,
        same: Same::list(same, &filter, order),
        frame: Frame::new(
            &visit,
            Some(&scope),
            CONVERSATIONS.name,
            Some(&CONVERSATIONS),
        ),
        is_alone: true,
    };
    Ok(page(&visit, &conversations))
}

/// An address without the mark of an empty query.
pub(super) fn trimmed(address: String) -> String {
    match address.strip_suffix('?') {
        Some(path) => path.to_owned(),
        None => address,
    }
}

impl List {
    /// List of conversations for a page that was asked for, of which one may be open. The audit
    /// records their last texts.
    pub(super) async fn of(
        api: &Api,
        session: &mut Session,
        rows: Vec<ConversationRow>,
        ((scope, asked), open): ((&Scope, &Asked), Option<&ConversationRow>),
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let parameters = &asked.parameters;
        let ids = rows.iter().map(|row| row.account_id.clone()).collect();
        let names = AccountNames::of_ids(api, session, ids).await?;
        let last = last_events(api, session, &rows).await?;
        if scope.shows_content() && !last.is_empty() {
            let shown = (Subject::None, Some(last.len()));
            api.record(scope, asked, "conversation", shown).await?;
        }
        let has_apps = rows.iter().any(|row| row.app != rows[0].app);
        let entry = |row: &ConversationRow| {
            let app = has_apps.then_some(row.app.as_str());
            Entry {
                link: link(parameters, row, app),
                is_open: open.is_some_and(|open| key(open) == key(row)),
                ..Entry::of(row, &names, last.get(&row.last_position), now)
            }
        };
        let given = |name: &str| parameters.get(name).map(str::to_owned);
        let kept = KEPT.into_iter();
        Ok(Self {
            entries: rows.iter().map(entry).collect(),
            is_longest: parameters.get("order") == Some("longest_waiting"),
            is_waiting: parameters.flag("waiting")?.unwrap_or(false),
            is_narrowed: NARROW.iter().any(|name| parameters.get(name).is_some()),
            hidden: kept.filter_map(|name| Some((name, given(name)?))).collect(),
            newest: None,
            more: None,
        })
    }
}

fn key(row: &ConversationRow) -> [&str; 3] {
    [&row.app, &row.account_id, &row.person_id]
}

/// Link to a conversation with the list beside it.
fn link(parameters: &Parameters, row: &ConversationRow, app: Option<&str>) -> String {
    let path = page_path(&(row.account_id.clone(), row.person_id.clone()));
    let parts = PARTS.into_iter().map(|name| (name, String::new()));
    let changes: Vec<_> = parts
        .chain(app.map(|app| ("app", app.to_owned())))
        .collect();
    trimmed(shown::url(&path, parameters, &changes))
}

/// Path of the page of a conversation.
pub(super) fn page_path(between: &Between) -> String {
    path(between).replacen("/v1/", "/", 1)
}

/// Reads the last event of each conversation, by position.
async fn last_events(
    api: &Api,
    session: &mut Session,
    rows: &[ConversationRow],
) -> Result<HashMap<i64, EventForm>, Problem> {
    let Some(oldest) = rows.iter().map(|row| row.last_at).min() else {
        return Ok(HashMap::new());
    };
    let page = EventPage {
        filter: EventFilter {
            positions: rows.iter().map(|row| row.last_position).collect(),
            since: oldest.checked_sub(EARLIER).ok(),
            ..EventFilter::default()
        },
        range: Positions::default(),
        order: Order::Newest,
        limit: u32::try_from(rows.len()).unwrap_or(u32::MAX),
    };
    let events = api.read(session.events(&page)).await?.into_iter();
    let by_position = events.map(|event| (event.columns().position, event));
    Ok(by_position.collect())
}

impl Entry {
    /// Entry without a link.
    fn of(
        row: &ConversationRow,
        names: &AccountNames,
        last: Option<&EventForm>,
        now: Timestamp,
    ) -> Self {
        let username = last.and_then(|last| last.columns().username.clone());
        Self {
            link: String::new(),
            is_open: false,
            account: names.get(&row.account_id),
            person: Person {
                id: row.person_id.clone(),
                username,
            },
            last_at: row.last_at,
            last: last.map(|last| Last::of(last, names)),
            waiting: row.waiting_since.map(|since| Waiting::since(since, now)),
        }
    }
}

impl Last {
    fn of(event: &EventForm, names: &AccountNames) -> Self {
        let row = event.columns();
        let line = EventLine::of(event, names);
        let by_account = row.sender_id.is_some() && row.sender_id == row.account_id;
        let data = row.data.as_ref().map_or("{}", |data| data.get());
        let data: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
        let sent = data["attachment_types"][0].as_str();
        Self {
            is_own: row.is_echo || by_account,
            words: match (sent, row.text.as_deref()) {
                (Some(kind), _) => attachment(kind).1,
                (None, Some(text)) => cut(text),
                (None, None) => line.look.word.to_owned(),
            },
            said: match line.said {
                Said::Masked if sent.is_some() => Said::Nothing,
                said => said,
            },
        }
    }
}

impl Waiting {
    fn since(since: Timestamp, now: Timestamp) -> Self {
        let time = now.duration_since(since).max(SignedDuration::ZERO);
        let class = match time.as_hours() {
            ..1 => "",
            1..12 => " warn",
            _ => " bad",
        };
        Self {
            time: duration(time),
            class,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_marked() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (since, time, class) in [
            ("2026-11-30T11:56:00Z", "4 min", ""),
            ("2026-11-30T09:00:00Z", "3 h", " warn"),
            ("2026-11-29T14:00:00Z", "22 h", " bad"),
            ("2026-11-30T12:00:09Z", "0 s", ""),
        ] {
            let waiting = Waiting::since(since.parse().unwrap(), now);
            assert_eq!((&*waiting.time, waiting.class), (time, class), "{since}");
        }
    }
}
