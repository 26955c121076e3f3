//! Settings of a consumer or destination, and the rules that follow from them.

use std::{ops::RangeInclusive, time::Duration};

use jiff::SignedDuration;

use crate::{
    clock::Clock,
    config::{self, EventChoice, Lane, Start},
    forward::lanes::{AccountKey, Item, LaneIds, LaneKey, Limits},
    store::consumers::{ConsumerKind, EventFilter, EventRow},
};

/// Items of a consumer in memory, without those of waiting lanes.
const WINDOW: usize = 10_000;

/// Heads that are ready before reading stops, for each event that may be out. After a crash, the heads
/// that were saved, twice as many as may be out, and the events that workers still hold are ready
/// first: a settlement of an event that is not read again is refused.
const AHEAD: usize = 4;

/// Lanes of a consumer that wait or are out.
const MOST_BLOCKED: usize = 10_000;

/// Events of a destination that are sent or settled at the same time.
const MOST_SENT: usize = 256;

/// Settings of a consumer or destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Kind of the consumer.
    pub kind: ConsumerKind,
    /// Filter for its events.
    pub filter: EventChoice,
    /// Age beyond which an event is skipped when its turn comes.
    pub max_age: Option<Duration>,
    /// True if a message that came through two apps is handed out once.
    pub once_per_account: bool,
    /// Time for which an event is lent.
    pub lease: Duration,
    /// Failed attempts after which an event becomes a dead letter.
    pub max_attempts: u32,
    /// Time that a lane waits after its first failed attempt, and at most.
    pub backoff: RangeInclusive<Duration>,
    /// Events that are out at the same time.
    pub max_in_flight: usize,
    /// Start of a consumer that has no position yet.
    pub start: Start,
    /// Unit of ordering.
    pub lane: Lane,
}

impl Settings {
    /// Settings of a configured consumer, on a server with this number of apps.
    pub fn of(consumer: &config::Consumer, apps: usize) -> Self {
        Self {
            kind: ConsumerKind::Consumer,
            filter: consumer.filter.clone(),
            max_age: consumer.max_age,
            once_per_account: consumer.once_per_account && apps > 1,
            lease: consumer.lease,
            max_attempts: consumer.max_attempts,
            backoff: consumer.backoff.clone(),
            max_in_flight: consumer.max_in_flight,
            start: consumer.start,
            lane: consumer.lane,
        }
    }

    /// Settings of a configured destination. Its sender decides on each failure, so that the number
    /// of attempts has no limit here.
    pub fn of_destination(destination: &config::Destination) -> Self {
        let retries = destination.retry.iter().copied();
        let (least, most) = (retries.clone().min(), retries.max());
        Self {
            kind: ConsumerKind::Destination,
            filter: destination.filter.clone(),
            max_age: destination.max_age,
            once_per_account: false,
            lease: destination.timeout,
            max_attempts: u32::MAX,
            backoff: least.unwrap_or_default()..=most.unwrap_or_default(),
            max_in_flight: MOST_SENT.max(destination.concurrency),
            start: destination.start,
            lane: destination.lane,
        }
    }

    /// Limits of the lanes. The seed spreads retries.
    pub fn limits(&self, seed: u64) -> Limits {
        Limits {
            window: WINDOW,
            ahead: AHEAD * self.max_in_flight,
            max_in_flight: self.max_in_flight,
            max_blocked: MOST_BLOCKED.max(2 * self.max_in_flight),
            max_attempts: self.max_attempts,
            backoff: self.backoff.clone(),
            lease: self.lease,
            seed,
        }
    }

    /// True if the consumer wants the event. `client` is the client of its account.
    pub fn chooses(&self, event: &EventRow, client: Option<&str>) -> bool {
        // Names every field: a new filter must not be forgotten here.
        let EventChoice {
            kinds,
            apps,
            accounts,
            clients,
            channels,
            sources,
            echo,
            own,
        } = &self.filter;
        among(kinds, |kind| kind.as_str() == event.kind)
            && among(apps, |app| app.as_str() == event.app)
            && among(accounts, |id| Some(id) == event.account_id.as_ref())
            && among(clients, |name| Some(name.as_str()) == client)
            && among(channels, |channel| channel.as_str() == event.channel)
            && among(sources, |source| source.as_str() == event.source)
            && echo.is_none_or(|echo| echo == event.is_echo)
            && own.is_none_or(|own| own == event.is_self)
    }

    /// True if the clients of the accounts decide.
    pub fn is_by_client(&self) -> bool {
        !self.filter.clients.is_empty()
    }

    /// True if the event is too old for a hand-out: since it happened, or since its receipt if its
    /// own time is unknown or in the future.
    pub fn is_too_old(&self, event: &EventRow, clock: &Clock) -> bool {
        let Some(max_age) = self.max_age else {
            return false;
        };
        let now = clock.now();
        let occurred_at = event.occurred_at.filter(|at| *at <= now);
        let age = now.duration_since(occurred_at.unwrap_or(event.received_at));
        age > SignedDuration::try_from(max_age).unwrap_or(SignedDuration::MAX)
    }

    /// The event as an item of its lane. An event without the ids of a lane is a lane of its own.
    pub fn item(&self, event: &EventRow) -> Item {
        let (app, account) = (&event.app, event.account_id.as_deref());
        let person = event.person_id.as_deref();
        let lane = match (self.lane, account, person) {
            (Lane::Person, Some(account), Some(person)) => LaneKey::of_person(app, account, person),
            (Lane::Account, Some(account), _) => LaneKey::of_account(app, account),
            _ => LaneKey::alone(event.position),
        };
        Item {
            position: event.position,
            received_at: event.received_at,
            lane,
            account: AccountKey::of(app, account.unwrap_or_default()),
        }
    }

    /// Ids with which the next items of the event's lane are looked up.
    pub fn ids(&self, event: &EventRow) -> LaneIds {
        let person = event.person_id.as_deref();
        let person = person.filter(|_| self.lane == Lane::Person);
        LaneIds::new(&event.app, event.account_id.as_deref(), person)
    }

    /// Filter that finds the events of a lane. Events that it finds may still not be
    /// [chosen](Self::chooses).
    pub fn lane_filter(&self, ids: &LaneIds) -> EventFilter {
        EventFilter {
            app: Some(ids.app().to_owned()),
            account_ids: ids.account().map(str::to_owned).into_iter().collect(),
            person_id: ids.person().map(str::to_owned),
            kinds: self.filter.kinds.clone(),
            sources: self.filter.sources.clone(),
            is_echo: self.filter.echo,
            ..EventFilter::default()
        }
    }
}

fn among<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}
