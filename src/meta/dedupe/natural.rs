//! Natural keys: an id of the item's own, or a moment with the parties and what was done.

use jiff::Timestamp;

use super::{Hash, second};
use crate::meta::{
    fields::{
        Comment, Detail, Handover, HandoverStep, Mention, MessageEdit, Optin, Parties,
        PolicyAction, Postback, Reaction, ReactionAction, ReactionName, Referral, ReferralSource,
        ResponseFeedback, Seen, StoryInsights,
    },
    mid,
};

/// The natural key of an item.
pub(super) enum Natural {
    /// The item has one.
    Key {
        /// The second of the time in it, if it has one.
        second: Option<u32>,
    },
    /// It has none, and is named by its content.
    Missing,
}

/// Parties and time of an item, as keys spell them.
pub(super) struct Moment<'a> {
    sender: Option<&'a str>,
    recipient: Option<&'a str>,
    at: Option<Timestamp>,
}

impl<'a> Moment<'a> {
    pub(super) fn of(parties: &'a Parties<'_>) -> Self {
        let sender = parties.sender_id.as_deref();
        Self {
            sender: sender.or(parties.user_ref.as_deref()),
            recipient: parties.recipient_id.as_deref(),
            // Zero stands for no time.
            at: parties.timestamp.filter(|at| *at > Timestamp::UNIX_EPOCH),
        }
    }

    /// The item's own time.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }
}

/// Adds the natural key of an item to `hash`.
pub(super) fn add(hash: &mut Hash, detail: &Detail<'_>, moment: &Moment<'_>) -> Natural {
    match detail {
        Detail::Comment(it) | Detail::LiveComment(it) => comment(hash, it),
        Detail::Mention(it) => mention(hash, it),
        Detail::StoryInsights(it) => story(hash, it),
        Detail::Message(it) | Detail::MessageDeleted(it) => message(hash, it.mid.as_deref()),
        Detail::Postback(it) if it.mid.is_some() => message(hash, it.mid.as_deref()),
        Detail::Postback(it) => postback(hash, it, moment),
        Detail::MessageEdit(it) => edit(hash, it, moment),
        Detail::Reaction(it) => reaction(hash, it, moment),
        Detail::Seen(it) => seen(hash, it, moment),
        Detail::ResponseFeedback(it) => feedback(hash, it, moment),
        Detail::Referral(it) => referral(hash, it, moment),
        Detail::Optin(it) => optin(hash, it, moment),
        Detail::Handover(it) => handover(hash, it, moment),
        Detail::PolicyEnforcement(it) => {
            let action = it.action.as_ref().map(PolicyAction::as_str);
            between(hash, moment, &[action])
        }
        Detail::Unknown => Natural::Missing,
    }
}

/// An item with an id of its own, in which no time stands.
fn named(hash: &mut Hash, id: Option<&str>, rest: &[Option<&str>]) -> Natural {
    if id.is_none() {
        return Natural::Missing;
    }
    hash.part(id).parts(rest);
    Natural::Key { second: None }
}

/// A moment and what was done in it.
fn at(hash: &mut Hash, moment: &Moment<'_>, what: &[Option<&str>]) -> Natural {
    let Some(at) = moment.at else {
        return Natural::Missing;
    };
    hash.part(Some(&at.as_millisecond().to_string()))
        .parts(what);
    Natural::Key { second: second(at) }
}

/// A moment, both parties, and what was done.
fn between(hash: &mut Hash, moment: &Moment<'_>, what: &[Option<&str>]) -> Natural {
    hash.part(moment.sender).part(moment.recipient);
    at(hash, moment, what)
}

/// A moment of a message: its `mid` implies the recipient. Without one both parties count.
fn of_message(
    hash: &mut Hash,
    mid: Option<&str>,
    moment: &Moment<'_>,
    what: &[Option<&str>],
) -> Natural {
    hash.part(mid);
    match mid {
        Some(_) => at(hash.part(moment.sender), moment, what),
        None => between(hash, moment, what),
    }
}

fn message(hash: &mut Hash, mid: Option<&str>) -> Natural {
    let Some(mid) = mid else {
        return Natural::Missing;
    };
    hash.part(Some(mid));
    Natural::Key {
        second: mid::created_second(mid),
    }
}

