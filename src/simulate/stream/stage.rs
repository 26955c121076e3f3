//! What all stories of a stream share: chance, ids that never repeat, and who and what is around.

use std::{collections::VecDeque, num::NonZeroUsize};

use super::super::{
    crowd::{self, Profile, scattered},
    digits::padded,
    random::Random,
};
use crate::meta::event::Kind;

/// So many stories of the accounts are remembered as not yet expired.
const POSTED: usize = 32;

const DAY_MS: i64 = 86_400_000;

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds(u32);

impl Kinds {
    /// These kinds; every kind where there are none.
    pub(super) fn of(kinds: &[Kind]) -> Self {
        let all = if kinds.is_empty() { Kind::ALL } else { kinds };
        Self(all.iter().fold(0, |set, kind| set | 1 << *kind as u32))
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

/// A story that an account has posted and that has not expired yet.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub(super) account: u64,
    pub(super) media_id: String,
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) random: Random,
    accounts: u64,
    people: u64,
    seed: u64,
    /// Where the walk through ids stands.
    id: u64,
    /// The last moment of those that only their moment tells apart.
    moment: i64,
    pub(super) posted: VecDeque<Posted>,
}

/// Ids are walked through in steps of this: no common divisor with their number, so that each
/// comes once.
const ID_STEP: u64 = 61_803_398_874_989;
const IDS: u64 = 100_000_000_000_000;

impl Stage {
    pub(super) fn new(seed: u64, accounts: NonZeroUsize, people: NonZeroUsize) -> Self {
        let count = |number: NonZeroUsize| u64::try_from(number.get()).unwrap_or(u64::MAX);
        Self {
            random: Random::new(seed),
            accounts: count(accounts),
            people: count(people),
            seed,
            id: 0,
            moment: i64::MIN,
            posted: VecDeque::with_capacity(POSTED),
        }
    }

    /// Chooses where the ids begin: by the seed and the first moment.
    pub(super) fn open(&mut self, at: i64) {
        let moment = Random::new(at.unsigned_abs()).next();
        self.id = Random::new(self.seed ^ moment).next() % IDS;
    }

    /// Fourteen digits that come once in this run.
    fn unique(&mut self) -> u64 {
        self.id = (self.id + ID_STEP) % IDS;
        self.id
    }

    pub(super) fn comment_id(&mut self) -> String {
        padded("179", self.unique(), 14)
    }

    /// The id of something that is no post of an account: its stories, broadcasts, and posts of
    /// others.
    pub(super) fn media_id(&mut self) -> String {
        padded("180", self.unique(), 14)
    }

    /// A token or reference that comes once.
    pub(super) fn token(&mut self) -> String {
        let first = padded("", self.unique(), 14);
        padded(&first, self.random.below(100_000).into(), 5)
    }

    /// `at`, or a little later where something of the same sort has that moment already.
    pub(super) fn moment_of_its_own(&mut self, at: i64) -> i64 {
        self.moment = at.max(self.moment.saturating_add(1));
        self.moment
    }

    /// How long something took to be told, in milliseconds: mostly under a second, at times
    /// minutes.
    pub(super) fn lag(&mut self) -> i64 {
        let lag = match self.random.below(100) {
            0 => 60_000 + self.random.below(300_000),
            1..10 => 1_000 + self.random.below(2_200),
            _ => 60 + self.random.below(900),
        };
        lag.into()
    }

    /// Whether something happens that happens once in so many times.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.random.below(times) == 0
    }

    /// The place of an account; the first ones are the busiest.
    pub(super) fn account(&mut self) -> u64 {
        let (one, other) = (self.random.next(), self.random.next());
        (one % self.accounts).min(other % self.accounts)
    }

    /// Somebody, as the account at this place knows them.
    pub(super) fn person(&mut self, account: u64) -> Profile {
        crowd::person(account, self.random.next() % self.people)
    }

    /// A post of an account: mostly one of the last days, a post a day; and where it is shown.
    pub(super) fn post(&mut self, account: u64, at: i64) -> (String, &'static str) {
        let age = self.random.below(8).min(self.random.below(8));
        let day = u64::try_from(at / DAY_MS - i64::from(age)).unwrap_or_default();
        let number = day.wrapping_mul(1_000_003).wrapping_add(account) % IDS;
        let product = if number.is_multiple_of(3) {
            "REELS"
        } else {
            "FEED"
        };
        (padded("178", scattered(number, 14), 14), product)
    }

    /// Remembers a story until it expires.
    pub(super) fn post_story(&mut self, posted: Posted) {
        if self.posted.len() == POSTED {
            self.posted.pop_front();
        }
        self.posted.push_back(posted);
    }

    /// Where somebody's picture would be: built like Meta's addresses, on a host that nobody has.
    pub(super) fn media_url(&mut self) -> String {
        let asset = self.unique();
        let signature = self.random.hex();
        format!(
            "https://media.example.org/ig_messaging_cdn/?asset_id=180{asset:014}&signature=AY{signature}"
        )
    }
}
