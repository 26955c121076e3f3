//! Dedupe keys: the same for every delivery of the same happening, another for every other one.
//!
//! Meta sends again what was not acked, the same message through two products and the same
//! comment for an ad and its post, each time in a body of its own. So the key is made from the
//! natural key of what happened, within its app, account and kind; never from the body, from
//! `entry.time` (the time of sending) or from an item's place in a list.

mod content;

use std::cell::OnceCell;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    event::Kind,
    fields::{
        Detail, HandoverStep, Parties, PolicyAction, ReactionAction, ReferralSource, StoryInsights,
    },
    json,
};

/// Where a natural key holds: one account of one app. The id of an account may be as long as a
/// body, so it is hashed once for all items of an entry.
#[derive(Clone, Debug)]
pub struct Scope(Hash);

impl Scope {
    /// The scope of `account`, which is `entry.id`, in `app`.
    pub fn new(app: &str, account: Option<&str>) -> Self {
        let mut hash = Hash::default();
        hash.part(Some(app)).part(account);
        Self(hash)
    }
}

/// The dedupe key of an item: 4 bytes of the item's own time in seconds, so that keys of one time
/// stand together in the index, and 12 bytes of hash; 16 bytes of hash for a kind without a time.
///
/// The kind is part of it: one `mid` names a message, its edits, its reactions and its end.
pub fn key(scope: &Scope, detail: &Detail<'_>, parties: &Parties<'_>, item: &str) -> Uuid {
    let kind = detail.kind();
    let mut hash = scope.0.clone();
    hash.part(Some(kind.as_str()));
    if !natural(&mut hash, detail, parties) {
        hash.part(Some("item")).content(item);
    }
    let digest = hash.0.finalize();
    let mut key = [0; 16];
    match parties
        .timestamp
        .and_then(seconds)
        .filter(|_| has_time(kind))
    {
        Some(seconds) => {
            key[..4].copy_from_slice(&seconds.to_be_bytes());
            key[4..].copy_from_slice(&digest[..12]);
        }
        None => key.copy_from_slice(&digest[..16]),
    }
    Uuid::from_bytes(key)
}

/// Adds what names this happening among all of its kind; `false` where the item lacks it, and is
/// named by its whole content instead.
fn natural(hash: &mut Hash, detail: &Detail<'_>, parties: &Parties<'_>) -> bool {
    let by = By::read(parties);
    match detail {
        Detail::Comment(it) | Detail::LiveComment(it) => hash.named(it.id.as_deref(), &[]),
        Detail::Mention(it) => {
            let place = it.comment_id.as_deref().or(Some("caption"));
            hash.named(it.media_id.as_deref(), &[place])
        }
        Detail::StoryInsights(it) => hash.story(it),
        Detail::Message(it) | Detail::MessageDeleted(it) => hash.named(it.mid.as_deref(), &[]),
        Detail::MessageEdit(it) => {
            let count = it.num_edit.map(|count| count.to_string());
            hash.named(it.mid.as_deref(), &[count.as_deref(), by.at()])
        }
        Detail::Reaction(it) => {
            let action = it.action.as_ref().map(ReactionAction::as_str);
            let rest = [by.sender, action, by.at(), it.emoji.as_deref()];
            hash.named(it.mid.as_deref(), &rest)
        }
        Detail::Postback(it) if it.mid.is_some() => hash.named(it.mid.as_deref(), &[]),
        Detail::Postback(it) => {
            let tapped = [by.sender, it.payload.as_deref(), it.title.as_deref()];
            hash.named(by.at(), &tapped)
        }
        Detail::Seen(it) if it.mid.is_some() => {
            hash.named(it.mid.as_deref(), &[by.sender, by.at()])
        }
        Detail::Seen(it) => hash.named(it.watermark.as_deref(), &[by.sender]),
        Detail::ResponseFeedback(it) => {
            let rest = [by.sender, by.at(), it.feedback.as_deref()];
            hash.named(it.mid.as_deref(), &rest)
        }
        Detail::Referral(_)
        | Detail::Optin(_)
        | Detail::Handover(_)
        | Detail::PolicyEnforcement(_) => by_moment(hash, detail, &by),
        Detail::Unknown => false,
    }
}

