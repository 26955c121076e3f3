//! The stories in progress of one sender, and which of them goes on next.

use std::collections::VecDeque;

use super::{
    super::{context::Context, sender::Sender},
    delivery::Item,
    draft::draft,
    scenario::{Kinds, Scenario},
    story::Story,
};
use crate::meta::event::Kind;

/// So many stories are told at once.
const MOST_STORIES: usize = 128;
/// Below so many, the next is begun rather than one hurried.
const FEW_STORIES: usize = 4;
/// Once in so many times a message is told after what follows it, if that is not far.
const SELDOM: u32 = 40;
const NOT_FAR_MS: i64 = 15 * 60_000;

#[derive(Debug)]
pub(super) struct InProgress {
    pub(super) sender: Sender,
    kinds: Kinds,
    /// The scenarios that hold what is wanted.
    scenarios: Vec<&'static Scenario>,
    stories: Vec<Story>,
    /// Messages that were late, and are told now.
    late: VecDeque<Item>,
}

impl InProgress {
    pub(super) fn new(sender: Sender, kinds: Kinds) -> Self {
        let scenarios = Scenario::all()
            .iter()
            .filter(|scenario| scenario.sender == sender);
        Self {
            sender,
            kinds,
            scenarios: scenarios.filter(|scenario| scenario.holds(kinds)).collect(),
            stories: Vec::new(),
            late: VecDeque::new(),
        }
    }

    /// True if any scenario of this sender holds what is wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.scenarios.is_empty()
    }

    /// The next item that is wanted, told at `at`.
    ///
    /// This ends: so many stories have room, every story ends with a wanted step, and what ends a
    /// story is never late.
    pub(super) fn next(&mut self, context: &mut Context, at: i64, unhurried: bool) -> Item {
        loop {
            if let Some(item) = self.late.pop_front() {
                return item;
            }
            let next = match self.choose(context, at, unhurried) {
                Some(place) => self.go_on(place, context, at),
                None => self.begin(context, at),
            };
            if let Some(item) = next {
                return item;
            }
        }
    }

    /// How much it remembers.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.late.len() + self.stories.iter().map(Story::size).sum::<usize>()
    }

    /// The next step of a story, if it is wanted and not late.
    fn go_on(&mut self, place: usize, context: &mut Context, at: i64) -> Option<Item> {
        let story = &mut self.stories[place];
        let item = story
            .go_on(context, at)
            .filter(|item| self.kinds.has(item.kind));
        let ends = story.is_over();
        let told = match item {
            Some(item) if !ends && is_late(story, &item, context, at) => {
                story.late = Some(item);
                None
            }
            Some(item) => {
                self.late.extend(story.late.take());
                Some(item)
            }
            None => None,
        };
        if ends {
            self.stories.swap_remove(place);
        }
        told
    }

    /// The story that goes on: one that is due, none if a new one begins, or any if moments
    /// follow each other quickly.
    fn choose(&mut self, context: &mut Context, at: i64, unhurried: bool) -> Option<usize> {
        let due = self.due(at);
        let room = self.stories.len() < MOST_STORIES;
        let begin = match due {
            Some(_) => context.random.once_in(10),
            None => unhurried || self.stories.len() < FEW_STORIES || context.random.once_in(8),
        };
        if begin && room {
            return None;
        }
        let limit = u32::try_from(self.stories.len()).unwrap_or(u32::MAX);
        due.or_else(|| usize::try_from(context.random.below(limit)).ok())
    }

    /// The story whose next step has been due for longest.
    fn due(&self, at: i64) -> Option<usize> {
        let places = self.stories.iter().enumerate();
        let (place, story) = places.min_by_key(|(_, story)| story.due)?;
        (story.due <= at).then_some(place)
    }

    /// A new story, and its first step unless that has to wait.
    fn begin(&mut self, context: &mut Context, at: i64) -> Option<Item> {
        let (scenario, steps) = draft(&self.scenarios, self.kinds, &mut context.random)?;
        let story = Story::begin(scenario, steps, context, at);
        let waits = story.due > at;
        self.stories.push(story);
        if waits {
            return None;
        }
        self.go_on(self.stories.len() - 1, context, at)
    }
}

/// True if Meta is late with a message, so that the next step of its story is told first.
fn is_late(story: &Story, item: &Item, context: &mut Context, at: i64) -> bool {
    let soon = story.due.saturating_sub(at) < NOT_FAR_MS;
    item.kind == Kind::Message && soon && story.late.is_none() && context.random.once_in(SELDOM)
}
