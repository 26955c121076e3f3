//! Everything stored about one message, and the line that it makes.

use jiff::Timestamp;

use super::{
    data::{self, attachments, details},
    line::{Line, Party, Reaction, ReplyTo, Version, at, is_late},
};
use crate::{meta::event::Kind, query, store::read::EventRow};

/// Events about one message, in order of their time.
#[derive(Debug, Default)]
pub(super) struct About<'e>(Vec<&'e EventRow>);

impl<'e> About<'e> {
    pub(super) fn push(&mut self, event: &'e EventRow) {
        self.0.push(event);
    }

    /// Event whose place is the place of the line: the message, else a tapped button with this id,
    /// else the first event about the message.
    pub(super) fn anchor(&self) -> Option<&'e EventRow> {
        let message = self.of_kind(Kind::Message).next();
        let tapped = || self.of_kind(Kind::Postback).next();
        let about = || self.0.iter().copied().find(|event| !Self::is_beside(event));
        message.or_else(tapped).or_else(about)
    }

    /// True if the event has a line beside the one of the message: a tapped button, or a rating.
    pub(super) fn is_beside(event: &EventRow) -> bool {
        is(event, Kind::Postback) || is(event, Kind::ResponseFeedback)
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'e EventRow> {
        let events = self.0.iter().copied();
        events.filter(move |event| is(event, kind))
    }

    fn unsent_at(&self) -> Option<Timestamp> {
        self.of_kind(Kind::MessageDeleted).map(at).min()
    }

    /// Original text and the edits. An edit without a number and without a text, which Meta sends
    /// soon after a message with media, is none.
    fn versions(&self, original: &EventRow) -> Vec<Version> {
        let edits = self.of_kind(Kind::MessageEdit);
        let edits = edits.filter(|edit| edit.text.is_some() || data::count(edit, "num_edit") > 0);
        let version = |event: &EventRow| Version {
            at: at(event),
            text: event.text.clone(),
        };
        let edits: Vec<_> = edits.map(version).collect();
        if edits.is_empty() || is(original, Kind::MessageEdit) {
            return edits;
        }
        std::iter::once(version(original)).chain(edits).collect()
    }

    /// Last reaction of each party, unless it was taken back.
    fn reactions(&self) -> Vec<Reaction> {
        let mut present: Vec<Reaction> = Vec::new();
        for event in self.of_kind(Kind::Reaction) {
            let by = author(event);
            present.retain(|reaction| reaction.by != by);
            if data::text(event, "action").as_deref() != Some("unreact") {
                present.push(Reaction {
                    by,
                    emoji: query::reaction(event),
                    at: at(event),
                });
            }
        }
        present
    }

    /// Line of the message. `answered` has the events about the message that it answers.
    pub(super) fn line(&self, anchor: &EventRow, answered: Option<&About<'_>>) -> Line {
        let mut line = plain(anchor);
        let is_message = is(anchor, Kind::Message);
        line.is_missing = !is_message && !is(anchor, Kind::Postback);
        if line.is_missing {
            Kind::Message.as_str().clone_into(&mut line.kind);
            line.text = None;
            line.details.clear();
            line.from = self.author();
        }
        line.reply_to = reply_to(anchor, answered);
        line.versions = self.versions(anchor);
        let mut texts = line.versions.iter().rev();
        let last = texts.find_map(|version| version.text.clone());
        line.text = last.or(line.text);
        line.reactions = self.reactions();
        line.seen_at = self.of_kind(Kind::Seen).map(at).min();
        line.unsent_at = self.unsent_at();
        if line.unsent_at.is_some() {
            line.forget_content();
        }
        line
    }

    /// Author of a message that is not stored: of its edit or its unsending; the other party of a
    /// reaction or a receipt.
    fn author(&self) -> Option<Party> {
        let own = self.0.iter().find(|event| {
            is(event, Kind::MessageDeleted)
                || is(event, Kind::MessageEdit) && event.person_id.is_some()
        });
        own.map(|event| author(event))
    }
}

impl Line {
    fn forget_content(&mut self) {
        self.text = None;
        self.attachments.clear();
        self.reply_to = None;
        self.versions.clear();
        self.reactions.clear();
        self.details.clear();
    }
}

/// Line of an event alone.
pub(super) fn plain(event: &EventRow) -> Line {
    let caused_by_nobody = is(event, Kind::Handover) || is(event, Kind::PolicyEnforcement);
    Line {
        position: event.position,
        kind: event.kind.clone(),
        at: at(event),
        received_at: event.received_at,
        is_late: is_late(event),
        from: (!caused_by_nobody).then(|| author(event)),
        app_id: data::text(event, "app_id"),
        message_id: event.ids.message_id.clone(),
        is_missing: false,
        text: event.text.clone(),
        attachments: attachments(event),
        reply_to: None,
        versions: Vec::new(),
        unsent_at: None,
        reactions: Vec::new(),
        seen_at: None,
        details: details(event),
        masked: Vec::new(),
        erased_at: event.erased_at,
    }
}

fn reply_to(event: &EventRow, answered: Option<&About<'_>>) -> Option<ReplyTo> {
    let story_id = data::path(event, "/reply_to/story/id");
    let message_id = event.ids.parent_id.clone();
    if story_id.is_none() && message_id.is_none() {
        return None;
    }
    let stored = answered.and_then(About::anchor).zip(answered);
    let line = stored.map(|(anchor, about)| about.line(anchor, None));
    let line = line.filter(|line| !line.is_missing || line.unsent_at.is_some());
    Some(ReplyTo {
        message_id,
        from: line.as_ref().and_then(|line| line.from),
        is_unsent: line.as_ref().is_some_and(|line| line.unsent_at.is_some()),
        text: line.and_then(|line| line.text),
        story_id,
    })
}

/// Author of an event. Some messages of the account lack the echo flag.
fn author(event: &EventRow) -> Party {
    let by_account = event.sender_id.is_some() && event.sender_id == event.account_id;
    if event.is_echo || by_account {
        Party::Account
    } else {
        Party::Person
    }
}

pub(super) fn is(event: &EventRow, kind: Kind) -> bool {
    event.kind == kind.as_str()
}
