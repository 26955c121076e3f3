//! Choice of the next delivery: new, a repeat of an acked delivery, or a forgery.

use std::{collections::VecDeque, time::Instant};

use jiff::Timestamp;

use super::{
    super::{
        random::Random,
        stories::{Delivery, Script, Stories},
    },
    post::{Post, Sort},
};

/// Maximum size of all acked deliveries kept for repeats, if more than one is kept.
const MOST_RECENT_BYTES: usize = 256 * 1024;

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
    recent: VecDeque<(u64, Delivery)>,
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
        let chance = self.chance();
        if chance < self.forgeries {
            return Post::new(number, Sort::Forged, self.forged.next(now), due);
        }
        if chance < self.forgeries + self.repeats {
            let place = self.random.place(self.recent.len());
            if let Some((of, delivery)) = self.recent.get(place) {
                return Post::new(number, Sort::Repeat(*of), delivery.clone(), due);
            }
        }
        Post::new(number, Sort::New, self.stories.next(now), due)
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
        self.recent_bytes += post.delivery.body.len();
        self.recent.push_back((post.number, post.delivery.clone()));
        while self.recent_bytes > MOST_RECENT_BYTES && self.recent.len() > 1 {
            if let Some((_, oldest)) = self.recent.pop_front() {
                self.recent_bytes -= oldest.body.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(repeats: f64, forgeries: f64) -> Mix {
        let script = Script::default();
        Mix::new(&script, repeats, forgeries)
    }

    fn take(mix: &mut Mix, count: u64) -> Vec<Post> {
        let (due, now) = (Instant::now(), "2026-11-20T09:30:00Z".parse().unwrap());
        (0..count)
            .map(|number| mix.next(number, due, now))
            .collect()
    }

    #[test]
    fn nothing_comes_again_before_it_was_acked() {
        let mut mix = mix(1.0, 0.0);
        let new = take(&mut mix, 3);
        assert!(new.iter().all(|post| post.sort == Sort::New));
        mix.acked(&new[2]);
        let again = take(&mut mix, 3);
        assert!(again.iter().all(|post| post.sort == Sort::Repeat(2)));
    }

    #[test]
    fn what_may_come_again_is_bounded() {
        let mut mix = mix(0.5, 0.0);
        for post in take(&mut mix, 1000) {
            mix.acked(&post);
        }
        let bytes: usize = mix.recent.iter().map(|(_, it)| it.body.len()).sum();
        let most = MOST_RECENT_BYTES - 4096..=MOST_RECENT_BYTES;
        assert!(most.contains(&bytes) && bytes == mix.recent_bytes);
    }

    #[test]
    fn the_shares_are_kept_and_forgeries_take_nothing_from_the_stories() {
        let mut forging = mix(0.0, 0.25);
        let posts = take(&mut forging, 4000);
        let forged = posts.iter().filter(|it| it.sort == Sort::Forged).count();
        assert!((800..1200).contains(&forged), "{forged}");
        let new = posts.iter().filter(|post| post.sort == Sort::New);
        let plain = take(&mut mix(0.0, 0.0), 100);
        for (post, alone) in new.zip(&plain) {
            assert_eq!(post.delivery.body, alone.delivery.body);
        }
    }
}
