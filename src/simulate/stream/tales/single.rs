//! The shortest story of each kind, for a stream of which only few kinds are wanted.

use super::{Draft, Kinds};
use crate::{
    meta::event::Kind,
    simulate::{
        serialise::Sender,
        stream::act::{Act, Words},
    },
};

/// Writes a story that surely holds one of `kinds` that its sender can send.
pub(super) fn write(draft: &mut Draft<'_>, kinds: Kinds) {
    let all = Kind::ALL.iter().copied().filter(|kind| kinds.has(*kind));
    let possible: Vec<_> = all.filter(|kind| sends(draft.sender, *kind)).collect();
    let place = draft.stage.random.index(possible.len());
    if let Some(kind) = possible.get(place) {
        match draft.sender {
            Sender::Changes => change(draft, *kind),
            Sender::Messaging => messaging(draft, *kind),
        }
    }
}

fn sends(sender: Sender, kind: Kind) -> bool {
    let is_change = matches!(
        kind,
        Kind::Comment | Kind::LiveComment | Kind::Mention | Kind::StoryInsights
    );
    kind == Kind::Unknown || is_change == (sender == Sender::Changes)
}

fn change(draft: &mut Draft<'_>, kind: Kind) {
    match kind {
        Kind::LiveComment => super::posts::broadcast(draft),
        Kind::Mention => draft.then(0, Act::Mention { in_comment: true }),
        Kind::StoryInsights => super::posts::expiring_story(draft),
        Kind::Unknown => draft.then(0, Act::NewField),
        _ => super::posts::thread(draft),
    }
}

fn messaging(draft: &mut Draft<'_>, kind: Kind) {
    let act = match kind {
        Kind::Postback => Act::Tap,
        Kind::Referral => Act::Referred,
        Kind::Optin => Act::Optin { stop: false },
        Kind::Handover => Act::Pass,
        Kind::PolicyEnforcement => Act::Policy,
        Kind::Unknown => Act::NewItem,
        _ => return about_a_message(draft, kind),
    };
    draft.then(0, act);
}

fn about_a_message(draft: &mut Draft<'_>, kind: Kind) {
    let words = Words::Ask;
    let line = draft.line(
        0,
        Act::Say {
            words,
            tapped: false,
        },
    );
    let act = match kind {
        Kind::MessageEdit => Act::Edit { line, count: 1 },
        Kind::MessageDeleted => Act::Unsend(line),
        Kind::Reaction => Act::React { line, again: false },
        Kind::Seen => Act::SeenUntold(line),
        Kind::ResponseFeedback => Act::Feedback(line),
        _ => return,
    };
    draft.then(20, act);
}
