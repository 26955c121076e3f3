//! `[consumers.<name>]`: consumers, whose workers fetch events.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use jiff::SignedDuration;

use super::{
    apps::Apps,
    choice::EventChoice,
    name::Name,
    print::Printer,
    progress::{Lane, MAX_AGE, Start, age},
    reader::Reader,
    spans::written,
};
use crate::vocabulary::spelled;

/// Every key besides those of the choice of events; the environment is read by them.
pub(super) const KEYS: [&str; 9] = [
    "preset",
    "max_age",
    "once_per",
    "lease",
    "max_attempts",
    "backoff",
    "max_in_flight",
    "start",
    "lane",
];

/// Values of the keys that are not set.
pub(super) const DEFAULTS: &str = r#"
max_age = "off"
once_per = "event"
lease = "60s"
max_attempts = 5
backoff = "1s..15min"
max_in_flight = 256
start = "now"
lane = "person"
"#;

/// Values of the preset `bot`, which go before the defaults.
const BOT: &str = r#"
kinds = ["comment", "live_comment", "mention", "message", "postback", "referral", "optin"]
channels = ["changes", "messaging", "entry"]
sources = ["live"]
max_age = "10min"
once_per = "account"
"#;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Consumers by name.
pub type Consumers = BTreeMap<Name, Consumer>;

/// A configured consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Preset that the other keys were filled from.
    pub preset: Option<Preset>,
    /// Filter for its events.
    pub filter: EventChoice,
    /// Age beyond which an event is skipped when its turn comes.
    pub max_age: Option<Duration>,
    /// True if a message that came through two apps is handed out once per account.
    pub once_per_account: bool,
    /// Time until an event that was handed out is handed out again.
    pub lease: Duration,
    /// Failed attempts after which an event becomes a dead letter.
    pub max_attempts: u32,
    /// Time that a lane waits after its first failed attempt, and at most.
    pub backoff: RangeInclusive<Duration>,
    /// Maximum number of events that are out at the same time.
    pub max_in_flight: usize,
    /// Start in the log.
    pub start: Start,
    /// Unit of ordering.
    pub lane: Lane,
}

spelled! {
    /// Values for a purpose.
    pub enum Preset {
        /// A bot that answers people.
        Bot = "bot",
    }
}

spelled! {
    /// Unit within which a message is handed out once.
    enum OncePer {
        /// Each event is handed out, whichever app it came through.
        Event = "event",
        /// A message of an account is handed out once.
        Account = "account",
    }
}

impl Consumer {
    fn read(apps: Option<&Apps>, reader: &mut Reader<'_>) -> Option<Self> {
        let faults = reader.fault_count();
        let preset = reader.optional_name("preset");
        if preset == Some(Preset::Bot) {
            reader.fill(BOT);
        }
        reader.fill(DEFAULTS);
        let mut filter = EventChoice::read(reader, apps);
        if preset == Some(Preset::Bot) {
            (filter.echo, filter.own) = (Some(false), Some(false));
        }
        let max_age = reader.duration_or_off("max_age", MAX_AGE);
        let once_per: Option<OncePer> = reader.name_of("once_per");
        let lease = reader.duration("lease", SECOND..=HOUR);
        let max_attempts = reader.number("max_attempts", 1..=1000);
        let backoff = reader.durations("backoff", SECOND..=HOUR * 24);
        let max_in_flight = reader.number("max_in_flight", 1..=10_000);
        let start = Start::read(reader);
        let lane = reader.name_of("lane");
        let consumer = Self {
            preset,
            filter,
            max_age,
            once_per_account: once_per? == OncePer::Account,
            lease: lease?,
            max_attempts: max_attempts?,
            backoff: backoff?,
            max_in_flight: max_in_flight?,
            start: start?,
            lane: lane?,
        };
        (reader.fault_count() == faults).then_some(consumer)
    }

    fn print(&self, name: &Name, out: &mut Printer) {
        out.section(&format!("consumers.{name}"));
        out.optional("preset", self.preset.map(Preset::as_str));
        self.filter.print(out);
        out.text("max_age", age(self.max_age));
        let once_per = [OncePer::Event, OncePer::Account][usize::from(self.once_per_account)];
        out.text("once_per", once_per.as_str());
        out.text("lease", written(self.lease));
        out.plain("max_attempts", self.max_attempts);
        let (least, most) = (written(*self.backoff.start()), written(*self.backoff.end()));
        out.text("backoff", format_args!("{least}..{most}"));
        out.plain("max_in_flight", self.max_in_flight);
        self.start.print(out);
        out.text("lane", self.lane.as_str());
    }
}

pub(super) fn read(reader: &mut Reader<'_>, apps: Option<&Apps>) -> Option<Consumers> {
    reader.named_tables("name of a consumer", Name::ALLOWED, |_: &Name, reader| {
        Consumer::read(apps, reader)
    })
}

pub(super) fn print(consumers: &Consumers, out: &mut Printer) {
    for (name, consumer) in consumers {
        consumer.print(name, out);
    }
}
