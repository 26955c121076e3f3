//! A story before it begins: which scenario it is, and which of its steps happen.

use std::collections::VecDeque;

use super::{
    super::{random::Random, sample::Sample},
    scenario::{About, Kinds, Scenario, Step},
};
use crate::meta::event::Kind;

/// So often a scenario is drafted until it holds what is wanted.
const TRIES: usize = 8;

/// A step that will happen.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) pause_ms: i64,
    pub(super) sample: &'static Sample,
    pub(super) kind: Kind,
    pub(super) words: &'static str,
    pub(super) about: About,
}

impl Planned {
    fn new(step: &Step, random: &mut Random) -> Option<Self> {
        // Some take their time, so that not every message is answered within the hour.
        let pause = match step.pause {
            minutes @ 60..3600 if random.once_in(4) => minutes * 12,
            pause => pause,
        };
        let jitter = random.below(pause.saturating_mul(1000));
        Some(Self {
            pause_ms: i64::from(pause) * 500 + i64::from(jitter),
            sample: random.pick(&step.samples).copied()?,
            kind: step.kind,
            words: step.words,
            about: step.about,
        })
    }

    /// True if the account says it.
    pub(super) fn is_echo(&self) -> bool {
        self.sample.name.contains("echo")
    }
}

/// One of `scenarios`, with steps that end with something of `kinds`.
pub(super) fn draft(
    scenarios: &[&'static Scenario],
    kinds: Kinds,
    random: &mut Random,
) -> Option<(&'static Scenario, VecDeque<Planned>)> {
    for _ in 0..TRIES {
        let scenario = choose(scenarios, random)?;
        let steps = plan(scenario, kinds, false, random);
        if !steps.is_empty() {
            return Some((scenario, steps));
        }
    }
    let scenario = choose(scenarios, random)?;
    Some((scenario, plan(scenario, kinds, true, random)))
}

fn choose(scenarios: &[&'static Scenario], random: &mut Random) -> Option<&'static Scenario> {
    let mut at = random.below(scenarios.iter().map(|scenario| scenario.weight).sum());
    let mut scenarios = scenarios.iter().copied();
    scenarios.find(|scenario| match at.checked_sub(scenario.weight) {
        Some(rest) => {
            at = rest;
            false
        }
        None => true,
    })
}

/// The steps that happen, or `all` that may, up to the last one of `kinds`.
fn plan(scenario: &Scenario, kinds: Kinds, all: bool, random: &mut Random) -> VecDeque<Planned> {
    let (fewest, most) = scenario.rounds;
    let mut steps = VecDeque::with_capacity(16);
    for _ in 0..fewest + random.below(most - fewest + 1) {
        let mut happens = true;
        for step in &scenario.steps {
            happens = match step.percent {
                None => happens,
                Some(percent) => all || random.below(100) < percent,
            };
            steps.extend(happens.then(|| Planned::new(step, random)).flatten());
        }
    }
    let last = steps.iter().rposition(|step| kinds.has(step.kind));
    steps.truncate(last.map_or(0, |last| last + 1));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_ends_with_what_is_wanted() {
        let mut random = Random::new(1);
        for kind in Kind::ALL {
            let kinds = Kinds::of(&[*kind]);
            let scenarios: Vec<_> = Scenario::all()
                .iter()
                .filter(|scenario| scenario.holds(kinds))
                .collect();
            for _ in 0..100 {
                let (_, steps) = draft(&scenarios, kinds, &mut random).unwrap();
                assert_eq!(steps.back().unwrap().kind, *kind);
            }
        }
    }
}
