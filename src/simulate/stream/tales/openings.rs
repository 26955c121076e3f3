//! Conversations that begin otherwise than with a message: buttons, ads, links, stories.

use super::{
    Draft,
    conversations::{echo, epilogue},
};
use crate::simulate::stream::act::{Act, Attachment, Words};

const MINUTE: u32 = 60;

/// Somebody taps an icebreaker or a menu item, and perhaps a quick reply.
pub(super) fn by_button(draft: &mut Draft<'_>) {
    draft.then(0, Act::Tap);
    let mut answer = echo(draft, 2, Words::Automatic);
    if draft.once_in(2) {
        let words = Words::More;
        draft.line(
            25,
            Act::Say {
                words,
                tapped: true,
            },
        );
        answer = echo(draft, 3, Words::Automatic);
    }
    if draft.once_in(3) {
        draft.then(50, Act::Tap);
    } else {
        epilogue(draft, answer);
    }
}

/// Somebody clicks on an ad that opens the conversation.
pub(super) fn by_ad(draft: &mut Draft<'_>) {
    draft.about_an_ad();
    match draft.stage.random.below(4) {
        0 => {
            draft.then(0, Act::ReferredByAd);
            let words = Words::Ask;
            draft.line(
                35,
                Act::Say {
                    words,
                    tapped: false,
                },
            );
        }
        1 => draft.then(0, Act::TapFromAd),
        _ => draft.then(0, Act::FromAd),
    }
    if !draft.once_in(3) {
        let answer = echo(draft, 9 * MINUTE, Words::Answer);
        epilogue(draft, answer);
    }
}

/// Somebody comes in through a link or a story.
pub(super) fn by_link(draft: &mut Draft<'_>) {
    draft.then(0, Act::Referred);
    if draft.once_in(4) {
        return;
    }
    let words = Words::Ask;
    draft.line(
        30,
        Act::Say {
            words,
            tapped: false,
        },
    );
    let answer = echo(draft, 7 * MINUTE, Words::Answer);
    epilogue(draft, answer);
}

/// Somebody answers a story of the account, or mentions the account in one of theirs.
pub(super) fn by_story(draft: &mut Draft<'_>) {
    let place = draft.stage.random.index(draft.stage.posted.len());
    match draft.stage.posted.get(place).cloned() {
        Some(posted) if !draft.once_in(3) => {
            (draft.account, draft.media_id) = (posted.account, posted.media_id);
            draft.then(0, Act::ToStory);
        }
        _ => draft.then(0, Act::Attach(Attachment::StoryMention)),
    }
    if !draft.once_in(3) {
        let answer = echo(draft, 15 * MINUTE, Words::Answer);
        epilogue(draft, answer);
    }
}
