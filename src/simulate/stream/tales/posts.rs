//! What happens below posts, reels and broadcasts, and to stories.

use super::{super::stage::Posted, Draft};
use crate::simulate::stream::act::{Act, Line, Words};

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;

/// Several people below one post: some are answered, some not.
pub(super) fn thread(draft: &mut Draft<'_>) {
    draft.about_a_post();
    draft.people = 2 + draft.stage.random.index(5);
    for who in 0..draft.people {
        top_level(draft, who);
    }
}

fn top_level(draft: &mut Draft<'_>, who: usize) {
    if draft.once_in(15) {
        draft.then(5 * MINUTE, Act::Gif { who });
        return;
    }
    let asks = draft.once_in(2);
    let words = if asks { Words::Question } else { Words::Praise };
    let line = draft.line(4 * MINUTE, comment(who, words, None));
    if draft.once_in(if asks { 2 } else { 6 }) {
        answered(draft, line, who);
    }
    if draft.once_in(4) {
        let other = (who + 1) % draft.people;
        draft.line(7 * MINUTE, comment(other, Words::Reply, Some(line)));
    }
}

/// The account answers, and is told of its own answer.
fn answered(draft: &mut Draft<'_>, line: Line, who: usize) {
    let pause = if draft.once_in(5) {
        2 * HOUR
    } else {
        9 * MINUTE
    };
    draft.line(pause, Act::OwnComment(line));
    if draft.once_in(4) {
        draft.line(6 * MINUTE, comment(who, Words::Reply, Some(line)));
    }
}

/// Comments on a boosted post: each comes twice, once for the post and once for the ad.
pub(super) fn boosted(draft: &mut Draft<'_>) {
    draft.about_a_post();
    draft.about_an_ad();
    draft.people = 1 + draft.stage.random.index(3);
    for who in 0..draft.people {
        let by_ad = draft.once_in(2);
        let words = Words::Question;
        let line = draft.line(
            3 * MINUTE,
            Act::Comment {
                who,
                words,
                parent: None,
                by_ad,
            },
        );
        draft.then(1, Act::Twin(line));
        if draft.once_in(3) {
            answered(draft, line, who);
        }
    }
}

/// People talk during a broadcast.
pub(super) fn broadcast(draft: &mut Draft<'_>) {
    (draft.media_id, draft.product) = (draft.stage.media_id(), "LIVE");
    draft.people = 2 + draft.stage.random.index(4);
    let comments = 5 + draft.stage.random.index(16);
    for _ in 0..comments {
        let who = draft.stage.random.index(draft.people);
        draft.then(20, Act::Live { who });
    }
}

/// Somebody mentions the account elsewhere, or does what has no kind yet.
pub(super) fn mention(draft: &mut Draft<'_>) {
    if draft.once_in(6) {
        return draft.then(0, Act::NewField);
    }
    let in_comment = !draft.once_in(3);
    draft.then(0, Act::Mention { in_comment });
}

/// A story of the account: people answer it for a day, then come its numbers.
pub(super) fn expiring_story(draft: &mut Draft<'_>) {
    draft.media_id = draft.stage.media_id();
    draft.stage.post_story(Posted {
        account: draft.account,
        media_id: draft.media_id.clone(),
    });
    draft.then(25 * HOUR, Act::Insights);
}

fn comment(who: usize, words: Words, parent: Option<Line>) -> Act {
    Act::Comment {
        who,
        words,
        parent,
        by_ad: false,
    }
}
