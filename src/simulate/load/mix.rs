//! What the next delivery is: something new, one that was acked already, or a forgery.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use jiff::Timestamp;

use super::{
    super::{Delivery, Script, Stories, random::Random},
    post::{Post, Sort},
};

/// How many acked deliveries may come again, and how many bytes they may have together.
const MOST_RECENT: usize = 256;
const MOST_RECENT_BYTES: usize = 16 * 1024 * 1024;

/// Makes other ids for forgeries and for the choice, from the same seed.
const FORGERIES: u64 = 0x666f_7267_6564_2121;
const CHOICES: u64 = 0x6368_6f69_6365_7321;

/// Chooses what is sent.
#[derive(Debug)]
pub(super) struct Mix {
    stories: Stories,
    /// Forgeries tell stories of their own: where one is refused, as it must be, nothing is
    /// missing from the others.
    forged: Stories,
    random: Random,
    repeats: f64,
    forgeries: f64,
    recent: VecDeque<(u64, Arc<Delivery>)>,
    recent_bytes: usize,
}

impl Mix {
    /// Shares from 0 to 1 of `repeats` and `forgeries` among all deliveries.
    pub(super) fn new(script: &Script, repeats: f64, forgeries: f64) -> Self {
        let seed = script.seed;
        let other = Script {
            seed: seed ^ FORGERIES,
            ..script.clone()
        };
        Self {
            stories: Stories::new(script),
            forged: Stories::new(&other),
            random: Random::new(seed ^ CHOICES),
            repeats,
            forgeries,
            recent: VecDeque::new(),
            recent_bytes: 0,
        }
    }

    /// The delivery of this number, which was due at `due`.
    pub(super) fn next(&mut self, number: u64, due: Instant, now: Timestamp) -> Post {
        let (sort, delivery) = self.choose(now);
        Post {
            number,
            sort,
            delivery,
            due,
            tries: 0,
        }
    }

    fn choose(&mut self, now: Timestamp) -> (Sort, Arc<Delivery>) {
        let chance = self.chance();
        if chance < self.forgeries {
            return (Sort::Forged, Arc::new(self.forged.next(now)));
        }
        if chance < self.forgeries + self.repeats
            && let Some((number, delivery)) = self.recent.get(self.random.index(self.recent.len()))
        {
            return (Sort::Repeat(*number), Arc::clone(delivery));
        }
        (Sort::New, Arc::new(self.stories.next(now)))
    }

    /// A number from 0 up to but not including 1; none is drawn where everything is new.
    fn chance(&mut self) -> f64 {
        if self.repeats + self.forgeries > 0.0 {
            f64::from(self.random.below(u32::MAX)) / f64::from(u32::MAX)
        } else {
            1.0
        }
    }

    /// A new delivery was acked: it may come again from now on.
    pub(super) fn acked(&mut self, post: &Post) {
        if self.repeats == 0.0 || post.sort != Sort::New {
            return;
        }
        self.recent_bytes += post.bytes();
        self.recent
            .push_back((post.number, Arc::clone(&post.delivery)));
        while self.recent.len() > MOST_RECENT
            || (self.recent_bytes > MOST_RECENT_BYTES && self.recent.len() > 1)
        {
            if let Some((_, oldest)) = self.recent.pop_front() {
                self.recent_bytes -= oldest.body.len();
            }
        }
    }
}
