//! The state that all bodies of a run share: chance, ids that come once, accounts, people and media.

use std::num::NonZeroUsize;

use super::{
    ids::{padded, scattered},
    people::{self, Person},
    random::Random,
};

const DAY_MS: i64 = 86_400_000;

/// Ids are walked through in steps of this: no common divisor with their number, so that each
/// comes once.
const ID_STEP: u64 = 61_803_398_874_989;
const IDS: u64 = 100_000_000_000_000;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) random: Random,
    /// Makes what no other run has, whatever its seed.
    unique: Random,
    accounts: u64,
    people: u64,
    /// Last id of the sequence.
    id: u64,
    /// The last moment of those that only their moment tells apart.
    moment: i64,
    /// The last story that has not expired: the place of its account, and the media id.
    posted: Option<(u64, String)>,
}

impl Context {
    /// The context of a run that begins at `at`: seed and moment choose where the ids begin.
    pub(super) fn new(seed: u64, at: i64, accounts: NonZeroUsize, people: NonZeroUsize) -> Self {
        let mut unique = Random::new(seed ^ Random::new(at.unsigned_abs()).next());
        Self {
            random: Random::new(seed),
            accounts: accounts.get() as u64,
            people: people.get() as u64,
            id: unique.next() % IDS,
            unique,
            moment: i64::MIN,
            posted: None,
        }
    }

    /// Fourteen digits that come once in this run, after `prefix`.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        self.id = (self.id + ID_STEP) % IDS;
        padded(prefix, self.id, 14)
    }

    /// 64 hex digits that come once.
    pub(super) fn hex(&mut self) -> String {
        self.unique.hex()
    }

    /// `at`, or a little later if something else has that moment already.
    pub(super) fn moment_of_its_own(&mut self, at: i64) -> i64 {
        self.moment = at.max(self.moment.saturating_add(1));
        self.moment
    }

    /// Delay of sending, in milliseconds: mostly under a second, sometimes minutes.
    pub(super) fn lag(&mut self) -> i64 {
        let lag = match self.random.below(100) {
            0 => 60_000 + self.random.below(300_000),
            1..10 => 1_000 + self.random.below(2_200),
            _ => 60 + self.random.below(900),
        };
        lag.into()
    }

    /// The place of an account; the first ones are the busiest.
    pub(super) fn account(&mut self) -> u64 {
        let (one, other) = (self.random.next(), self.random.next());
        (one % self.accounts).min(other % self.accounts)
    }

    /// Random person, with the ids and names that the account at this index sees.
    pub(super) fn person(&mut self, account: u64) -> Person {
        people::person(account, self.random.next() % self.people)
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

    /// Number of a random one of the three ads of an account.
    pub(super) fn ad(&mut self, account: u64) -> u64 {
        account
            .wrapping_mul(3)
            .wrapping_add(u64::from(self.random.below(3)))
    }

    /// An account posts a story.
    pub(super) fn post_story(&mut self, account: u64) -> String {
        let media_id = self.id("180");
        self.posted = Some((account, media_id.clone()));
        media_id
    }

    /// The last story that has not expired, and its account.
    pub(super) fn posted_story(&self) -> Option<(u64, String)> {
        self.posted.clone()
    }

    /// A story has expired: nobody answers it any more.
    pub(super) fn expire(&mut self, media_id: &str) {
        self.posted.take_if(|(_, posted)| posted == media_id);
    }
}
