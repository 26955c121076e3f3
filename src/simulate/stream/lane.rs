//! The stories in progress of one sender, and which of them goes on next.

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
/// An item is held back once in so many times.
const SELDOM: u32 = 60;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) sender: Sender,
    kinds: Kinds,
    /// The stories that hold what is wanted.
    tales: Vec<&'static Tale>,
    stories: Vec<Story>,
    /// Items that Meta is late with: what happened after them is told first.
    held: Vec<(i64, Item)>,
}

impl Lane {
    pub(super) fn new(sender: Sender, kinds: Kinds) -> Self {
        Self {
            sender,
            kinds,
            tales: tales::with(sender, kinds),
            stories: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Whether any story of this sender holds what is wanted.
    pub(super) fn is_open(&self) -> bool {
        !self.tales.is_empty()
    }

    /// The next item that is wanted, told at `at`.
    ///
    /// This ends: every story ends with a wanted step, and few items are held back.
    pub(super) fn next(&mut self, stage: &mut Stage, at: i64, unhurried: bool) -> Item {
        loop {
            if let Some(item) = self.release(at) {
                return item;
            }
            let place = self.choose(stage, at, unhurried);
            let item = self.stories[place].go_on(stage, at);
            if self.stories[place].is_over() {
                self.stories.swap_remove(place);
            }
            let wanted = item.filter(|item| self.kinds.has(item.kind));
            if let Some(item) = wanted.and_then(|item| self.hold_back(stage, at, item)) {
                return item;
            }
        }
    }

    /// The story that goes on: one that is due, a new one, or where moments follow each other
    /// quickly any.
    fn choose(&mut self, stage: &mut Stage, at: i64, unhurried: bool) -> usize {
        let due = self.due(at);
        let room = self.stories.len() < MOST_STORIES;
        let begin = match due {
            Some(_) => stage.once_in(10),
            None => unhurried || self.stories.len() < FEW_STORIES || stage.once_in(8),
        };
        match due {
            _ if begin && room => self.begin(stage, at),
            Some(place) => place,
            None => stage.random.index(self.stories.len()),
        }
    }

    /// The story whose next step has been due for longest.
    fn due(&self, at: i64) -> Option<usize> {
        let places = self.stories.iter().enumerate();
        let (place, story) = places.min_by_key(|(_, story)| story.due)?;
        (story.due <= at).then_some(place)
    }

    fn begin(&mut self, stage: &mut Stage, at: i64) -> usize {
        let draft = tales::draft((self.sender, self.kinds), &self.tales, stage, at);
        self.stories.push(Story::begin(draft));
        self.stories.len() - 1
    }

    /// Keeps a message back now and then.
    fn hold_back(&mut self, stage: &mut Stage, at: i64, item: Item) -> Option<Item> {
        if item.kind != Kind::Message || self.held.len() >= FEW_STORIES || !stage.once_in(SELDOM) {
            return Some(item);
        }
        let until = at + 20_000 + i64::from(stage.random.below(400_000));
        self.held.push((until, item));
        None
    }

    /// An item whose time has come, or that must not wait longer for others.
    fn release(&mut self, at: i64) -> Option<Item> {
        let full = self.held.len() >= FEW_STORIES;
        let place = self
            .held
            .iter()
            .position(|(until, _)| full || *until <= at)?;
        Some(self.held.swap_remove(place).1)
    }
}
