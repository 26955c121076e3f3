//! A story in progress: who takes part, what was told, and what comes next.

use std::collections::VecDeque;

use super::{
    super::{
        context::Context,
        slot::Name,
        texts,
        values::{Ad, Said, Values},
    },
    delivery::Item,
    draft::Planned,
    scenario::{About, Scenario, Setting},
};
use crate::meta::event::Kind;

/// Room for what most items are.
const ROOM: usize = 512;

#[derive(Debug)]
pub(super) struct Story {
    scenario: &'static Scenario,
    account: u64,
    values: Values,
    steps: VecDeque<Planned>,
    /// When the next step is due, in milliseconds since 1970.
    pub(super) due: i64,
    /// A message that Meta is late with: what comes next is told before it.
    pub(super) late: Option<Item>,
    /// The last messages of the person and of the account, and the last comment that stands
    /// directly below the media.
    mid: Option<String>,
    own_mid: Option<String>,
    comment_id: Option<String>,
}

impl Story {
    /// A story of these steps, beginning now.
    pub(super) fn begin(
        scenario: &'static Scenario,
        steps: VecDeque<Planned>,
        context: &mut Context,
        at: i64,
    ) -> Self {
        let mut account = context.account();
        let media = match scenario.setting {
            Setting::Talk | Setting::Ad => None,
            Setting::Post | Setting::PostAndAd => Some(context.post(account, at)),
            Setting::Broadcast => Some((context.id("180"), "LIVE")),
            Setting::Story => Some((context.post_story(account), "STORY")),
            Setting::AnswerToStory => context.posted_story().map(|(of, media_id)| {
                account = of;
                (media_id, "STORY")
            }),
        };
        let mut values = Values::new(account, vec![context.person(account)]);
        values.at = i64::MIN;
        values.media = media;
        if matches!(scenario.setting, Setting::Ad | Setting::PostAndAd) {
            values.ad = Some(Ad::of(account, context.random.below(3)));
        }
        Self {
            scenario,
            account,
            values,
            due: at.saturating_add(steps.front().map_or(0, |step| step.pause_ms)),
            steps,
            late: None,
            mid: None,
            own_mid: None,
            comment_id: None,
        }
    }

    /// True if there is no step left.
    pub(super) fn is_over(&self) -> bool {
        self.steps.is_empty()
    }

    /// How much it remembers.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        1 + self.steps.len()
    }

    /// The next step happens and is told at `at`.
    pub(super) fn go_on(&mut self, context: &mut Context, at: i64) -> Option<Item> {
        let step = self.steps.pop_front()?;
        self.due = at.saturating_add(self.steps.front().map_or(0, |next| next.pause_ms));
        if !self.can_refer(&step) {
            return None;
        }
        let (channel, pieces) = step.sample.item()?;
        self.values.at = self.moment(context, step.kind, at);
        if step.about != About::TheSame {
            self.prepare(context, &step);
        }
        let mut written = Vec::with_capacity(ROOM);
        self.values
            .write(context, self.scenario.sender, pieces, &mut written);
        self.remember(context, &step);
        Some(Item {
            kind: step.kind,
            account_id: self.values.accounts.first()?.id.clone(),
            channel,
            repeat: step.about == About::TheSame,
            happened_at: self.values.at,
            written,
        })
    }

    /// A little before `at`, and after the step before.
    fn moment(&self, context: &mut Context, kind: Kind, at: i64) -> i64 {
        let moment = at.saturating_sub(context.lag());
        let moment = moment.max(self.values.at.saturating_add(1));
        match kind {
            Kind::Referral | Kind::Handover | Kind::PolicyEnforcement => {
                context.moment_of_its_own(moment)
            }
            _ => moment,
        }
    }

    /// Sets who says what, and what about.
    fn prepare(&mut self, context: &mut Context, step: &Planned) {
        self.values.renew();
        if is_public(self.scenario.setting) {
            self.values.people = vec![context.person(self.account)];
        }
        let language = self
            .values
            .people
            .first()
            .map_or(0, |person| person.language);
        let told = texts::pick(language, step.words, &mut context.random);
        self.values.said = told.map_or(Said::Sample, Said::Told);
        self.values.earlier_mid = self.earlier_mid(step).cloned();
        self.values.parent_id.clone_from(&self.comment_id);
    }

    /// The message that a step refers to.
    fn earlier_mid(&self, step: &Planned) -> Option<&String> {
        match step.about {
            About::Account => self.own_mid.as_ref(),
            About::Person | About::TheSame => self.mid.as_ref(),
        }
    }

    /// False if a step refers to a message that nobody has written.
    fn can_refer(&self, step: &Planned) -> bool {
        !step.sample.has(Name::EarlierMid) || self.earlier_mid(step).is_some()
    }

    /// Remembers what later steps can refer to.
    fn remember(&mut self, context: &mut Context, step: &Planned) {
        if let Some(mid) = self.values.made(Name::Mid) {
            let told = if step.is_echo() {
                &mut self.own_mid
            } else {
                &mut self.mid
            };
            *told = Some(mid.clone());
        }
        if let Some(id) = self.values.made(Name::CommentId)
            && !step.sample.has(Name::ParentId)
        {
            self.comment_id = Some(id.clone());
        }
        if let (Kind::StoryInsights, Some((media_id, _))) = (step.kind, &self.values.media) {
            context.expire(media_id);
        }
    }
}

/// True if everybody may say something.
fn is_public(setting: Setting) -> bool {
    matches!(
        setting,
        Setting::Post | Setting::PostAndAd | Setting::Broadcast
    )
}
