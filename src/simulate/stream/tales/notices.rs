//! What stands beside conversations: subscriptions to news, notices of Meta, and novelties.

use super::{Draft, conversations::echo};
use crate::simulate::stream::act::{Act, Words};

const DAY: u32 = 86_400;

/// Somebody agrees to be written to, gets something, and perhaps has enough of it.
pub(super) fn newsletter(draft: &mut Draft<'_>) {
    draft.then(0, Act::Optin { stop: false });
    let news = echo(draft, 5, Words::Automatic);
    draft.then(90, Act::Seen(news));
    if draft.once_in(4) {
        draft.then(DAY, Act::Optin { stop: true });
    }
}

/// Meta tells the account something about itself.
pub(super) fn from_meta(draft: &mut Draft<'_>) {
    let act = if draft.once_in(3) {
        Act::Roles
    } else {
        Act::Policy
    };
    draft.then(0, act);
}

/// Something that has no kind yet, perhaps beside a conversation.
pub(super) fn new_item(draft: &mut Draft<'_>) {
    draft.then(0, Act::NewItem);
    if draft.once_in(2) {
        let (words, tapped) = (Words::Ask, false);
        draft.line(60, Act::Say { words, tapped });
    }
}