/// A comment, its edit and its removal share the id. Without a verb it was added.
fn comment(hash: &mut Hash, it: &Comment<'_>) -> Natural {
    let verb = it.verb.as_deref().filter(|verb| !verb.is_empty());
    let verb = match verb {
        None | Some("added") => "add",
        Some(verb) => verb,
    };
    named(hash, it.id.as_deref(), &[Some(verb)])
}

/// A mention in a comment, or in the caption of the media.
fn mention(hash: &mut Hash, it: &Mention<'_>) -> Natural {
    let (media, comment) = (it.media_id.as_deref(), it.comment_id.as_deref());
    match (media, comment) {
        (None, Some(_)) => named(hash, comment, &[]),
        _ => named(hash, media, &[comment.or(Some("caption"))]),
    }
}

/// A story and its numbers, also under names that no type has yet: Meta renames and adds counts.
fn story(hash: &mut Hash, it: &StoryInsights<'_>) -> Natural {
    let key = named(hash, it.media_id.as_deref(), &[]);
    for (name, number) in &it.numbers {
        hash.part(Some(name)).part(Some(number));
    }
    key
}

fn postback(hash: &mut Hash, it: &Postback<'_>, moment: &Moment<'_>) -> Natural {
    between(hash, moment, &[it.payload.as_deref(), it.title.as_deref()])
}

/// An edit: its `mid` implies both parties, which recorded ones often lack.
fn edit(hash: &mut Hash, it: &MessageEdit<'_>, moment: &Moment<'_>) -> Natural {
    let count = it.num_edit.map(|count| count.to_string());
    match it.mid.as_deref() {
        Some(mid) => at(hash.part(Some(mid)), moment, &[count.as_deref()]),
        None => between(hash, moment, &[count.as_deref(), it.text.as_deref()]),
    }
}

/// A reaction. The emoji comes with or without a variation selector, and some lack the emoji.
fn reaction(hash: &mut Hash, it: &Reaction<'_>, moment: &Moment<'_>) -> Natural {
    let action = it.action.as_ref().map(ReactionAction::as_str);
    let emoji = it
        .emoji
        .as_deref()
        .map(|emoji| emoji.trim_end_matches('\u{fe0f}'));
    let name = it.reaction.as_ref().map(ReactionName::as_str);
    of_message(hash, it.mid.as_deref(), moment, &[action, emoji.or(name)])
}

/// Messenger's watermark is a moment itself.
fn seen(hash: &mut Hash, it: &Seen<'_>, moment: &Moment<'_>) -> Natural {
    match (&it.mid, &it.watermark) {
        (None, Some(watermark)) => named(hash, Some(watermark), &[moment.sender, moment.recipient]),
        (mid, _) => of_message(hash, mid.as_deref(), moment, &[]),
    }
}

fn feedback(hash: &mut Hash, it: &ResponseFeedback<'_>, moment: &Moment<'_>) -> Natural {
    of_message(hash, it.mid.as_deref(), moment, &[it.feedback.as_deref()])
}

fn referral(hash: &mut Hash, it: &Referral<'_>, moment: &Moment<'_>) -> Natural {
    let source = it.source.as_ref().map(ReferralSource::as_str);
    let what = [it.reference.as_deref(), it.ad_id.as_deref(), source];
    between(hash, moment, &what)
}

/// An opt-in and its end can share a moment.
fn optin(hash: &mut Hash, it: &Optin<'_>, moment: &Moment<'_>) -> Natural {
    let what = [
        it.user_ref.as_deref(),
        it.kind.as_deref(),
        it.token.as_deref(),
        it.status.as_deref(),
        it.user_token_status.as_deref(),
        it.reference.as_deref(),
    ];
    between(hash, moment, &what)
}

/// A bulk release hands over many conversations in one moment.
fn handover(hash: &mut Hash, it: &Handover<'_>, moment: &Moment<'_>) -> Natural {
    if let Some(roles) = it.roles {
        hash.content(roles);
    }
    let what = [
        it.step.map(HandoverStep::as_str),
        it.previous_owner_app_id.as_deref(),
        it.new_owner_app_id.as_deref(),
        it.requested_owner_app_id.as_deref(),
        it.caller_app_id.as_deref(),
        it.metadata.as_deref(),
    ];
    between(hash, moment, &what)
}
