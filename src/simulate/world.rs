//! Where a run's moments, ids and times come from.
//!
//! Accounts and people are the same in every run, so that a second run continues where the first
//! ended; the ids of what happens come from the seed, so that no run repeats another.

use jiff::Timestamp;

use super::{
    json::{Json, object},
    mid::{mid, thread},
    people::{ACCOUNTS, Account, PEOPLE, Person, Talk},
    random::Random,
};

/// How long before now a run begins, so that its last event is not in the future.
const LEAD_MS: i64 = 20 * 60 * 1000;

/// A moment of a conversation at which something happens.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) talk: Talk,
    /// When, in milliseconds since 1970.
    pub(super) at: i64,
    /// When Meta sends it on, in milliseconds since 1970.
    pub(super) sent_at: i64,
    /// The id of the message, should one be written now.
    pub(super) mid: String,
}

impl Moment {
    /// An item that the person caused: sender, recipient, timestamp and `keys`.
    pub(super) fn received(&self, keys: Json) -> Json {
        self.item(self.talk.person.igsid, self.talk.account.id, keys)
    }

    /// An item that the account caused.
    pub(super) fn sent(&self, keys: Json) -> Json {
        self.item(self.talk.account.id, self.talk.person.igsid, keys)
    }

    /// A message from the person; `keys` follow its `mid`.
    pub(super) fn message(&self, keys: Json) -> Json {
        self.received(object! { "message": object! { "mid": &self.mid }.and(keys) })
    }

    /// An item between any two.
    pub(super) fn item(&self, sender: &str, recipient: &str, keys: Json) -> Json {
        let item = object! {
            "sender": object! { "id": sender },
            "recipient": object! { "id": recipient },
            "timestamp": self.at,
        };
        item.and(keys)
    }
}

/// Where accounts, people, ids and times come from.
#[derive(Debug)]
pub(super) struct World {
    pub(super) random: Random,
    now_ms: i64,
}

impl World {
    /// The world of one run. Its events happened in the minutes before `now`.
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        let mut random = Random::new(seed);
        let lead = LEAD_MS + i64::from(random.below(60_000));
        Self {
            random,
            now_ms: now.as_millisecond() - lead,
        }
    }

    /// A moment of somebody's conversation, later than every one before it.
    pub(super) fn moment(&mut self) -> Moment {
        let talk = self.talk();
        self.moment_in(talk)
    }

    /// A later moment of `talk`.
    pub(super) fn moment_in(&mut self, talk: Talk) -> Moment {
        let at = self.tick();
        let micros = at * 1000 + i64::from(self.random.below(1000));
        let low = self.random.next();
        Moment {
            talk,
            at,
            sent_at: at + 120 + i64::from(self.random.below(800)),
            mid: mid(
                talk.account.id,
                &thread(talk.account.id, talk.person.igsid),
                u64::try_from(micros).unwrap_or_default(),
                low,
            ),
        }
    }

    /// The id of an earlier message of `talk`.
    pub(super) fn earlier_mid(&mut self, talk: Talk) -> String {
        self.moment_in(talk).mid
    }

    /// A later time, in milliseconds since 1970.
    pub(super) fn tick(&mut self) -> i64 {
        self.now_ms += 1000 + i64::from(self.random.below(1500));
        self.now_ms
    }

    /// Somebody's conversation.
    pub(super) fn talk(&mut self) -> Talk {
        Talk {
            account: self.account(),
            person: self.person(),
        }
    }

    pub(super) fn account(&mut self) -> &'static Account {
        &ACCOUNTS[self.random.index(ACCOUNTS.len())]
    }

    pub(super) fn person(&mut self) -> &'static Person {
        &PEOPLE[self.random.index(PEOPLE.len())]
    }

    /// An account that no other run knows.
    pub(super) fn new_account_id(&mut self) -> String {
        format!("1784{}", self.random.digits(13))
    }

    pub(super) fn media_id(&mut self) -> String {
        format!("180{}", self.random.digits(14))
    }

    pub(super) fn comment_id(&mut self) -> String {
        format!("179{}", self.random.digits(14))
    }

    pub(super) fn ad_id(&mut self) -> String {
        format!("120{}", self.random.digits(15))
    }

    /// Where somebody's picture would be: built like Meta's addresses, on a host that nobody has.
    pub(super) fn media_url(&mut self) -> String {
        let asset = self.media_id();
        let signature = self.random.hex();
        format!(
            "https://media.example.org/ig_messaging_cdn/?asset_id={asset}&signature=AY{signature}"
        )
    }
}
