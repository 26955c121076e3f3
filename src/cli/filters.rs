//! The values that arguments take, and the messages that say which are allowed.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use clap::{
    builder::{PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::api::Request;
use crate::{
    clock::Clock,
    config::AppName,
    meta::event::{Kind, Problem, Source},
    query::{Dimension, EventFilter, InvalidMoment, Moment},
};

/// Default number of rows of a list.
pub(super) const LIMIT: &str = "50";

/// Parser for the number of rows of a list, with its maximum.
pub(super) fn limit() -> impl TypedValueParser<Value = u32> {
    whole(1..=10_000)
}

/// A whole number in this range.
pub(super) fn whole<T>(range: RangeInclusive<T>) -> impl TypedValueParser<Value = T>
where
    T: Clone + Display + FromStr + PartialOrd + Send + Sync + 'static,
{
    move |text: &str| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (from, to) = (range.start(), range.end());
        number.ok_or_else(|| format!("allowed: a whole number from {from} to {to}"))
    }
}

/// A position in the log of events.
pub(super) fn position() -> impl TypedValueParser<Value = i64> {
    |text: &str| {
        let position = text.parse().ok().filter(|position: &i64| *position >= 0);
        position
            .ok_or("allowed: a whole number such as 42; `hookshelf events list` shows positions")
    }
}

/// The id of a delivery.
pub(super) fn delivery_id() -> impl TypedValueParser<Value = Uuid> {
    |text: &str| {
        text.parse::<Uuid>().map_err(|_| {
            "allowed: the id of a delivery, such as 0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a; \
             `hookshelf deliveries list` shows ids"
        })
    }
}

/// Arguments that cannot be obeyed, said like those that cannot be read.
pub(super) fn wrong_usage(message: impl Display) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{message}\n")).into()
}

/// The longest text that may be searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// Filters of lists and counts of events.
#[derive(clap::Args, Debug)]
pub(super) struct Which {
    /// The kind; may be given several times, or with commas between.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind())]
    kind: Vec<Kind>,
    /// The source of their deliveries; may be given several times, or with commas between.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = source())]
    source: Vec<Source>,
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// The professional account: entry.id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Client of the account.
    #[arg(long)]
    client: Option<String>,
}

impl Which {
    /// The request for these.
    pub(super) fn of(&self, request: Request) -> Request {
        request
            .with_all("kind", &self.kind, Kind::as_str)
            .with_all("source", &self.source, Source::as_str)
            .with_any("app", self.app.as_ref())
            .with_any("account", self.account.as_ref())
            .with_any("client", self.client.as_ref())
    }
}

impl Which {
    /// The filter for these, with the account as named.
    pub(super) fn filter(&self) -> EventFilter {
        EventFilter {
            kinds: self.kind.clone(),
            sources: self.source.clone(),
            app: self.app.as_ref().map(ToString::to_string),
            account_ids: self.account.iter().cloned().collect(),
            client: self.client.clone(),
            ..EventFilter::default()
        }
    }
}

/// A user name, with or without an @ before it.
pub(super) fn username(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    if name.is_empty() {
        return Err("a user name has at least one character".to_owned());
    }
    Ok(name.to_owned())
}

/// A text to search for.
pub(super) fn text(text: &str) -> Result<String, String> {
    if (1..=LONGEST_TEXT).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(format!("allowed: 1 to {LONGEST_TEXT} characters"))
    }
}

/// A kind of event.
pub(super) fn kind() -> impl TypedValueParser<Value = Kind> {
    one_of(Kind::ALL, Kind::as_str)
}

/// Name of a problem of a delivery, or `any`.
pub(super) fn problem_or_any() -> PossibleValuesParser {
    let names = Problem::ALL.iter().map(|it| it.as_str());
    PossibleValuesParser::new(std::iter::once("any").chain(names))
}

/// A problem of an event.
pub(super) fn problem() -> impl TypedValueParser<Value = Problem> {
    one_of(Problem::ALL, Problem::as_str)
}

/// Parser for the source of deliveries.
pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    one_of(Source::ALL, Source::as_str)
}

/// Parser for a dimension to group counts by.
pub(super) fn dimension() -> impl TypedValueParser<Value = Dimension> {
    one_of(Dimension::ALL, Dimension::as_str)
}

/// When something was received.
#[derive(clap::Args, Debug)]
pub(super) struct Received {
    /// Received at this moment or later: a time, a date (UTC), today, yesterday, or a while ago: 2h,
    /// "7 days".
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Received before this moment.
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    until: Option<Moment>,
}

impl Received {
    /// True if `since` is set.
    pub(super) fn has_start(&self) -> bool {
        self.since.is_some()
    }

    /// True if `since` or `until` is set.
    pub(super) fn is_set(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// The request for what was received then.
    pub(super) fn of(&self, request: Request) -> Result<Request, InvalidMoment> {
        let [since, until] = self.resolve()?;
        // The API takes no earlier times.
        let bound = |at: Timestamp| at.max(Timestamp::UNIX_EPOCH);
        let request = request.with_any("since", since.map(bound));
        Ok(request.with_any("until", until.map(bound)))
    }

    /// Both moments, where it is now.
    pub(super) fn resolve(&self) -> Result<[Option<Timestamp>; 2], InvalidMoment> {
        let now = Clock::system().now();
        let resolve = |moment: Option<Moment>| moment.map(|it| it.resolve(now)).transpose();
        Ok([resolve(self.since)?, resolve(self.until)?])
    }
}

fn one_of<T>(all: &'static [T], spell: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let find = move |text: String| all.iter().copied().find(|it| spell(*it) == text);
    PossibleValuesParser::new(all.iter().map(|it| spell(*it)))
        .try_map(move |text| find(text).ok_or("unknown value"))
}
