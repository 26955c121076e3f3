//! A story in progress: who takes part, what was told, and what comes next.

use super::{
    super::{
        context::Context, people, random::Random, sample::Sample, slot::Name, texts, values::Values,
    },
    delivery::Draft,
    scenario::{About, Media, Scenario, Step, Wanted},
};
use crate::meta::event::Kind;

#[derive(Debug)]
pub(super) struct Story {
    scenario: &'static Scenario,
    wanted: Wanted,
    account: u64,
    /// Chooses the language of the texts.
    language: usize,
    values: Values,
    /// The step that comes next, counted over all rounds, and the end of the last one.
    next: usize,
    end: usize,
    /// When the next step is due, in milliseconds since 1970.
    pub(super) due: i64,
    /// The last messages of the person and of the account, and the last comment that stands
    /// directly below the media.
    mid: Option<String>,
    own_mid: Option<String>,
    comment_id: Option<String>,
}

impl Story {
    /// A story that begins at `at`.
    pub(super) fn begin(
        scenario: &'static Scenario,
        wanted: &Wanted,
        context: &mut Context,
        at: i64,
    ) -> Self {
        let (account, media) = media(scenario.media, context, at);
        let mut values = Values::new(i64::MIN);
        values.set_account(0, people::account(account));
        if let Some((media_id, product)) = media {
            values.set(Name::MediaId, media_id);
            values.set(Name::Product, product);
        }
        if scenario.ad {
            values.set_ad(context.ad(account));
        }
        let mut story = Self {
            scenario,
            wanted: wanted.clone(),
            account,
            language: 0,
            values,
            next: 0,
            end: scenario.length(wanted, &mut context.random),
            due: at,
            mid: None,
            own_mid: None,
            comment_id: None,
        };
        story.set_person(context);
        story.values.keep();
        story.find_next(false, &mut context.random, at);
        story
    }

    /// True if there is no step left.
    pub(super) fn is_over(&self) -> bool {
        self.next >= self.end
    }

    /// The next step happens. It is told in `draft` if it is wanted: true if it was.
    pub(super) fn go_on(&mut self, context: &mut Context, at: i64, draft: &mut Draft) -> bool {
        let step = self.step();
        let told = step.and_then(|step| self.tell(step, context, at, draft));
        self.next += 1;
        self.find_next(true, &mut context.random, at);
        told.is_some()
    }

    fn step(&self) -> Option<&'static Step> {
        let steps = &self.scenario.steps;
        (!self.is_over()).then(|| &steps[self.next % steps.len()])
    }

    /// Goes to the next step that happens; `happened` says if the one before did.
    fn find_next(&mut self, happened: bool, random: &mut Random, at: i64) {
        let mut happens = happened;
        while let Some(step) = self.step() {
            happens = if step.then {
                happens
            } else {
                random.below(100) < step.chance
            };
            if happens {
                self.due = at.saturating_add(pause(step, random));
                return;
            }
            self.next += 1;
        }
    }

    /// Tells a step; none if it is not wanted, or refers to a message that nobody has written.
    fn tell(
        &mut self,
        step: &Step,
        context: &mut Context,
        at: i64,
        draft: &mut Draft,
    ) -> Option<()> {
        let sample = *context.random.pick(&step.samples)?;
        let (channel, pieces) = sample.item()?;
        let earlier_mid = self.earlier_mid(step).cloned();
        if sample.has(Name::EarlierMid) && earlier_mid.is_none() {
            return None;
        }
        self.values.at = self.moment(context, step.kind(), at);
        if step.about != About::Same {
            self.prepare(context, step, earlier_mid);
        }
        let (is_wanted, mut unwanted) = (self.wanted.has(step.kind()), Vec::new());
        let out = if is_wanted {
            draft.item(self.values.get(Name::Account)?, channel, step)
        } else {
            &mut unwanted
        };
        self.values.write(context, sample.sender, pieces, out);
        self.remember(context, sample);
        is_wanted.then_some(())
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
    fn prepare(&mut self, context: &mut Context, step: &Step, earlier_mid: Option<String>) {
        self.values.renew();
        if matches!(self.scenario.media, Some(Media::Post | Media::Live)) {
            // Everybody may say something.
            self.set_person(context);
        }
        let words = step.words.as_deref();
        let text = words.and_then(|it| texts::pick(self.language, it, &mut context.random));
        self.values.set_some(Name::Text, text);
        self.values.set_some(Name::EarlierMid, earlier_mid);
        self.values
            .set_some(Name::ParentId, self.comment_id.clone());
    }

    fn set_person(&mut self, context: &mut Context) {
        let person = context.person(self.account);
        self.language = person.language;
        self.values.set_person(0, person);
    }

    /// The message that a step refers to.
    fn earlier_mid(&self, step: &Step) -> Option<&String> {
        match step.about {
            About::Account => self.own_mid.as_ref(),
            About::Person | About::Same => self.mid.as_ref(),
        }
    }

    /// Remembers what later steps can refer to.
    fn remember(&mut self, context: &mut Context, sample: &Sample) {
        if let Some(mid) = self.values.get(Name::Mid) {
            let mid = Some(mid.to_owned());
            if sample.name.contains("echo") {
                self.own_mid = mid;
            } else {
                self.mid = mid;
            }
        }
        if let Some(id) = self.values.get(Name::CommentId)
            && !sample.has(Name::ParentId)
        {
            self.comment_id = Some(id.to_owned());
        }
        if sample.kind == Some(Kind::StoryInsights) {
            context.expire(self.values.get(Name::MediaId).unwrap_or_default());
        }
    }
}

/// The account of a story, and the media that it is about, if any: its id, and where it is shown.
fn media(
    media: Option<Media>,
    context: &mut Context,
    at: i64,
) -> (u64, Option<(String, &'static str)>) {
    let account = context.account();
    match media {
        None => (account, None),
        Some(Media::Post) => (account, Some(context.post(account, at))),
        Some(Media::Live) => (account, Some((context.id("180"), "LIVE"))),
        Some(Media::Story) => (account, Some((context.post_story(account), "STORY"))),
        Some(Media::PostedStory) => match context.posted_story() {
            Some((account, media_id)) => (account, Some((media_id, "STORY"))),
            None => (account, None),
        },
    }
}

/// The pause before a step, in milliseconds.
fn pause(step: &Step, random: &mut Random) -> i64 {
    // Some take their time, so that not every message is answered within the hour.
    let seconds = match step.after.as_secs() {
        minutes @ 60..3600 if random.below(4) == 0 => minutes * 12,
        seconds => seconds,
    };
    let jitter = random.below(u32::try_from(seconds * 1000).unwrap_or(u32::MAX));
    seconds * 500 + i64::from(jitter)
}
