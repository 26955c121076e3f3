//! Conversations: questions, answers and what becomes of the messages.

use super::Draft;
use crate::simulate::stream::act::{Act, Attachment, Line, Words};

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;

/// Somebody asks, and mostly is answered.
pub(super) fn question(draft: &mut Draft<'_>) {
    let asked = ask(draft);
    meanwhile(draft, asked);
    let answer = answered(draft, asked);
    epilogue(draft, answer);
}

/// Somebody asks, perhaps twice, and nobody answers.
pub(super) fn unanswered(draft: &mut Draft<'_>) {
    let asked = ask(draft);
    meanwhile(draft, asked);
    if draft.once_in(3) {
        say(draft, 4 * HOUR, Words::More);
    }
}

/// A machine answers; the person says how well.
pub(super) fn rated(draft: &mut Draft<'_>) {
    say(draft, 0, Words::Ask);
    let answer = echo(draft, 2, Words::Automatic);
    draft.then(15, Act::Seen(answer));
    draft.then(40, Act::Feedback(answer));
    if draft.once_in(2) {
        say(draft, 30, Words::More);
        draft.then(12 * MINUTE, Act::EchoOfApp);
    }
}

/// A conversation that goes to the account's inbox and comes back.
pub(super) fn handed_over(draft: &mut Draft<'_>) {
    say(draft, 0, Words::Ask);
    if draft.once_in(3) {
        draft.then(5, Act::Request);
    }
    draft.then(4, Act::Pass);
    say(draft, 40, Words::More);
    let answer = draft.line(6 * MINUTE, Act::EchoOfApp);
    draft.then(25, Act::Seen(answer));
    say(draft, 30, Words::Thanks);
    draft.then(10 * MINUTE, Act::Take);
}

/// How most conversations begin: with a text, a picture, or something shared.
fn ask(draft: &mut Draft<'_>) -> Line {
    let attachment = match draft.stage.random.below(24) {
        0 | 1 => Attachment::Image,
        2 => Attachment::Video,
        3 => Attachment::Audio,
        4 | 5 => Attachment::Post,
        6 => Attachment::Reel,
        7 => Attachment::Ephemeral,
        8 => Attachment::Sticker,
        9 => Attachment::Unsupported,
        10 => Attachment::Hologram,
        _ => return say(draft, 0, Words::Ask),
    };
    let line = draft.line(0, Act::Attach(attachment));
    if draft.once_in(3) {
        draft.then(1, Act::EditUntold(line));
    }
    say(draft, 20, Words::Ask)
}

/// What people do with a message before it is answered.
fn meanwhile(draft: &mut Draft<'_>, asked: Line) {
    match draft.stage.random.below(9) {
        0 => {
            draft.then(
                25,
                Act::Edit {
                    line: asked,
                    count: 1,
                },
            );
            if draft.once_in(3) {
                draft.then(
                    20,
                    Act::Edit {
                        line: asked,
                        count: 2,
                    },
                );
            }
        }
        1 => {
            let wrong = say(draft, 30, Words::Oops);
            draft.then(15, Act::Unsend(wrong));
        }
        2 | 3 => {
            say(draft, 15, Words::More);
        }
        4 => {
            let words = Words::More;
            draft.line(40, Act::ReplyTo { line: asked, words });
        }
        5 => draft.then(3, Act::SeenUntold(asked)),
        _ => {}
    }
}

/// The account answers: mostly within the hour, at times hours later.
fn answered(draft: &mut Draft<'_>, asked: Line) -> Line {
    let pause = match draft.stage.random.below(6) {
        0 => 3 * HOUR,
        1 => 50 * MINUTE,
        _ => 8 * MINUTE,
    };
    let reply_to = draft.once_in(4).then_some(asked);
    let words = Words::Answer;
    let line = draft.line(pause, Act::Echo { words, reply_to });
    match draft.stage.random.below(9) {
        0 => draft.then(20, Act::EchoPicture),
        1 => {
            draft.then(8, Act::Unsend(line));
            return echo(draft, 40, Words::Answer);
        }
        _ => {}
    }
    line
}

/// What follows an answer.
pub(super) fn epilogue(draft: &mut Draft<'_>, answer: Line) {
    if !draft.once_in(4) {
        draft.then(3 * MINUTE, Act::Seen(answer));
    }
    if draft.once_in(3) {
        react(draft, answer);
    }
    match draft.stage.random.below(8) {
        0..3 => {
            say(draft, 2 * MINUTE, Words::Thanks);
        }
        3 => draft.then(MINUTE, Act::Attach(Attachment::LikeHeart)),
        4 => {
            let words = Words::Thanks;
            draft.line(
                MINUTE,
                Act::ReplyTo {
                    line: answer,
                    words,
                },
            );
        }
        5 => again(draft),
        _ => {}
    }
}

/// A reaction, which some take back, and some of these give anew.
fn react(draft: &mut Draft<'_>, line: Line) {
    draft.then(20, Act::React { line, again: false });
    if draft.once_in(4) {
        draft.then(30, Act::Unreact(line));
        if draft.once_in(2) {
            draft.then(10, Act::React { line, again: true });
        }
    }
}

/// A second question, hours later.
fn again(draft: &mut Draft<'_>) {
    let words = Words::More;
    let tapped = draft.once_in(3);
    let line = draft.line(2 * HOUR, Act::Say { words, tapped });
    let words = Words::Answer;
    let answer = draft.line(
        12 * MINUTE,
        Act::Echo {
            words,
            reply_to: Some(line),
        },
    );
    draft.then(4 * MINUTE, Act::Seen(answer));
}

fn say(draft: &mut Draft<'_>, pause: u32, words: Words) -> Line {
    draft.line(
        pause,
        Act::Say {
            words,
            tapped: false,
        },
    )
}

pub(super) fn echo(draft: &mut Draft<'_>, pause: u32, words: Words) -> Line {
    draft.line(
        pause,
        Act::Echo {
            words,
            reply_to: None,
        },
    )
}
