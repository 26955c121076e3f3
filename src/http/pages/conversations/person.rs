//! The person beside a conversation.

use jiff::{SignedDuration, Timestamp};

use super::words::{is_message, way_in};
use crate::{
    http::{
        api::Api,
        pages::{
            accounts::AccountNames,
            event_line::{EventLine, Person as Name},
        },
        problem::Problem,
    },
    meta::event::Kind,
    query::{
        Between, Conversation, EventFilter, EventForm, EventPage, EventRow, Order, Party, Session,
    },
};

/// Meta's time for an answer to a message.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Maximum number of comments and mentions beside a conversation.
const MOST: u32 = 5;

/// Number of the newest messages among which the last one of the person is searched, if the shown
/// part has none.
const NEWEST: u32 = 50;

/// Comments and mentions.
const PUBLIC: [Kind; 3] = [Kind::Comment, Kind::LiveComment, Kind::Mention];

/// Person beside a conversation.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: Name,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_at: Timestamp,
    pub(super) received: i64,
    pub(super) sent: i64,
    pub(super) window: Option<Window>,
    pub(super) way_in: Option<String>,
    /// Newest comments and mentions on the account.
    pub(super) public: Vec<EventLine>,
    /// Icon, name and link of lists of the person's events.
    pub(super) links: Vec<(&'static str, &'static str, String)>,
}

/// Meta's time for an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Time left; `None` if the time is over.
    pub(super) left: Option<String>,
    pub(super) until: Timestamp,
    pub(super) percent: i64,
    /// Class of the rest.
    pub(super) class: &'static str,
}

impl Person {
    /// Reads the person of a conversation.
    pub(super) async fn read(
        api: &Api,
        session: &mut Session,
        conversation: &Conversation,
        names: &AccountNames,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let of = &conversation.row;
        let mut events = Events {
            api,
            session,
            filter: EventFilter {
                app: Some(of.app.clone()),
                account_ids: vec![of.account_id.clone()],
                person_id: Some(of.person_id.clone()),
                ..EventFilter::default()
            },
        };
        let first = events.read(&[], Order::Oldest, 1).await?;
        let public = events.read(&PUBLIC, Order::Newest, MOST).await?;
        let last = match last_received(conversation) {
            Some(last) => Some(last),
            None => events.last_received().await?,
        };
        let public = public.iter();
        Ok(Self {
            name: Name {
                id: of.person_id.clone(),
                username: conversation.username.clone(),
            },
            first_seen: first.first().map(|first| at(first.columns())),
            last_at: of.last_at,
            received: of.received,
            sent: of.sent,
            window: last.map(|last| Window::since(last, now)),
            way_in: conversation.lines.iter().rev().find_map(way_in),
            public: public.map(|event| EventLine::of(event, names)).collect(),
            links: links(&of.account_id, &of.person_id),
        })
    }
}

/// Reader of the person's events on the account.
struct Events<'s> {
    api: &'s Api,
    session: &'s mut Session,
    filter: EventFilter,
}

impl Events<'_> {
    async fn read(
        &mut self,
        kinds: &[Kind],
        order: Order,
        limit: u32,
    ) -> Result<Vec<EventForm>, Problem> {
        let page = EventPage {
            filter: EventFilter {
                kinds: kinds.to_vec(),
                ..self.filter.clone()
            },
            range: Between::default(),
            order,
            limit,
        };
        self.api.read(self.session.events(&page)).await
    }

    /// Time of the last message of the person, among the newest.
    async fn last_received(&mut self) -> Result<Option<Timestamp>, Problem> {
        let kinds = [Kind::Message, Kind::Postback];
        let events = self.read(&kinds, Order::Newest, NEWEST).await?;
        let rows = events.iter().map(EventForm::columns);
        Ok(rows.filter(|row| is_received(row)).map(at).max())
    }
}

fn at(event: &EventRow) -> Timestamp {
    event.occurred_at.unwrap_or(event.received_at)
}

fn is_received(event: &EventRow) -> bool {
    !event.is_echo && event.sender_id != event.account_id
}

/// Time of the last message of the person in the newest part; `None` if another part is shown, or
/// if it has none.
fn last_received(conversation: &Conversation) -> Option<Timestamp> {
    let mut newest = conversation.lines.iter().rev();
    let is_newest = conversation.next.is_none();
    let last = newest.find(|line| is_message(line) && line.from == Some(Party::Person));
    last.filter(|line| is_newest && !line.is_missing)
        .map(|line| line.at)
}

/// Lists of the events of a person on an account.
fn links(account: &str, person: &str) -> Vec<(&'static str, &'static str, String)> {
    let list = |kinds: &[Kind]| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("account", account)
            .append_pair("person", person);
        for kind in kinds {
            query.append_pair("kind", kind.as_str());
        }
        format!("/events?{}", query.finish())
    };
    vec![
        (
            "message-circle",
            "Comments",
            list(&[Kind::Comment, Kind::LiveComment]),
        ),
        ("at-sign", "Mentions", list(&[Kind::Mention])),
        ("list", "All events", list(&[])),
    ]
}

impl Window {
    /// The time for an answer to a message.
    fn since(message: Timestamp, now: Timestamp) -> Self {
        let until = message.checked_add(WINDOW).unwrap_or(message);
        let left = until.duration_since(now).min(WINDOW);
        let minutes = left.as_secs() / 60;
        let class = match minutes {
            360.. => "",
            60..360 => "warn",
            _ => "bad",
        };
        let words = match minutes {
            60.. => format!("{} h {} min", minutes / 60, minutes % 60),
            _ => format!("{minutes} min"),
        };
        Self {
            left: left.is_positive().then_some(words),
            until,
            percent: (minutes * 100 / 1_440).clamp(0, 100),
            class,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_for_a_day() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
        for (message, left, percent, class) in [
            ("2026-11-30T11:56:00Z", Some("23 h 56 min"), 99, ""),
            ("2026-11-29T14:30:00Z", Some("2 h 30 min"), 10, "warn"),
            ("2026-11-29T12:20:30Z", Some("20 min"), 1, "bad"),
            ("2026-11-29T11:00:00Z", None, 0, "bad"),
            ("2026-12-01T11:00:00Z", Some("24 h 0 min"), 100, ""),
        ] {
            let window = Window::since(message.parse().unwrap(), now);
            let found = (window.left.as_deref(), window.percent, window.class);
            assert_eq!(found, (left, percent, class), "{message}");
        }
    }
}
