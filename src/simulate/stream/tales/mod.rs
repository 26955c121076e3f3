//! The tales: what stories there are, how often each is told, and how one is drafted.

mod conversations;
mod notices;
mod openings;
mod posts;
mod single;

use std::collections::VecDeque;

use super::{
    super::{crowd::scattered, digits::padded, serialise::Sender},
    act::{Act, Line},
    stage::{Kinds, Stage},
    story::Step,
};
use crate::meta::event::Kind;

/// So often a tale is drafted until it holds what is wanted.
const TRIES: usize = 8;

/// An ad of an account.
#[derive(Clone, Debug)]
pub(super) struct Ad {
    pub(super) id: String,
    pub(super) number: usize,
}

/// A kind of story.
#[derive(Debug)]
pub(super) struct Tale {
    sender: Sender,
    /// How many of a hundred of its sender it makes.
    weight: u32,
    /// What it may hold.
    kinds: &'static [Kind],
    write: fn(&mut Draft<'_>),
}

static TALES: [Tale; 16] = {
    use Kind::{
        Comment, Handover, LiveComment, Mention, Message, MessageDeleted, MessageEdit, Optin,
        PolicyEnforcement, Postback, Reaction, Referral, ResponseFeedback, Seen, StoryInsights,
        Unknown,
    };
    const TALK: &[Kind] = &[Message, MessageEdit, MessageDeleted, Reaction, Seen];
    const fn messaging(weight: u32, kinds: &'static [Kind], write: fn(&mut Draft<'_>)) -> Tale {
        let sender = Sender::Messaging;
        Tale {
            sender,
            weight,
            kinds,
            write,
        }
    }
    const fn changes(weight: u32, kinds: &'static [Kind], write: fn(&mut Draft<'_>)) -> Tale {
        let sender = Sender::Changes;
        Tale {
            sender,
            weight,
            kinds,
            write,
        }
    }
    [
        messaging(38, TALK, conversations::question),
        messaging(
            9,
            &[Message, MessageEdit, MessageDeleted, Seen],
            conversations::unanswered,
        ),
        messaging(9, &[Message, Reaction, Seen, Postback], openings::by_button),
        messaging(
            8,
            &[Message, Seen, Referral, Postback, Reaction],
            openings::by_ad,
        ),
        messaging(5, &[Message, Seen, Referral, Reaction], openings::by_link),
        messaging(9, &[Message, Seen, Reaction], openings::by_story),
        messaging(4, &[Message, Optin, Seen], notices::newsletter),
        messaging(7, &[Message, Handover, Seen], conversations::handed_over),
        messaging(5, &[Message, ResponseFeedback, Seen], conversations::rated),
        messaging(4, &[PolicyEnforcement, Handover], notices::from_meta),
        messaging(2, &[Unknown, Message], notices::new_item),
        changes(44, &[Comment], posts::thread),
        changes(13, &[Comment], posts::boosted),
        changes(6, &[LiveComment], posts::broadcast),
        changes(27, &[Mention, Unknown], posts::mention),
        changes(10, &[StoryInsights], posts::expiring_story),
    ]
};

/// The tales of `sender` that may hold any of `kinds`.
pub(super) fn with(sender: Sender, kinds: Kinds) -> Vec<&'static Tale> {
    let wanted = |tale: &&Tale| tale.kinds.iter().any(|kind| kinds.has(*kind));
    TALES
        .iter()
        .filter(|tale| tale.sender == sender)
        .filter(wanted)
        .collect()
}

/// A draft of one of `tales`, which ends with something of `kinds`.
pub(super) fn draft<'a>(
    (sender, kinds): (Sender, Kinds),
    tales: &[&'static Tale],
    stage: &'a mut Stage,
    at: i64,
) -> Draft<'a> {
    let mut draft = Draft::new(sender, stage, at);
    for _ in 0..TRIES {
        let tale = choose(tales, draft.stage);
        (tale.write)(&mut draft);
        draft.end_with(kinds);
        if !draft.steps.is_empty() {
            return draft;
        }
        draft = Draft::new(sender, draft.stage, at);
    }
    single::write(&mut draft, kinds);
    draft.end_with(kinds);
    draft
}

