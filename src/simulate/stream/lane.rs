//! The stories in progress of one sender, and which of them goes on next.

use std::collections::VecDeque;

use super::{
    super::serialise::Sender,
    delivery::Item,
    stage::{Kinds, Stage},
    story::Story,
    tales::{self, Tale},
};
use crate::meta::event::Kind;

/// So many stories are told at once.
const MOST_STORIES: usize = 128;
/// Below so many, the next is begun rather than one hurried.
const FEW_STORIES: usize = 4;
/// Once in so many times a message is told after what follows it, where that is not far.
const SELDOM: u32 = 40;
const NOT_FAR_MS: i64 = 15 * 60_000;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) sender: Sender,
    kinds: Kinds,
    /// The stories that hold what is wanted.
    tales: Vec<&'static Tale>,
    stories: Vec<Story>,
    /// Messages that were late, and are told now.
    late: VecDeque<Item>,
}

impl Lane {
    pub(super) fn new(sender: Sender, kinds: Kinds) -> Self {
        Self {
            sender,
            kinds,
            tales: tales::with(sender, kinds),
            stories: Vec::new(),
            late: VecDeque::new(),
        }
    }

    /// Whether any story of this sender holds what is wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.tales.is_empty()
    }

    /// The next item that is wanted, told at `at`.
    ///
    /// This ends: so many stories have room, every story ends with a wanted step, and what ends a
    /// story is never late.
    pub(super) fn next(&mut self, stage: &mut Stage, at: i64, unhurried: bool) -> Item {
        loop {
            if let Some(item) = self.late.pop_front() {
                return item;
            }
            let next = match self.choose(stage, at, unhurried) {
                Some(place) => self.go_on(place, stage, at),
                None => self.begin(stage, at),
            };
            if let Some(item) = next {
                return item;
            }
        }
    }

    /// How much it remembers: stories, their steps and what they told.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let stories = self.stories.iter().map(Story::size);
        self.late.len() + stories.sum::<usize>()
    }

    /// The next step of a story, where it is wanted and not late.
    fn go_on(&mut self, place: usize, stage: &mut Stage, at: i64) -> Option<Item> {
        let story = &mut self.stories[place];
        let item = story
            .go_on(stage, at)
            .filter(|item| self.kinds.has(item.kind));
        let ends = story.is_over();
        let told = match item {
            Some(item) if !ends && is_late(story, &item, stage, at) => {
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

    /// The story that goes on: one that is due, none where a new one begins, or any where moments
    /// follow each other quickly.
    fn choose(&mut self, stage: &mut Stage, at: i64, unhurried: bool) -> Option<usize> {
        let due = self.due(at);
        let room = self.stories.len() < MOST_STORIES;
        let begin = match due {
            Some(_) => stage.once_in(10),
            None => unhurried || self.stories.len() < FEW_STORIES || stage.once_in(8),
        };
        if begin && room {
            return None;
        }
        due.or_else(|| Some(stage.random.index(self.stories.len())))
    }

    /// The story whose next step has been due for longest.
    fn due(&self, at: i64) -> Option<usize> {
        let places = self.stories.iter().enumerate();
        let (place, story) = places.min_by_key(|(_, story)| story.due)?;
        (story.due <= at).then_some(place)
    }

    /// A new story, and its first step unless that has to wait.
    fn begin(&mut self, stage: &mut Stage, at: i64) -> Option<Item> {
        let draft = tales::draft((self.sender, self.kinds), &self.tales, stage, at);
        let story = Story::begin(draft);
        let waits = story.due > at;
        self.stories.push(story);
        if waits {
            return None;
        }
        self.go_on(self.stories.len() - 1, stage, at)
    }
}

/// Whether Meta is late with a message, so that the next step of its story is told first.
fn is_late(story: &Story, item: &Item, stage: &mut Stage, at: i64) -> bool {
    let soon = story.due.saturating_sub(at) < NOT_FAR_MS;
    item.kind == Kind::Message && soon && story.late.is_none() && stage.once_in(SELDOM)
}
