//! Threads of one level: a comment and its replies.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::conversation::{Version, at, is_late, text};
use crate::{
    meta::event::Kind,
    store::read::{Digits, EventRow, text as as_text},
};

/// Comment with its replies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Thread {
    /// Id of the first comment; `None` if Meta sent no id.
    pub comment_id: Option<String>,
    /// Number of comments by people without a later reply by the account.
    pub unanswered: usize,
    /// The first comment; `None` if it is not stored.
    pub comment: Option<Comment>,
    /// The replies, oldest first.
    pub replies: Vec<Comment>,
    /// Position of the newest comment: the place of the thread.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Digits")]
    pub last_position: i64,
}

/// Comment, with its edits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comment {
    /// Position of the event.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Digits")]
    pub position: i64,
    /// `comment` or `live_comment`.
    #[schemars(with = "Kind")]
    pub kind: String,
    /// Time of the occurrence; of arrival, if Meta sent no time.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// Time of arrival.
    #[serde(serialize_with = "as_text")]
    pub received_at: Timestamp,
    /// True if the comment arrived more than a minute after it was sent.
    pub is_late: bool,
    /// Id of the comment.
    pub comment_id: Option<String>,
    /// Author: an IGSID.
    pub person_id: Option<String>,
    /// User name of the author.
    pub username: Option<String>,
    /// True if the account wrote the comment.
    pub is_self: bool,
    /// True if the account has not replied in the thread since.
    pub is_unanswered: bool,
    /// Text after the last edit; `None` for a GIF or sticker.
    pub text: Option<String>,
    /// Texts of the comment, oldest first; empty if it was not edited.
    pub versions: Vec<Version>,
    /// Time of the removal. The content of a removed comment is not shown.
    #[serde(serialize_with = "as_text")]
    pub removed_at: Option<Timestamp>,
    /// Ad with the comment.
    pub ad_id: Option<String>,
    /// Names of the fields hidden from this scope.
    pub masked: Vec<&'static str>,
    /// Time of erasure.
    #[serde(serialize_with = "as_text")]
    pub erased_at: Option<Timestamp>,
}

/// Id of the first comment in the thread of `event`, as in the table `media_threads`; `None` if the
/// comment has no id. The `parent_id` of some first comments is the media.
pub fn root(event: &EventRow) -> Option<&str> {
    let (own, parent) = (&event.ids.comment_id, &event.ids.parent_id);
    let is_media = parent.is_some()
        && (*parent == event.ids.media_id || *parent == text(event, "original_media_id"));
    let root = if is_media {
        own.as_ref()
    } else {
        parent.as_ref().or(own.as_ref())
    };
    root.map(String::as_str)
}

/// Position of the newest comment among these events.
pub(super) fn newest_of(events: &[&EventRow]) -> Option<i64> {
    let comments = events.iter().filter(|event| is_added(event));
    comments.map(|event| event.position).max()
}

/// Thread of these events, in order of position.
pub(super) fn thread(root_id: Option<&str>, events: &[&EventRow]) -> Thread {
    let mut comments: Vec<Comment> = Vec::new();
    let mut changes: BTreeMap<&str, Vec<&EventRow>> = BTreeMap::new();
    for event in events {
        match (&event.ids.comment_id, is_added(event)) {
            (Some(id), false) => changes.entry(id).or_default().push(event),
            _ => comments.push(comment(event)),
        }
    }
    let answered_at = comments
        .iter()
        .filter(|it| it.is_self)
        .map(|it| it.at)
        .max();
    for comment in &mut comments {
        comment.is_unanswered = !comment.is_self && Some(comment.at) > answered_at;
        let id = comment.comment_id.as_deref().unwrap_or_default();
        changes
            .get(id)
            .into_iter()
            .flatten()
            .for_each(|it| comment.change(it));
    }
    comments.sort_by_key(|it| (it.at, it.position));
    let unanswered = comments.iter().filter(|it| it.is_unanswered).count();
    let begins = |it: &mut Comment| it.comment_id.as_deref() == root_id;
    let first = comments.iter_mut().position(begins);
    Thread {
        comment_id: root_id.map(str::to_owned),
        unanswered,
        comment: first.map(|first| comments.remove(first)),
        replies: comments,
        last_position: newest_of(events).unwrap_or_default(),
    }
}

/// True if the event is a comment, rather than its edit or removal.
fn is_added(event: &EventRow) -> bool {
    matches!(
        text(event, "verb").as_deref(),
        None | Some("" | "add" | "added")
    )
}

fn comment(event: &EventRow) -> Comment {
    Comment {
        position: event.position,
        kind: event.kind.clone(),
        at: at(event),
        received_at: event.received_at,
        is_late: is_late(event),
        comment_id: event.ids.comment_id.clone(),
        person_id: event.person_id.clone(),
        username: event.username.clone(),
        is_self: event.is_self,
        is_unanswered: false,
        text: event.text.clone(),
        versions: Vec::new(),
        removed_at: None,
        ad_id: text(event, "ad_id"),
        masked: Vec::new(),
        erased_at: event.erased_at,
    }
}

impl Comment {
    /// Applies an edit or a removal.
    fn change(&mut self, event: &EventRow) {
        if text(event, "verb").as_deref() == Some("remove") {
            self.removed_at = Some(at(event));
            self.text = None;
            self.versions.clear();
        } else if self.removed_at.is_none() && event.text.is_some() {
            if self.versions.is_empty() {
                self.versions.push(Version {
                    at: self.at,
                    text: self.text.take(),
                });
            }
            self.text.clone_from(&event.text);
            self.versions.push(Version {
                at: at(event),
                text: event.text.clone(),
            });
        }
    }
}

impl Thread {
    /// Hides texts and names, and notes their fields in `masked`.
    pub(super) fn mask(&mut self) {
        let all = self.comment.iter_mut().chain(&mut self.replies);
        all.for_each(Comment::mask);
    }
}

impl Comment {
    fn mask(&mut self) {
        let fields = [("text", &mut self.text), ("username", &mut self.username)];
        let hidden = fields
            .into_iter()
            .filter_map(|(name, field)| field.take().map(|_| name));
        self.masked = hidden.collect();
        if !self.versions.is_empty() {
            self.masked.push("versions");
        }
        self.versions
            .iter_mut()
            .for_each(|version| version.text = None);
    }
}
