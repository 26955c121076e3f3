//! The stories in progress of one sender, and which of them goes on next.

use super::{
    super::{context::Context, random::Random, sender::Sender},
    delivery::Draft,
    scenario::{Scenario, Wanted},
    story::Story,
};

/// Maximum number of stories in progress.
const MOST_STORIES: usize = 24;

#[derive(Debug)]
pub(super) struct InProgress {
    pub(super) sender: Sender,
    wanted: Wanted,
    /// The scenarios that hold what is wanted.
    scenarios: Vec<&'static Scenario>,
    stories: Vec<Story>,
}

impl InProgress {
    pub(super) fn new(sender: Sender, wanted: Wanted) -> Self {
        let holds = |it: &&Scenario| it.steps.iter().any(|step| wanted.has(step.kind()));
        let scenarios = Scenario::all().iter().filter(|it| it.sender() == sender);
        Self {
            sender,
            scenarios: scenarios.filter(holds).collect(),
            wanted,
            stories: Vec::with_capacity(MOST_STORIES),
        }
    }

    /// A single scenario.
    #[cfg(test)]
    pub(super) fn of(scenario: Scenario, wanted: Wanted) -> Self {
        Self {
            sender: scenario.sender(),
            wanted,
            scenarios: vec![Box::leak(Box::new(scenario))],
            stories: Vec::new(),
        }
    }

    /// True if any scenario of this sender holds what is wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.scenarios.is_empty()
    }

    /// Tells one item that is wanted.
    ///
    /// This ends: of every scenario something wanted happens now and then, and the end of a story
    /// makes room for another.
    pub(super) fn tell_one(&mut self, context: &mut Context, at: i64, draft: &mut Draft) {
        loop {
            let Some(place) = self.choose(&mut context.random, at) else {
                self.begin(context, at);
                continue;
            };
            let story = &mut self.stories[place];
            let told = story.go_on(context, at, draft);
            if story.is_over() {
                self.stories.swap_remove(place);
            }
            if told {
                return;
            }
        }
    }

    /// The story that goes on: the one that has been due for longest, or any if there is no room for
    /// a new one; none if a new one begins.
    fn choose(&self, random: &mut Random, at: i64) -> Option<usize> {
        let due = (0..self.stories.len()).min_by_key(|place| self.stories[*place].due);
        due.filter(|place| self.stories[*place].due <= at)
            .or_else(|| {
                let is_full = self.stories.len() >= MOST_STORIES;
                is_full.then(|| random.place(MOST_STORIES))
            })
    }

    fn begin(&mut self, context: &mut Context, at: i64) {
        let weights = self.scenarios.iter().map(|scenario| scenario.weight);
        let mut rest = i64::from(context.random.below(weights.sum()));
        let chosen = self.scenarios.iter().find(|scenario| {
            rest -= i64::from(scenario.weight);
            rest < 0
        });
        let story = chosen.map(|it| Story::begin(it, &self.wanted, context, at));
        self.stories.extend(story);
    }
}
