//! A conversation in its true order: messages with their edits, reactions and receipts, and other
//! events between them.

mod about;
mod data;
mod line;
mod walk;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use self::about::{About, plain};
use super::Session;
use crate::{
    meta::event::Kind,
    store::{
        Error,
        follow::Lag,
        read::{
            ConversationFilter, ConversationOrder, ConversationRow, EventRow, GapFilter, GapRow,
            MOST_GAPS, Place, Reader,
        },
    },
};

pub(super) use self::{
    data::text,
    line::{at, is_late},
};
pub use self::{
    line::{Attachment, Line, Party, Reaction, ReplyTo, Version},
    walk::LineWalk,
};

/// Maximum number of events per read.
const AT_ONCE: u32 = 500;

/// Maximum time between the arrivals of a message and of an event about it, if the event came first:
/// Meta sends a refused delivery again for 36 hours.
const RETRIES: SignedDuration = SignedDuration::from_hours(36);

/// Page of a list that is ordered by time.
#[derive(Clone, Debug)]
pub struct ListPage<T> {
    /// The rows, first to last.
    pub rows: Vec<T>,
    /// Place behind which the list goes on; `None` at its end.
    pub next: Option<Place>,
    /// Lag of the list; `None` if its follower never ran.
    pub lag: Option<Lag>,
}

/// Part of a conversation or of the comments of a media.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Before this place; without `before` and `after`, the newest.
    pub before: Option<Place>,
    /// After this place.
    pub after: Option<Place>,
    /// Maximum number of lines.
    pub limit: u32,
}

/// Page of a conversation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Conversation {
    /// Ids, counts and times.
    #[serde(flatten)]
    pub row: ConversationRow,
    /// User name of the person, if an event has it.
    pub username: Option<String>,
    /// Names of the fields hidden from this scope.
    pub masked: Vec<&'static str>,
    /// Lines in the order of their time, then of their position.
    pub lines: Vec<Line>,
    /// Gaps in the deliveries of the app from the first line to the first line of the next part, or
    /// to now; oldest first.
    pub gaps: Vec<GapRow>,
    /// Place of the first line, if there are older lines.
    pub previous: Option<Place>,
    /// Place of the last line, if there are newer lines.
    pub next: Option<Place>,
}

impl Session {
    /// Reads a page of conversations.
    pub async fn conversations(
        &mut self,
        filter: &ConversationFilter,
        order: ConversationOrder,
        after: Option<Place>,
        limit: u32,
    ) -> Result<ListPage<ConversationRow>, Error> {
        let lag = self.reader.listing().await?;
        let more = limit.saturating_add(1);
        let rows = self.reader.conversations(filter, order, after, more);
        let place = |row: &ConversationRow| Place {
            at: match order {
                ConversationOrder::Newest => row.last_at,
                ConversationOrder::LongestWaiting => row.waiting_since.unwrap_or(row.last_at),
            },
            position: row.first_position,
        };
        Ok(ListPage::of(rows.await?, limit, place, lag))
    }

    /// Reads a part of the conversation that meets `filter`; if several do, of the newest, as for
    /// an account that several apps receive.
    pub async fn conversation(
        &mut self,
        filter: &ConversationFilter,
        part: Part,
    ) -> Result<Option<Conversation>, Error> {
        let order = ConversationOrder::Newest;
        let known = self.reader.conversations(filter, order, None, 1).await?;
        let Some(row) = known.into_iter().next() else {
            return Ok(None);
        };
        let username = self.reader.username_of(&row.person_id).await?;
        let (lines, beyond) = lines(&mut self.reader, &row, part).await?;
        let end = match part.after {
            Some(_) => beyond,
            None => part.before.map(|place| place.at),
        };
        let gaps = gaps(&mut self.reader, &row, &lines, end).await?;
        let more = beyond.is_some();
        let mut conversation = Conversation {
            gaps,
            ..Conversation::of(row, username, lines, part, more)
        };
        if !self.scope.shows_content() {
            conversation.mask();
        }
        Ok(Some(conversation))
    }
}

impl<T> ListPage<T> {
    /// Page of at most `limit` rows, out of rows that were read beyond it.
    pub(super) fn of(
        mut rows: Vec<T>,
        limit: u32,
        place: impl Fn(&T) -> Place,
        lag: Option<Lag>,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(place);
        Self { rows, next, lag }
    }
}

impl Conversation {
    fn of(
        row: ConversationRow,
        username: Option<String>,
        lines: Vec<Line>,
        part: Part,
        more: bool,
    ) -> Self {
        let forward = part.after.is_some();
        let first = lines.first().map(Line::place);
        let last = lines.last().map(Line::place);
        Self {
            row,
            username,
            masked: Vec::new(),
            previous: first.filter(|_| forward || more),
            next: last.filter(|_| if forward { more } else { part.before.is_some() }),
            lines,
            gaps: Vec::new(),
        }
    }

