//! Threads on a page.

use jiff::Timestamp;

use crate::{
    http::pages::{
        event_line::{Person, duration},
        text::cut,
    },
    query::{Comment, Thread},
};

/// Maximum number of replies of a thread among others.
const MOST_REPLIES: usize = 10;

/// Maximum number of replies of a thread alone.
const MOST_ALONE: usize = 500;

/// Maximum number of characters of a comment, as at Instagram. Its event has the whole text.
const LONGEST: usize = 2_200;

/// Maximum number of former texts of a comment, and of their characters.
const MOST_FORMER: usize = 5;
const LONGEST_FORMER: usize = 280;

/// A comment with the newest of its replies.
#[derive(Debug)]
pub(super) struct Branch {
    /// Heading above it in a timeline.
    pub(super) minute: Option<Minute>,
    /// The first comment; `None` if it is not stored.
    pub(super) first: Option<Remark>,
    pub(super) replies: Vec<Remark>,
    /// Number of older replies that are left out.
    pub(super) left_out: usize,
    /// Link to the thread alone; `None` on its page, or without an id.
    pub(super) alone: Option<String>,
}

/// Minute of a broadcast.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Minute {
    pub(super) at: Timestamp,
    /// Number from the first comment on; `None` if that is not known.
    pub(super) number: Option<i64>,
    /// Number of comments in words; `None` if only some are shown.
    pub(super) comments: Option<String>,
}

/// Comment on a page.
#[derive(Debug)]
pub(super) struct Remark {
    pub(super) position: i64,
    pub(super) at: Timestamp,
    pub(super) is_ours: bool,
    pub(super) author: Option<Person>,
    /// Path of the events of the author on the account.
    pub(super) events: String,
    pub(super) body: Body,
    /// Texts before the present one, with the times of writing.
    pub(super) former: Vec<(Timestamp, Option<String>)>,
    /// Place of a comment on a post with ads.
    pub(super) place: Option<&'static str>,
    pub(super) is_live: bool,
    pub(super) late: Option<String>,
    /// Time without an answer.
    pub(super) waits: Option<String>,
}

/// Text of a comment, or the reason why there is none.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    Removed(Timestamp),
    Erased(Timestamp),
    /// The reader may not see it.
    Masked,
    /// A GIF or sticker.
    Nothing,
}

/// Reading of the threads under a media.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading<'r> {
    pub(super) now: Timestamp,
    /// Start of the link to a thread alone.
    pub(super) alone: &'r str,
    pub(super) account: &'r str,
    /// True if the media has comments on ads.
    pub(super) has_ads: bool,
    /// True if one thread is shown alone.
    pub(super) is_alone: bool,
}

impl Reading<'_> {
    /// The thread on the page.
    pub(super) fn branch(self, thread: &Thread) -> Branch {
        let most = if self.is_alone {
            MOST_ALONE
        } else {
            MOST_REPLIES
        };
        let left_out = thread.replies.len().saturating_sub(most);
        let alone = thread.comment_id.as_deref().filter(|_| !self.is_alone);
        let replies = thread.replies.iter().skip(left_out);
        Branch {
            minute: None,
            first: thread.comment.as_ref().map(|it| self.remark(it)),
            replies: replies.map(|it| self.remark(it)).collect(),
            left_out,
            alone: alone.map(|id| format!("{}{}", self.alone, pair("thread", id).finish())),
        }
    }

    fn remark(self, comment: &Comment) -> Remark {
        let late = comment.received_at.duration_since(comment.at);
        let waits = self.now.duration_since(comment.at);
        let place = match comment.ad_id {
            Some(_) => "On the ad",
            None => "On the post",
        };
        Remark {
            position: comment.position,
            at: comment.at,
            is_ours: comment.is_self,
            author: comment.person_id.clone().map(|id| Person {
                id,
                username: comment.username.clone(),
            }),
            events: self.events(comment),
            body: body(comment),
            former: former(comment),
            place: self.has_ads.then_some(place),
            is_live: comment.kind == "live_comment",
            late: comment.is_late.then(|| duration(late)),
            waits: comment.is_unanswered.then(|| duration(waits)),
        }
    }

    fn events(self, comment: &Comment) -> String {
        let person = comment.person_id.as_deref().unwrap_or_default();
        let mut query = pair("account", self.account);
        query.append_pair("person", person);
        format!("/events?{}", query.finish())
    }
}

fn pair(name: &str, value: &str) -> form_urlencoded::Serializer<'static, String> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair(name, value);
    query
}

fn body(comment: &Comment) -> Body {
    match (&comment.text, comment.removed_at, comment.erased_at) {
        (_, Some(at), _) => Body::Removed(at),
        (Some(text), ..) => Body::Text(cut(text, LONGEST)),
        (None, None, Some(at)) => Body::Erased(at),
        (None, None, None) if comment.masked.contains(&"text") => Body::Masked,
        (None, None, None) => Body::Nothing,
    }
}

/// All versions but the last; at most the newest of them.
fn former(comment: &Comment) -> Vec<(Timestamp, Option<String>)> {
    let all = comment.versions.split_last();
    let all = all.map_or(&[][..], |(_, former)| former);
    let newest = &all[all.len().saturating_sub(MOST_FORMER)..];
    let texts = newest.iter();
    texts
        .map(|version| (version.at, former_text(version.text.as_deref())))
        .collect()
}

fn former_text(text: Option<&str>) -> Option<String> {
    text.map(|text| cut(text, LONGEST_FORMER))
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading = Reading {
        now: Timestamp::UNIX_EPOCH,
        alone: "/comments/8100?text=a&",
        account: "1784",
        has_ads: true,
        is_alone: false,
    };

    #[test]
    fn a_long_thread_shows_its_newest_replies() {
        let reply = |position| Comment {
            position,
            ..Comment::default()
        };
        let thread = Thread {
            comment_id: Some("9 1".to_owned()),
            replies: (1..=12).map(reply).collect(),
            ..Thread::default()
        };
        let branch = READING.branch(&thread);
        assert_eq!(branch.left_out, 2);
        assert_eq!(branch.replies[0].position, 3);
        assert_eq!(
            branch.alone.as_deref(),
            Some("/comments/8100?text=a&thread=9+1")
        );
        let reading = Reading {
            is_alone: true,
            ..READING
        };
        let alone = reading.branch(&thread);
        assert_eq!((alone.left_out, alone.replies.len()), (0, 12));
        assert_eq!(alone.alone, None);
    }

    #[test]
    fn a_comment_says_why_it_has_no_text() {
        let at = Some(Timestamp::UNIX_EPOCH);
        let removed = Comment {
            removed_at: at,
            erased_at: at,
            ..Comment::default()
        };
        assert!(matches!(body(&removed), Body::Removed(_)));
        let erased = Comment {
            erased_at: at,
            ..Comment::default()
        };
        assert!(matches!(body(&erased), Body::Erased(_)));
        let masked = Comment {
            masked: vec!["text"],
            ..Comment::default()
        };
        assert!(matches!(body(&masked), Body::Masked));
        assert!(matches!(body(&Comment::default()), Body::Nothing));
    }
}
