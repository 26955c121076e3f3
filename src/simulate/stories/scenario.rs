//! The scenarios of `samples/stories.txt`: what stories there are, how often each is told, and of which
//! samples it consists.

use std::sync::LazyLock;

use super::super::{sample::Sample, sender::Sender};
use crate::meta::event::Kind;

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u32);

impl Kinds {
    /// These kinds; every kind if there are none.
    pub(super) fn of(kinds: &[Kind]) -> Self {
        let all = if kinds.is_empty() { Kind::ALL } else { kinds };
        Self(all.iter().fold(0, |set, kind| set | 1 << *kind as u32))
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

/// A kind of story.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) sender: Sender,
    /// How many of a hundred of its sender it makes.
    pub(super) weight: u32,
    pub(super) setting: Setting,
    /// The fewest and the most times that its steps happen.
    pub(super) rounds: (u32, u32),
    pub(super) steps: Vec<Step>,
}

/// The subject of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// A conversation of one person with the account.
    Talk,
    /// The same, through an ad.
    Ad,
    /// A post of the account.
    Post,
    /// A post of the account that an ad shows as well.
    PostAndAd,
    Broadcast,
    /// A story of the account.
    Story,
    /// A conversation about a story of the account.
    AnswerToStory,
}

/// The item that a step refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The last message of the person, or the last comment.
    Person,
    /// The last message of the account.
    Account,
    /// The step before, once more.
    TheSame,
}

/// One thing that may happen.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The average pause after the step before, in seconds.
    pub(super) pause: u32,
    /// In so many of a hundred stories; none if it happens with the step before.
    pub(super) percent: Option<u32>,
    pub(super) kind: Kind,
    /// One of these happens.
    pub(super) samples: Vec<&'static Sample>,
    /// The part of a conversation that its text is.
    pub(super) words: &'static str,
    pub(super) about: About,
}

impl Scenario {
    /// Every scenario.
    pub(super) fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Scenario>> =
            LazyLock::new(|| read(include_str!("../../../samples/stories.txt")));
        &ALL
    }

    /// True if something of `kinds` may happen in it.
    pub(super) fn holds(&self, kinds: Kinds) -> bool {
        self.steps.iter().any(|step| kinds.has(step.kind))
    }
}

fn read(text: &'static str) -> Vec<Scenario> {
    let (mut parts, mut scenarios) = (Vec::<(&str, Vec<Step>)>::new(), Vec::new());
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for line in lines.map(|line| line.split(' ').collect::<Vec<_>>()) {
        match *line {
            ["part", name] => parts.push((name, Vec::new())),
            ["story", ref story @ ..] => scenarios.extend(scenario(story, &parts)),
            _ => {
                if let (Some(step), Some((_, steps))) = (step(&line), parts.last_mut()) {
                    steps.push(step);
                }
            }
        }
    }
    scenarios
}

fn scenario(words: &[&str], parts: &[(&str, Vec<Step>)]) -> Option<Scenario> {
    let [weight, setting, rounds, names @ ..] = words else {
        return None;
    };
    let mut steps = Vec::new();
    for name in names {
        let (_, part) = parts.iter().find(|(part, _)| part == name)?;
        steps.extend_from_slice(part);
    }
    let (fewest, most) = rounds.split_once('-').unwrap_or((*rounds, *rounds));
    Some(Scenario {
        sender: steps.first()?.samples.first()?.sender,
        weight: weight.parse().ok()?,
        setting: match *setting {
            "talk" => Setting::Talk,
            "ad" => Setting::Ad,
            "post" => Setting::Post,
            "post_and_ad" => Setting::PostAndAd,
            "broadcast" => Setting::Broadcast,
            "story" => Setting::Story,
            "answer_to_story" => Setting::AnswerToStory,
            _ => return None,
        },
        rounds: (fewest.parse().ok()?, most.parse().ok()?),
        steps,
    })
}

fn step(words: &[&'static str]) -> Option<Step> {
    let [pause, percent, words, about, names @ ..] = words else {
        return None;
    };
    let samples = names.iter().map(|name| Sample::named(name));
    let samples = samples.collect::<Option<Vec<_>>>()?;
    Some(Step {
        pause: seconds(pause)?,
        percent: match *percent {
            "then" => None,
            percent => Some(percent.strip_suffix('%')?.parse().ok()?),
        },
        kind: samples.first()?.kind()?,
        samples,
        words,
        about: match *about {
            "person" => About::Person,
            "account" => About::Account,
            "same" => About::TheSame,
            _ => return None,
        },
    })
}

fn seconds(pause: &str) -> Option<u32> {
    let (number, unit) = pause.split_at_checked(pause.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        let text = include_str!("../../../samples/stories.txt");
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (mut stories, mut steps) = (0, 0);
        for line in lines {
            let words: Vec<_> = line.split(' ').collect();
            match words[0] {
                "part" => {}
                "story" => stories += 1,
                _ => {
                    assert!(step(&words).is_some(), "{line}");
                    steps += 1;
                }
            }
        }
        assert_eq!(Scenario::all().len(), stories);
        assert!(steps > 50);
    }

    #[test]
    fn the_samples_of_a_step_have_one_kind_and_sender() {
        for scenario in Scenario::all() {
            for step in &scenario.steps {
                for sample in &step.samples {
                    assert_eq!(sample.kind(), Some(step.kind), "{}", sample.name);
                    assert_eq!(sample.sender, scenario.sender, "{}", sample.name);
                    assert!(sample.item().is_some(), "{}", sample.name);
                }
            }
        }
    }

    #[test]
    fn the_weights_of_a_sender_are_shares_of_a_hundred() {
        for sender in [Sender::Messaging, Sender::Changes] {
            let scenarios = Scenario::all()
                .iter()
                .filter(|scenario| scenario.sender == sender);
            assert_eq!(scenarios.map(|scenario| scenario.weight).sum::<u32>(), 100);
        }
    }
}
