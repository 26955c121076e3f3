//! `[destinations.<name>]`: addresses that events are sent to.

mod headers;
mod mask;
mod rate;
mod reach;
mod signing;
mod url;
mod webhook_key;

use std::{collections::BTreeMap, time::Duration};

use hyper::HeaderMap;
use jiff::SignedDuration;

use super::{
    apps::Apps,
    choice::EventChoice,
    fault::Fault,
    name::Name,
    print::Printer,
    progress::{Lane, MAX_AGE, Start, age},
    reader::Reader,
    spans::{self, Spans, within, written},
};
use crate::{causes, vocabulary::spelled};

pub use mask::Mask;
pub use rate::Rate;
pub use reach::{Forbidden, Reach};
pub use signing::{Format, MetaSecret, WebhookSecrets};
pub use url::{DestinationUrl, InvalidUrl};
pub use webhook_key::{SecretFault, WebhookKey};

/// Every key besides those of the choice of events; the environment is read by them.
pub(super) const KEYS: [&str; 22] = [
    "type",
    "url",
    "url_file",
    "format",
    "secret",
    "secret_file",
    "previous_secrets",
    "previous_secrets_file",
    "until",
    "reach",
    "max_age",
    "start",
    "lane",
    "mask",
    "concurrency",
    "rate",
    "timeout",
    "retry",
    "give_up_after",
    "headers",
    "user_agent",
    "attempts",
];

/// Values of the keys that are not set.
pub(super) const DEFAULTS: &str = r#"
type = "http"
format = "meta"
reach = "public"
max_age = "off"
start = "now"
lane = "person"
concurrency = 8
rate = "50/s"
timeout = "15s"
retry = ["5s", "1min", "10min", "1h", "6h"]
give_up_after = "72h"
attempts = "failures"
"#;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Range of the delays of `retry`, and their maximum number.
const DELAYS: Spans = SECOND..=SignedDuration::from_hours(24 * 7);
const MOST_DELAYS: usize = 32;

/// Destinations by name.
pub type Destinations = BTreeMap<Name, Destination>;

/// A configured destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Address of the receiver, with its reach.
    pub url: DestinationUrl,
    /// Form of the requests, with the secrets that sign them.
    pub format: Format,
    /// Filter for its events.
    pub filter: EventChoice,
    /// Age beyond which an event is skipped when its turn comes.
    pub max_age: Option<Duration>,
    /// Start in the log.
    pub start: Start,
    /// Unit of ordering.
    pub lane: Lane,
    /// Parts of events that the destination does not get.
    pub mask: Mask,
    /// Maximum number of requests at the same time.
    pub concurrency: usize,
    /// Maximum number of requests in a time.
    pub rate: Option<Rate>,
    /// Time for a request, from the look-up of the name to the end of the answer.
    pub timeout: Duration,
    /// Delays between the attempts of an event; the last one repeats. At least one.
    pub retry: Vec<Duration>,
    /// Time after the first attempt at which an event becomes a dead letter.
    pub give_up_after: Duration,
    /// Headers besides those of Hookshelf, with `User-Agent` if it is set. The values are sensitive.
    pub headers: HeaderMap,
    /// Attempts that are stored.
    pub attempts: StoredAttempts,
}

spelled! {
    /// Attempts that are stored.
    pub enum StoredAttempts {
        /// Failed attempts.
        Failures = "failures",
        /// All attempts.
        All = "all",
        /// No attempts.
        None = "none",
    }
}

spelled! {
    /// Transport of a destination.
    enum Transport {
        /// HTTP requests.
        Http = "http",
    }
}