/// The same for kinds that have no id: their moment names them, with who and what.
fn by_moment(hash: &mut Hash, detail: &Detail<'_>, by: &By<'_>) -> bool {
    match detail {
        Detail::Referral(it) => {
            let source = it.source.as_ref().map(ReferralSource::as_str);
            let (reference, ad) = (it.reference.as_deref(), it.ad_id.as_deref());
            hash.named(by.at(), &[by.sender, reference, ad, source])
        }
        Detail::Optin(it) => {
            let who = by.sender.or(it.user_ref.as_deref());
            hash.named(by.at(), &[who, it.kind.as_deref(), it.token.as_deref()])
        }
        // Roles have no owner to name them by.
        Detail::Handover(it) if it.step != Some(HandoverStep::AppRoles) => {
            let owner = it.new_owner_app_id.as_ref();
            let owner = owner.or(it.requested_owner_app_id.as_ref());
            let step = it.step.map(HandoverStep::as_str);
            hash.named(by.at(), &[by.sender, step, owner.map(AsRef::as_ref)])
        }
        Detail::PolicyEnforcement(it) => {
            let action = it.action.as_ref().map(PolicyAction::as_str);
            hash.named(by.at(), &[by.recipient, action])
        }
        _ => false,
    }
}

/// Who and when, as keys spell it.
struct By<'a> {
    sender: Option<&'a str>,
    recipient: Option<&'a str>,
    moment: Option<Timestamp>,
    /// The moment, spelled when it is asked for: most kinds are named by an id.
    at: OnceCell<String>,
}

impl<'a> By<'a> {
    fn read(parties: &'a Parties<'_>) -> Self {
        Self {
            sender: parties.sender_id.as_deref(),
            recipient: parties.recipient_id.as_deref(),
            moment: parties.timestamp,
            at: OnceCell::new(),
        }
    }

    /// The item's own time in milliseconds.
    fn at(&self) -> Option<&str> {
        let moment = self.moment?;
        let spelled = || moment.as_millisecond().to_string();
        Some(self.at.get_or_init(spelled))
    }
}

/// Comments, mentions and stories carry no time of their own.
fn has_time(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Comment | Kind::LiveComment | Kind::Mention | Kind::StoryInsights
    )
}

fn seconds(at: Timestamp) -> Option<u32> {
    at.as_second().try_into().ok()
}

/// SHA-256 over parts that cannot run into each other.
#[derive(Clone, Debug, Default)]
struct Hash(Sha256);

impl Hash {
    fn part(&mut self, part: Option<&str>) -> &mut Self {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        self.0.update(length.to_be_bytes());
        self.0.update(part.unwrap_or_default());
        self
    }

    /// A natural key: `name`, without which there is none, and what belongs to it.
    fn named(&mut self, name: Option<&str>, rest: &[Option<&str>]) -> bool {
        if name.is_none() {
            return false;
        }
        self.part(Some("natural")).part(name);
        rest.iter().fold(self, |hash, part| hash.part(*part));
        true
    }

    /// A story and its numbers, also those under keys that no type has yet: Meta renames and adds
    /// counts.
    fn story(&mut self, story: &StoryInsights<'_>) -> bool {
        let counts = story.counts().map(|it| it.map(|count| count.to_string()));
        let counts = counts.each_ref().map(Option::as_deref);
        let is_number = |(_, value): &&(_, &str)| json::is_number(value);
        let mut others: Vec<_> = story.extra.iter().filter(is_number).collect();
        others.sort();
        self.named(story.media_id.as_deref(), &counts)
            && others.into_iter().all(|(key, value)| {
                self.part(Some(key)).part(Some(value));
                true
            })
    }

    /// The content of a JSON text, whatever its key order, white space and escapes. Of one that is
    /// nested too deep, the text.
    fn content(&mut self, text: &str) {
        if json::too_deep(text) {
            self.part(Some(text));
        } else {
            self.0.update(content::digest(text));
        }
    }
}

#[cfg(test)]
mod tests;
