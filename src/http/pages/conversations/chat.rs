//! Pieces of a chat: days, gaps, referrals, events between the messages, and turns of messages.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, civil::Date};
use url::Url;

use super::words::{answered, attachment, between, cut, gap, is_button, is_message, way_in};
use crate::{
    http::pages::{event_line::duration, kinds::look_of, text, times::Times},
    query::{Attachment, Conversation, GapRow, Line, Party, Place, Reaction, ReplyTo},
};

/// Time between two messages of a turn from which both show their time.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of characters of a message. Its event has the whole text.
const LONGEST: usize = 4_000;

/// Maximum number of former texts and of attachments of a message.
const MOST: usize = 20;

/// Maximum size of a URL that is linked.
const LONGEST_URL: usize = 4 << 10;

/// Maximum number of gaps between two messages.
const MOST_GAPS: usize = 3;

/// Piece of a chat.
#[derive(Debug)]
pub(super) enum Piece {
    Day { date: Date, name: String },
    Seam(Seam),
    Banner { words: String, line: Between },
    Between(Between),
    Turn(Turn),
}

/// Gap in the deliveries.
#[derive(Debug)]
pub(super) struct Seam {
    pub(super) cause: &'static str,
    pub(super) effect: &'static str,
    pub(super) from: Timestamp,
    pub(super) to: Option<Timestamp>,
    /// Number of further gaps.
    pub(super) others: usize,
}

/// Event between the messages.
#[derive(Debug)]
pub(super) struct Between {
    pub(super) position: i64,
    pub(super) at: Timestamp,
    pub(super) icon: &'static str,
    pub(super) words: String,
    pub(super) late: Option<String>,
}

/// Consecutive messages of one side.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) is_ours: bool,
    pub(super) messages: Vec<Message>,
}

/// Message or tapped button.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) position: i64,
    pub(super) at: Timestamp,
    /// Link to the part of the conversation that begins with it.
    pub(super) link: String,
    pub(super) body: Body,
    pub(super) is_button: bool,
    pub(super) quote: Option<Quote>,
    pub(super) cards: Vec<Card>,
    /// Texts before the present one, with the times of writing.
    pub(super) former: Vec<(Timestamp, Option<String>)>,
    pub(super) reactions: Vec<Reaction>,
    /// True if the reader may not see the emoji.
    pub(super) hides_reactions: bool,
    pub(super) sender: Option<String>,
    pub(super) late: Option<String>,
    /// Set on the last message that was seen.
    pub(super) seen_at: Option<Timestamp>,
    /// False if the next message of the turn follows soon.
    pub(super) shows_time: bool,
}

/// Text of a message, or the reason why there is none.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    Unsent(Timestamp),
    Erased(Timestamp),
    /// The reader may not see it.
    Masked,
    /// Only events about the message are stored.
    Missing,
    /// Meta's API does not have messages of this type.
    Unsupported,
    /// The message has attachments only.
    Cards,
    Nothing,
}

/// Message or story that a message answers.
#[derive(Debug)]
pub(super) struct Quote {
    pub(super) text: Option<String>,
    pub(super) words: &'static str,
    /// True if the reader may not see the text.
    pub(super) is_masked: bool,
    /// Link to it, if it is a message.
    pub(super) link: Option<String>,
}

/// Attachment. Nothing of it is loaded.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) icon: &'static str,
    pub(super) word: String,
    pub(super) title: Option<String>,
    /// URL and its host.
    pub(super) link: Option<(String, String)>,
    pub(super) is_masked: bool,
}

impl Message {
    /// True if there is something to say below the message.
    pub(super) fn has_meta(&self) -> bool {
        let is_changed = !self.former.is_empty() || self.seen_at.is_some();
        self.shows_time || is_changed || self.sender.is_some() || self.late.is_some()
    }

    /// True if the message was unsent: nothing else is shown of it.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self.body, Body::Unsent(_))
    }
}

