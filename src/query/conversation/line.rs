//! Lines of a conversation, as the command line, the API and the pages show them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    meta::event::Kind,
    store::read::{Digits, EventRow, Place, text as as_text},
};

/// Time between occurrence and arrival from which a line is late.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Party of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The professional account.
    Account,
    /// The other party.
    Person,
}

/// Message with its edits, reactions and receipts, or another event between the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// Position of the event. If the message itself is not stored, the first event about it.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Digits")]
    pub position: i64,
    /// Kind of the event. `message` also if only events about a message are stored.
    #[schemars(with = "Kind")]
    pub kind: String,
    /// Time of the occurrence; of arrival, if Meta sent no time.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// Time of arrival.
    #[serde(serialize_with = "as_text")]
    pub received_at: Timestamp,
    /// True if the event arrived more than a minute after it occurred.
    pub is_late: bool,
    /// Author; `None` if no party caused the event, such as a handover.
    pub from: Option<Party>,
    /// App that sent an echo; `None` if unknown.
    pub app_id: Option<String>,
    /// Id of the message.
    pub message_id: Option<String>,
    /// True if the message itself is not stored, only events about it.
    pub is_missing: bool,
    /// Text of the message after its last edit, or title of a tapped button.
    pub text: Option<String>,
    /// Attachments of the message.
    pub attachments: Vec<Attachment>,
    /// Message or story that the message answers.
    pub reply_to: Option<ReplyTo>,
    /// Texts of the message, oldest first; empty if it was not edited.
    pub versions: Vec<Version>,
    /// Time of the unsending. The content of an unsent message is not shown.
    #[serde(serialize_with = "as_text")]
    pub unsent_at: Option<Timestamp>,
    /// Present reactions, at most one of each party.
    pub reactions: Vec<Reaction>,
    /// Time of the first read receipt that names the message.
    #[serde(serialize_with = "as_text")]
    pub seen_at: Option<Timestamp>,
    /// Further fields of the kind under Meta's names, such as `step` or `referral.source`.
    pub details: BTreeMap<String, String>,
    /// Names of the fields hidden from this scope.
    pub masked: Vec<&'static str>,
    /// Time of erasure.
    #[serde(serialize_with = "as_text")]
    pub erased_at: Option<Timestamp>,
}

/// Attachment of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attachment {
    /// Type in Meta's words, such as `image` or `story_mention`.
    #[serde(rename = "type")]
    pub kind: String,
    /// URL of the media, which expires.
    pub url: Option<String>,
    /// Title of the media.
    pub title: Option<String>,
}

/// Message or story that a message answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReplyTo {
    /// Id of the message answered.
    pub message_id: Option<String>,
    /// Author of the message answered; `None` if it is not stored.
    pub from: Option<Party>,
    /// Text of the message answered; `None` if unsent or not stored.
    pub text: Option<String>,
    /// True if the message answered was unsent.
    pub is_unsent: bool,
    /// Id of the story answered.
    pub story_id: Option<String>,
}

/// Text of a message from a time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Version {
    /// Time of writing.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// The text; `None` if Meta did not send it.
    pub text: Option<String>,
}

/// Present reaction of a party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reaction {
    /// The party.
    pub by: Party,
    /// Emoji, or name of the reaction.
    pub emoji: Option<String>,
    /// Time of the reaction.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
}

/// Details shown to every scope: they hold no text, name or payload.
const PLAIN: &[&str] = &[
    "action",
    "caller_app_id",
    "is_unsupported",
    "new_owner_app_id",
    "notification_messages_status",
    "previous_owner_app_id",
    "referral.source",
    "referral.type",
    "requested_owner_app_id",
    "source",
    "step",
    "type",
    "user_token_status",
    "watermark",
];

impl Line {
    /// Hides texts, names and payloads, and notes their fields in `masked`.
    pub(super) fn mask(&mut self) {
        let mut hidden = Vec::new();
        let mut hide = |name, text: &mut Option<String>| {
            if text.take().is_some() && !hidden.contains(&name) {
                hidden.push(name);
            }
        };
        hide("text", &mut self.text);
        for attachment in &mut self.attachments {
            hide("attachments", &mut attachment.url);
            hide("attachments", &mut attachment.title);
        }
        if let Some(reply) = &mut self.reply_to {
            hide("reply_to", &mut reply.text);
        }
        for version in &mut self.versions {
            hide("versions", &mut version.text);
        }
        for reaction in &mut self.reactions {
            hide("reactions", &mut reaction.emoji);
        }
        let before = self.details.len();
        self.details
            .retain(|name, _| PLAIN.contains(&name.as_str()));
        if self.details.len() < before {
            hidden.push("details");
        }
        self.masked = hidden;
    }

    /// Place of the line in the conversation.
    pub(super) fn place(&self) -> Place {
        Place {
            at: self.at,
            position: self.position,
        }
    }
}

/// Time of an event: its occurrence, else its arrival.
pub(in crate::query) fn at(event: &EventRow) -> Timestamp {
    event.occurred_at.unwrap_or(event.received_at)
}

/// True if the event arrived late.
pub(in crate::query) fn is_late(event: &EventRow) -> bool {
    event.received_at.duration_since(at(event)) > LATE
}
