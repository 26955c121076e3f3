//! The scenarios of `samples/stories.toml`: lists of samples with shared ids, as data.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error};

use super::super::{random::Random, sample::Sample, sender::Sender, slot::Name};
use crate::meta::event::Kind;

/// The kinds that are wanted: every kind if there are none.
#[derive(Clone, Debug)]
pub(super) struct Wanted(Arc<[Kind]>);

impl Wanted {
    pub(super) fn new(kinds: &[Kind]) -> Self {
        Self(kinds.into())
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.0.is_empty() || self.0.contains(&kind)
    }
}

/// A kind of story.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// Its share of a hundred of its sender.
    pub(super) weight: u32,
    /// The media that it is about.
    pub(super) media: Option<Media>,
    /// True if it came through an ad.
    #[serde(default)]
    pub(super) ad: bool,
    /// The fewest and the most times that its steps happen.
    #[serde(default = "once")]
    pub(super) rounds: (u32, u32),
    parts: Vec<String>,
    #[serde(skip)]
    pub(super) steps: Vec<Step>,
}

/// Media of the account.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Media {
    Post,
    Live,
    Story,
    /// The story of another scenario, not yet expired.
    PostedStory,
}

/// The item that a step refers to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum About {
    /// The last message of the person, or the last comment.
    #[default]
    Person,
    /// The last message of the account.
    Account,
    /// The step before, once more.
    Same,
}

/// Step of a story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The average pause since the step before.
    #[serde(default)]
    pub(super) after: SignedDuration,
    /// In so many of a hundred stories.
    #[serde(default = "always")]
    pub(super) chance: u32,
    /// True if the step happens only after the step before it.
    #[serde(default)]
    pub(super) then: bool,
    /// The part of a conversation that its text is; the text of the sample if there is none.
    pub(super) words: Option<String>,
    #[serde(default)]
    pub(super) about: About,
    /// Samples; a random one is used.
    #[serde(deserialize_with = "named")]
    pub(super) samples: Vec<&'static Sample>,
}

#[derive(Deserialize)]
struct File {
    parts: BTreeMap<String, Vec<Step>>,
    stories: Vec<Scenario>,
}

impl Scenario {
    /// Every scenario.
    #[expect(
        clippy::expect_used,
        reason = "a part of the program, which tests read"
    )]
    pub(super) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
            let text = include_str!("../../../samples/stories.toml");
            let mut file: File = toml::from_str(text).expect("the stories are TOML");
            for story in &mut file.stories {
                let steps = story.parts.iter().map(|part| file.parts[part].clone());
                story.steps = steps.flatten().collect();
            }
            let told = |kind: &&Kind| file.stories.iter().any(|story| story.tells(**kind));
            let untold = Kind::ALL.iter().filter(|kind| !told(kind));
            let alone: Vec<_> = untold.filter_map(|kind| Scenario::of_one(*kind)).collect();
            file.stories.extend(alone);
            file.stories
        });
        &ALL
    }

    /// Story with one item, for a kind without a story; a message precedes the item if the item
    /// refers to a message. `None` if the kind has no sample.
    fn of_one(kind: Kind) -> Option<Self> {
        let samples = Sample::all().iter().filter(|it| it.kind == Some(kind));
        let mut samples: Vec<_> = samples.filter(|it| it.item().is_some()).collect();
        let sender = samples.first()?.sender;
        samples.retain(|sample| sample.sender == sender);
        let refers = samples.iter().any(|sample| sample.has(Name::EarlierMid));
        let message = Sample::named("message/text").filter(|it| refers && it.sender == sender);
        let message = message.map(|sample| Step::of(vec![sample]));
        Some(Self {
            weight: 1,
            media: None,
            ad: false,
            rounds: once(),
            parts: Vec::new(),
            steps: message.into_iter().chain([Step::of(samples)]).collect(),
        })
    }

    /// True if a step of it is of this kind.
    pub(super) fn tells(&self, kind: Kind) -> bool {
        self.steps.iter().any(|step| step.kind() == kind)
    }

    /// Number of steps of a story, in all rounds, up to the last wanted step.
    pub(super) fn length(&self, wanted: &Wanted, random: &mut Random) -> usize {
        let (fewest, most) = self.rounds;
        let rounds = fewest + random.below(most - fewest + 1);
        let steps = self.steps.iter();
        let unwanted = steps.rev().take_while(|step| !wanted.has(step.kind()));
        (self.steps.len() * rounds as usize).saturating_sub(unwanted.count())
    }

    /// The sender of its items.
    pub(super) fn sender(&self) -> Sender {
        let mut samples = self.steps.iter().flat_map(|step| &step.samples);
        samples.next().map_or(Sender::Changes, |it| it.sender)
    }
}

impl Step {
    /// A step that always happens.
    fn of(samples: Vec<&'static Sample>) -> Self {
        Self {
            after: SignedDuration::ZERO,
            chance: always(),
            then: false,
            words: None,
            about: About::default(),
            samples,
        }
    }

    /// The kind of its samples.
    pub(super) fn kind(&self) -> Kind {
        let first = self.samples.first();
        first
            .and_then(|sample| sample.kind)
            .unwrap_or(Kind::Unknown)
    }
}

fn once() -> (u32, u32) {
    (1, 1)
}

fn always() -> u32 {
    100
}

fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static Sample>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let sample = |name: String| Sample::named(&name).ok_or_else(|| D::Error::custom(name));
    names.into_iter().map(sample).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{
        super::{super::context::Context, delivery::Draft, in_progress::InProgress},
        *,
    };

    #[test]
    fn the_samples_of_a_step_have_one_kind_and_those_of_a_story_one_sender() {
        for scenario in Scenario::all() {
            for step in &scenario.steps {
                for sample in &step.samples {
                    assert_eq!(sample.kind, Some(step.kind()), "{}", sample.name);
                    assert_eq!(sample.sender, scenario.sender(), "{}", sample.name);
                    assert!(sample.item().is_some(), "{}", sample.name);
                }
            }
        }
    }

    #[test]
    fn a_kind_without_a_story_comes_alone_or_after_a_message() {
        for kind in Kind::ALL {
            let scenario = Scenario::of_one(*kind).unwrap();
            assert!(scenario.tells(*kind), "{}", kind.as_str());
            let mut stories = InProgress::of(scenario, Wanted::new(&[*kind]));
            let mut context = Context::new(1, 0, NonZeroUsize::MIN, NonZeroUsize::MIN);
            for at in 0..50 {
                let mut draft = Draft::new(stories.sender, at);
                stories.tell_one(&mut context, at, &mut draft);
                assert_eq!(draft.finish().kinds, [*kind]);
            }
        }
    }

    #[test]
    fn the_weights_of_a_sender_are_shares_of_a_hundred() {
        for sender in [Sender::Messaging, Sender::Changes] {
            let all = Scenario::all().iter();
            let weights = all.filter(|it| it.sender() == sender).map(|it| it.weight);
            assert_eq!(weights.sum::<u32>(), 100);
        }
    }
}