/// Makes the pieces of a part of a conversation. `link` makes a link to the part after a place.
pub(super) fn pieces(
    conversation: &Conversation,
    times: &Times,
    link: &dyn Fn(Place) -> String,
) -> Vec<Piece> {
    let lines = &conversation.lines;
    let of_message = |line: &Line| Some((line.message_id.clone()?, line.position));
    let mut chat = Chat {
        times,
        link,
        places: lines.iter().filter_map(of_message).collect(),
        seen: seen(lines),
        day: None,
        pieces: Vec::new(),
    };
    let mut gaps = conversation.gaps.as_slice();
    for line in lines {
        let (before, after) = gaps.split_at(gaps.partition_point(|gap| gap.opened_at <= line.at));
        gaps = after;
        chat.seams(before);
        chat.line(line);
    }
    chat.seams(gaps);
    chat.pieces
}

/// Position of the last message of the account that was seen.
fn seen(lines: &[Line]) -> Option<i64> {
    let mut newest = lines.iter().rev();
    let seen = newest.find(|line| line.seen_at.is_some() && line.from == Some(Party::Account));
    seen.map(|line| line.position)
}

struct Chat<'c> {
    times: &'c Times,
    link: &'c dyn Fn(Place) -> String,
    /// Positions of the messages of the part.
    places: HashMap<String, i64>,
    seen: Option<i64>,
    day: Option<Date>,
    pieces: Vec<Piece>,
}

impl Chat<'_> {
    fn seams(&mut self, gaps: &[GapRow]) {
        let shown = gaps.len().min(MOST_GAPS);
        for (number, it) in gaps[..shown].iter().enumerate() {
            let [cause, effect] = gap(&it.cause);
            let is_last = number + 1 == shown;
            self.pieces.push(Piece::Seam(Seam {
                cause,
                effect,
                from: it.opened_at,
                to: it.closed_at,
                others: if is_last { gaps.len() - shown } else { 0 },
            }));
        }
    }

    fn line(&mut self, line: &Line) {
        let date = self.times.date(line.at);
        if self.day.replace(date) != Some(date) {
            let name = self.times.day(date);
            self.pieces.push(Piece::Day { date, name });
        }
        let beside = beside(line);
        if let Some(words) = way_in(line) {
            let line = beside;
            self.pieces.push(Piece::Banner { words, line });
        } else if !is_message(line) {
            self.pieces.push(Piece::Between(beside));
        }
        if is_message(line) {
            self.message(line);
        }
    }

    fn message(&mut self, line: &Line) {
        let is_ours = line.from == Some(Party::Account);
        let message = self.message_of(line, is_ours);
        if let Some(Piece::Turn(turn)) = self.pieces.last_mut()
            && turn.is_ours == is_ours
        {
            turn.join(message);
            return;
        }
        self.pieces.push(Piece::Turn(Turn {
            is_ours,
            messages: vec![message],
        }));
    }

    fn message_of(&self, line: &Line, is_ours: bool) -> Message {
        let before = Place {
            at: line.at,
            position: line.position - 1,
        };
        let is_hidden = |field: &'static str| line.masked.contains(&field);
        let cards = line.attachments.iter().take(MOST);
        let reactions = line.reactions.iter().map(|it| Reaction {
            emoji: it.emoji.as_deref().map(cut),
            ..it.clone()
        });
        let quote = line.reply_to.as_ref();
        let seen_at = line.seen_at.filter(|_| self.seen == Some(line.position));
        Message {
            position: line.position,
            at: line.at,
            link: format!("{}#p{}", (self.link)(before), line.position),
            body: body(line),
            is_button: is_button(line),
            quote: quote.map(|reply| self.quote(reply, is_hidden("reply_to"))),
            cards: cards
                .map(|it| Card::of(it, is_hidden("attachments")))
                .collect(),
            former: former(line),
            reactions: reactions.collect(),
            hides_reactions: is_hidden("reactions"),
            sender: sender(line).filter(|_| is_ours),
            late: late(line),
            seen_at,
            shows_time: true,
        }
    }

    fn quote(&self, reply: &ReplyTo, is_masked: bool) -> Quote {
        let link_to = |id: &String| {
            if let Some(position) = self.places.get(id) {
                return format!("#p{position}");
            }
            let mut query = form_urlencoded::Serializer::new(String::new());
            format!("/events?{}", query.append_pair("message", id).finish())
        };
        let link = reply.message_id.as_ref().map(link_to);
        Quote {
            text: reply.text.as_deref().map(cut),
            words: answered(reply),
            is_masked,
            link,
        }
    }
}

