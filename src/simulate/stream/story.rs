//! A story in progress: who takes part, what was told, and what comes next.

use std::collections::VecDeque;

use super::{
    super::{
        crowd::{self, Profile},
        json::Value,
        mid::thread,
        serialise::Sender,
    },
    act::{Act, Line, Words},
    delivery::Item,
    feed,
    stage::Stage,
    tales::{Ad, Draft},
    talk, texts,
};
use crate::meta::event::Kind;

/// A step: how long after the one before it, and what happens.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) pause_ms: i64,
    pub(super) act: Act,
}

/// A message or comment that was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) text: String,
    /// Which person; none where the account said it.
    pub(super) who: Option<usize>,
    /// The comment it stands below.
    pub(super) parent: Option<Line>,
    /// It came through an ad.
    pub(super) by_ad: bool,
}

#[derive(Debug)]
pub(super) struct Story {
    sender: Sender,
    pub(super) account: Profile,
    pub(super) people: Vec<Profile>,
    pub(super) thread: String,
    /// The post, story or broadcast it is about, and where it is shown.
    pub(super) media_id: String,
    pub(super) product: &'static str,
    pub(super) ad: Option<Ad>,
    /// Another app holds the conversation.
    pub(super) standby: bool,
    pub(super) told: Vec<Told>,
    steps: VecDeque<Step>,
    /// When the next step is due, in milliseconds since 1970.
    pub(super) due: i64,
    /// When the last one happened.
    pub(super) happened_at: i64,
    /// A message that Meta is late with: what comes next is told before it.
    pub(super) late: Option<Item>,
}

impl Story {
    /// The story that `draft` has written, beginning now.
    pub(super) fn begin(draft: Draft<'_>) -> Self {
        let account = crowd::account(draft.account);
        let people = (0..draft.people).map(|_| draft.stage.person(draft.account));
        let people: Vec<_> = people.collect();
        let thread = match people.first() {
            Some(person) if draft.sender == Sender::Messaging => thread(&account.id, &person.id),
            _ => String::new(),
        };
        let pause = draft.steps.front().map_or(0, |step| step.pause_ms);
        Self {
            sender: draft.sender,
            account,
            people,
            thread,
            media_id: draft.media_id,
            product: draft.product,
            ad: draft.ad,
            standby: false,
            told: Vec::new(),
            due: draft.at.saturating_add(pause),
            steps: draft.steps,
            happened_at: i64::MIN,
            late: None,
        }
    }

    /// Whether there is no step left.
    pub(super) fn is_over(&self) -> bool {
        self.steps.is_empty()
    }

    /// How much it remembers.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        1 + self.steps.len() + self.told.len() + self.people.len()
    }

    /// The next step happens and is told at `at`.
    pub(super) fn go_on(&mut self, stage: &mut Stage, at: i64) -> Option<Item> {
        let act = self.steps.pop_front()?.act;
        let pause = self.steps.front().map_or(0, |step| step.pause_ms);
        self.due = at.saturating_add(pause);
        let happened_at = self.moment(stage, &act, at);
        // Both apps are told at once who holds the conversation.
        let standby = self.standby && act.kind() != Kind::Handover;
        let sender = self.sender;
        let written = sender.write(&self.tell(stage, &act, happened_at));
        Some(Item {
            kind: act.kind(),
            account_id: self.account.id.clone(),
            standby,
            repeat: matches!(act, Act::Twin(_)),
            happened_at,
            written,
        })
    }

    fn tell(&mut self, stage: &mut Stage, act: &Act, happened_at: i64) -> Value<'_> {
        match self.sender {
            Sender::Changes => feed::tell(self, stage, act),
            Sender::Messaging => talk::tell(self, stage, act, happened_at),
        }
    }

    /// A little before `at`, and after the step before.
    fn moment(&mut self, stage: &mut Stage, act: &Act, at: i64) -> i64 {
        let moment = at
            .saturating_sub(stage.lag())
            .max(self.happened_at.saturating_add(1));
        self.happened_at = match act.kind() {
            Kind::Referral | Kind::Handover | Kind::PolicyEnforcement => {
                stage.moment_of_its_own(moment)
            }
            _ => moment,
        };
        self.happened_at
    }

    /// Words of a person; of the first one where the account speaks.
    pub(super) fn text(&self, stage: &mut Stage, who: usize, words: Words) -> String {
        let sort = self.people.get(who).map_or(0, |person| person.sort);
        texts::speak(sort, self.account.sort, words, &mut stage.random)
    }

    /// What was told at `line`; steps refer to earlier ones only.
    pub(super) fn line(&self, line: Line) -> Option<&Told> {
        self.told.get(line)
    }

    /// Remembers something that later steps can refer to.
    pub(super) fn remember(&mut self, told: Told) -> Line {
        self.told.push(told);
        self.told.len() - 1
    }
}