fn choose(tales: &[&'static Tale], stage: &mut Stage) -> &'static Tale {
    let whole: u32 = tales.iter().map(|tale| tale.weight).sum();
    let mut at = stage.random.below(whole);
    for tale in tales {
        match at.checked_sub(tale.weight) {
            Some(rest) => at = rest,
            None => return tale,
        }
    }
    &TALES[0]
}

/// A story as it is written, before it begins.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) stage: &'a mut Stage,
    pub(super) at: i64,
    pub(super) sender: Sender,
    pub(super) account: u64,
    /// How many people take part.
    pub(super) people: usize,
    pub(super) media_id: String,
    pub(super) product: &'static str,
    pub(super) ad: Option<Ad>,
    pub(super) steps: VecDeque<Step>,
    lines: usize,
}

impl<'a> Draft<'a> {
    fn new(sender: Sender, stage: &'a mut Stage, at: i64) -> Self {
        Self {
            account: stage.account(),
            stage,
            at,
            sender,
            people: 1,
            media_id: String::new(),
            product: "FEED",
            ad: None,
            steps: VecDeque::with_capacity(12),
            lines: 0,
        }
    }

    /// Something happens about `pause` seconds after the step before.
    fn then(&mut self, pause: u32, act: Act) {
        let jitter = self.stage.random.below(pause.saturating_mul(1000));
        let pause_ms = i64::from(pause) * 500 + i64::from(jitter);
        self.lines += usize::from(act.is_line());
        self.steps.push_back(Step { pause_ms, act });
    }

    /// The same, for something that later steps refer to.
    fn line(&mut self, pause: u32, act: Act) -> Line {
        self.then(pause, act);
        self.lines - 1
    }

    /// It is about one of the account's posts.
    fn about_a_post(&mut self) {
        (self.media_id, self.product) = self.stage.post(self.account, self.at);
    }

    /// It is about an ad of the account.
    fn about_an_ad(&mut self) {
        let number = self.stage.random.index(3);
        let place = self.account.wrapping_mul(3).wrapping_add(number as u64);
        self.ad = Some(Ad {
            id: padded("120", scattered(place, 15), 15),
            number,
        });
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.stage.once_in(times)
    }

    /// Leaves out what comes after the last step of `kinds`.
    fn end_with(&mut self, kinds: Kinds) {
        let last = self
            .steps
            .iter()
            .rposition(|step| kinds.has(step.act.kind()));
        self.steps.truncate(last.map_or(0, |last| last + 1));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn stage() -> Stage {
        let some = NonZeroUsize::new(3).unwrap();
        Stage::new(1, some, some)
    }

    #[test]
    fn a_tale_holds_what_it_may_hold_and_nothing_else() {
        let mut stage = stage();
        for tale in &TALES {
            let mut told = Vec::new();
            for _ in 0..500 {
                let mut draft = Draft::new(tale.sender, &mut stage, 0);
                (tale.write)(&mut draft);
                told.extend(draft.steps.iter().map(|step| step.act.kind()));
            }
            assert_eq!(Kinds::of(&told), Kinds::of(tale.kinds), "{:?}", tale.kinds);
        }
    }

    #[test]
    fn the_weights_of_a_sender_are_shares_of_a_hundred() {
        for sender in [Sender::Messaging, Sender::Changes] {
            let tales = with(sender, Kinds::of(&[]));
            assert_eq!(tales.iter().map(|tale| tale.weight).sum::<u32>(), 100);
        }
    }

    #[test]
    fn a_draft_ends_with_what_is_wanted() {
        let mut stage = stage();
        for kind in Kind::ALL {
            let kinds = Kinds::of(&[*kind]);
            for sender in [Sender::Messaging, Sender::Changes] {
                let tales = with(sender, kinds);
                for _ in 0..usize::from(!tales.is_empty()) * 50 {
                    let draft = draft((sender, kinds), &tales, &mut stage, 0);
                    assert_eq!(draft.steps.back().unwrap().act.kind(), *kind);
                }
            }
        }
    }
}