impl Turn {
    /// Adds a message. The one before says nothing that this one says again.
    fn join(&mut self, message: Message) {
        if let Some(last) = self.messages.last_mut() {
            let is_soon = message.at.duration_since(last.at) < PAUSE;
            let is_same = last.sender == message.sender;
            if is_soon && is_same && last.late.is_none() {
                last.shows_time = false;
                last.sender = None;
            }
        }
        self.messages.push(message);
    }
}

impl Card {
    fn of(attachment_of: &Attachment, is_masked: bool) -> Self {
        let (icon, word) = attachment(&attachment_of.kind);
        Self {
            icon,
            word,
            title: attachment_of.title.as_deref().map(cut),
            link: attachment_of.url.as_deref().and_then(safe_link),
            is_masked,
        }
    }
}

/// A URL that a reader may open, and its host. Others are not linked.
fn safe_link(url: &str) -> Option<(String, String)> {
    let parsed = Url::parse(url).ok()?;
    let is_plain = parsed.username().is_empty() && parsed.password().is_none();
    let host = parsed.host_str()?.to_owned();
    let is_short = parsed.as_str().len() <= LONGEST_URL;
    (parsed.scheme() == "https" && is_plain && is_short).then(|| (parsed.into(), host))
}

fn beside(line: &Line) -> Between {
    Between {
        position: line.position,
        at: line.at,
        icon: look_of(&line.kind).icon,
        words: between(line),
        late: late(line),
    }
}

fn body(line: &Line) -> Body {
    if let Some(at) = line.unsent_at {
        return Body::Unsent(at);
    }
    let is_unsupported = line.details.get("is_unsupported");
    match (&line.text, line.erased_at) {
        (Some(text), _) => Body::Text(text::cut(text, LONGEST)),
        (None, Some(at)) => Body::Erased(at),
        (None, None) if line.masked.contains(&"text") => Body::Masked,
        (None, None) if line.is_missing => Body::Missing,
        (None, None) if !line.attachments.is_empty() => Body::Cards,
        (None, None) if is_unsupported.is_some_and(|it| it == "true") => Body::Unsupported,
        (None, None) => Body::Nothing,
    }
}

/// All versions but the last; at most the newest of them.
fn former(line: &Line) -> Vec<(Timestamp, Option<String>)> {
    let all = line
        .versions
        .split_last()
        .map_or(&[][..], |(_, former)| former);
    let newest = &all[all.len().saturating_sub(MOST)..];
    let texts = newest.iter();
    texts
        .map(|version| (version.at, version.text.as_deref().map(cut)))
        .collect()
}

fn sender(line: &Line) -> Option<String> {
    let is_known = !line.is_missing && line.unsent_at.is_none();
    let words = match &line.app_id {
        Some(app) => format!("Sent by app {}", cut(app)),
        None => "Sent manually".to_owned(),
    };
    is_known.then_some(words)
}

fn late(line: &Line) -> Option<String> {
    let time = line.received_at.duration_since(line.at);
    (line.is_late && line.unsent_at.is_none()).then(|| format!("Arrived {} late", duration(time)))
}

#[cfg(test)]
mod tests;