impl Destination {
    fn read(apps: Option<&Apps>, reader: &mut Reader<'_>) -> Option<Self> {
        let faults = reader.fault_count();
        reader.fill(DEFAULTS);
        reader.name_of::<Transport>("type");
        let reach = reader.name_of("reach");
        let url = read_url(reader, reach);
        let filter = EventChoice::read(reader, apps);
        let format = Format::read(reader, apps, &filter.apps);
        let max_age = reader.duration_or_off("max_age", MAX_AGE);
        let start = Start::read(reader);
        let lane = reader.name_of("lane");
        let mask = Mask::read(reader);
        let concurrency = reader.number("concurrency", 1..=256);
        let rate = Rate::read(reader);
        let timeout = reader.duration("timeout", SECOND..=MINUTE * 5);
        let retry = read_retry(reader);
        let give_up_after = reader.duration("give_up_after", MINUTE..=DAY * 30);
        let headers = headers::read(reader);
        let attempts = reader.name_of("attempts");
        let destination = Self {
            url: url?,
            format: format?,
            filter,
            max_age,
            start: start?,
            lane: lane?,
            mask,
            concurrency: concurrency?,
            rate,
            timeout: timeout?,
            retry,
            give_up_after: give_up_after?,
            headers,
            attempts: attempts?,
        };
        (reader.fault_count() == faults).then_some(destination)
    }

    fn print(&self, name: &Name, out: &mut Printer) {
        out.section(&format!("destinations.{name}"));
        out.text("type", Transport::Http.as_str());
        out.text("url", &self.url);
        out.text("reach", self.url.reach().as_str());
        self.format.print(out);
        self.filter.print(out);
        out.text("max_age", age(self.max_age));
        self.start.print(out);
        out.text("lane", self.lane.as_str());
        self.mask.print(out);
        out.plain("concurrency", self.concurrency);
        let rate = self.rate.map(|rate| rate.to_string());
        out.text("rate", rate.as_deref().unwrap_or("off"));
        out.text("timeout", written(self.timeout));
        let retry: Vec<_> = self.retry.iter().copied().map(written).collect();
        out.list("retry", &retry);
        out.text("give_up_after", written(self.give_up_after));
        headers::print(&self.headers, out);
        out.text("attempts", self.attempts.as_str());
    }
}

/// Reads the URL, in place or from the file of `url_file`; it may contain a secret.
fn read_url(reader: &mut Reader<'_>, reach: Option<Reach>) -> Option<DestinationUrl> {
    let faults = reader.fault_count();
    let found = reader.secret_text("url");
    if reader.fault_count() > faults {
        return None;
    }
    let allowed = "https:// or, with reach = \"private\", http://, a host and a path";
    let (text, variable) = reader.set("url", found, allowed)?;
    let url = DestinationUrl::parse(&text, reach?);
    let refused = |error: InvalidUrl| {
        let fault = reader.fault("url", causes::line(&error));
        reader.note(fault.set_by(variable.as_deref()));
    };
    url.map_err(refused).ok()
}

fn read_retry(reader: &mut Reader<'_>) -> Vec<Duration> {
    let allowed = format!("durations of {}", spans::allowed(&DELAYS));
    let parse = |text: &str| within(text, &DELAYS).map(SignedDuration::unsigned_abs);
    let retry = reader.optional_list("retry", &allowed, parse);
    let retry = retry.unwrap_or_default();
    if retry.len() > MOST_DELAYS {
        let problem = format!("has {} delays", retry.len());
        reader.note(reader.fault("retry", problem).allowed("at most 32"));
    }
    retry
}

/// Reads the destinations. Their names must not be those of `consumers`.
pub(super) fn read<C>(
    reader: &mut Reader<'_>,
    apps: Option<&Apps>,
    consumers: Option<&BTreeMap<Name, C>>,
) -> Option<Destinations> {
    reader.named_tables(
        "name of a destination",
        Name::ALLOWED,
        |name: &Name, reader| {
            if consumers.is_some_and(|it| it.contains_key(name)) {
                let problem = "is also the name of a consumer";
                let fault = Fault::new(format!("destinations.{name}"), problem);
                reader.note(fault.allowed("a name of its own"));
            }
            Destination::read(apps, reader)
        },
    )
}

pub(super) fn print(destinations: &Destinations, out: &mut Printer) {
    for (name, destination) in destinations {
        destination.print(name, out);
    }
}
