//! The scenarios of `samples/stories.toml`: lists of samples with shared ids, as data.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error};

use super::super::{random::Random, sample::Sample, sender::Sender};
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

/// One thing that may happen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The average pause since the step before.
    #[serde(default)]
    pub(super) after: SignedDuration,
    /// In so many of a hundred stories.
    #[serde(default = "always")]
    pub(super) chance: u32,
    /// It happens if the step before did.
    #[serde(default)]
    pub(super) then: bool,
    /// The part of a conversation that its text is; the text of the sample if there is none.
    pub(super) words: Option<String>,
    #[serde(default)]
    pub(super) about: About,
    /// One of these happens.
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
            file.stories
        });
        &ALL
    }

    /// How many steps a story has, all rounds together, up to the last one that is wanted.
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
    use super::*;

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
    fn the_weights_of_a_sender_are_shares_of_a_hundred() {
        for sender in [Sender::Messaging, Sender::Changes] {
            let all = Scenario::all().iter();
            let weights = all.filter(|it| it.sender() == sender).map(|it| it.weight);
            assert_eq!(weights.sum::<u32>(), 100);
        }
    }
}