    fn mask(&mut self) {
        if self.username.take().is_some() {
            self.masked.push("username");
        }
        self.lines.iter_mut().for_each(Line::mask);
    }
}

/// Reads the gaps from the first line until `end`. Without lines, there are none.
async fn gaps(
    reader: &mut Reader,
    of: &ConversationRow,
    lines: &[Line],
    end: Option<Timestamp>,
) -> Result<Vec<GapRow>, Error> {
    let Some(first) = lines.first() else {
        return Ok(Vec::new());
    };
    let filter = GapFilter {
        app: Some(of.app.clone()),
        since: Some(first.at),
        until: end,
        ..GapFilter::default()
    };
    reader.gaps(&filter, MOST_GAPS).await
}

/// Reads the lines of a part in order, and the time of the first line beyond it in the direction of
/// reading, if there are more lines. Events about a message that is a line of its own are not counted as lines,
/// so that several reads may be needed.
async fn lines(
    reader: &mut Reader,
    of: &ConversationRow,
    part: Part,
) -> Result<(Vec<Line>, Option<Timestamp>), Error> {
    let limit = usize::try_from(part.limit).unwrap_or(usize::MAX);
    let size = part.limit.saturating_add(1).min(AT_ONCE);
    let Part {
        mut before,
        mut after,
        ..
    } = part;
    let mut lines = Vec::new();
    loop {
        let events = reader
            .events_of_conversation(of, before, after, size)
            .await?;
        lines.extend(apply(reader, of, &events).await?);
        let more = events.len() == usize::try_from(size).unwrap_or(usize::MAX);
        if lines.len() > limit || !more {
            break;
        }
        let last = events.last().map(|last| Place {
            at: at(last),
            position: last.position,
        });
        match after {
            Some(_) => after = last,
            None => before = last,
        }
    }
    let beyond = lines.get(limit).map(|line: &Line| line.at);
    lines.truncate(limit);
    if part.after.is_none() {
        lines.reverse();
    }
    Ok((lines, beyond))
}

/// Makes the lines of events, in the order of the events. An event about a message makes a line only
/// if the message is not stored.
async fn apply(
    reader: &mut Reader,
    of: &ConversationRow,
    events: &[EventRow],
) -> Result<Vec<Line>, Error> {
    let ids = events.iter().flat_map(|event| {
        let ids = [&event.ids.message_id, &event.ids.parent_id];
        ids.into_iter().flatten().cloned()
    });
    let mut ids: Vec<String> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let stored = about_messages(reader, of, events, ids).await?;
    let mut messages: HashMap<&str, About<'_>> = HashMap::new();
    for event in &stored {
        if let Some(id) = &event.ids.message_id {
            messages.entry(id).or_default().push(event);
        }
    }
    let lines = events.iter().filter_map(|event| line(event, &messages));
    Ok(lines.collect())
}

/// Reads all events about the messages `ids` of a part. Events about a message were received after
/// it, or before it within the time of retries: the days since the part have all of them, except
/// for messages that are older than the part.
async fn about_messages(
    reader: &mut Reader,
    of: &ConversationRow,
    part: &[EventRow],
    ids: Vec<String>,
) -> Result<Vec<EventRow>, Error> {
    let first = part.iter().map(|event| event.received_at).min();
    let from = first.and_then(|first| first.checked_sub(RETRIES).ok());
    let mut stored = reader.events_about_messages(of, &ids, from).await?;
    let messages = stored
        .iter()
        .filter(|event| event.kind == Kind::Message.as_str());
    let found: HashSet<_> = messages
        .filter_map(|event| event.ids.message_id.clone())
        .collect();
    let older: Vec<_> = ids.into_iter().filter(|id| !found.contains(id)).collect();
    if !older.is_empty() {
        let is_found = |id: &Option<String>| id.as_ref().is_some_and(|id| found.contains(id));
        stored.retain(|event| is_found(&event.ids.message_id));
        stored.extend(reader.events_about_messages(of, &older, None).await?);
    }
    Ok(stored)
}

fn line(event: &EventRow, messages: &HashMap<&str, About<'_>>) -> Option<Line> {
    let about = |id: &Option<String>| messages.get(id.as_deref()?);
    let Some(own) = about(&event.ids.message_id) else {
        return Some(plain(event));
    };
    let is_anchor = own
        .anchor()
        .is_some_and(|anchor| anchor.position == event.position);
    if is_anchor {
        return Some(own.line(event, about(&event.ids.parent_id)));
    }
    // A button and its message may share an id; each has its own line.
    About::is_beside(event).then(|| plain(event))
}
