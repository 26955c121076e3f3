//! Deliveries of all samples, one each.

use std::num::NonZeroUsize;

use bytes::Bytes;
use jiff::Timestamp;

use super::{context::Context, people, sample::Sample, sender::Sender, values::Values};
use crate::meta::{
    event::{Event, Kind},
    split,
};

/// Age of the first event, so that the last event is not in the future.
const LEAD_MS: i64 = 20 * 60 * 1000;

/// Number of accounts, and of people.
const ACCOUNTS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);
const PEOPLE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Delivery to send, with the expected kinds.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The name of its sample, such as `message/text`.
    pub name: &'static str,
    /// The kinds of its events, in their order: `message`, or `message!echo` for an echo.
    pub kinds: Vec<String>,
    /// Sender whose serializer wrote the body.
    pub sender: Sender,
    /// The bytes to sign and send.
    pub body: Bytes,
}

impl Variant {
    pub(super) fn new(sample: &'static Sample, context: &mut Context, values: &mut Values) -> Self {
        let mut body = Vec::new();
        values.write(context, sample.sender, &sample.body, &mut body);
        let body = Bytes::from(body);
        let arrived = split::Context {
            app: "",
            received_at: Timestamp::from_millisecond(values.at).unwrap_or_default(),
        };
        let events = split::split(&body, arrived).events;
        Self {
            name: sample.name,
            kinds: events.iter().map(kind).collect(),
            sender: sample.sender,
            body,
        }
    }

    /// True if one of its events has one of these kinds.
    pub fn has_one_of(&self, kinds: &[Kind]) -> bool {
        let mut names = self.kinds.iter().filter_map(|kind| kind.split('!').next());
        names.any(|name| kinds.iter().any(|kind| kind.as_str() == name))
    }
}

fn kind(event: &Event) -> String {
    let echo = if event.is_echo { "!echo" } else { "" };
    [event.kind.as_str(), echo].concat()
}

/// Creates a delivery of every sample: by kind, in the order of the documentation; deliveries of
/// several items come last.
///
/// The same `seed` and `now` give the same bytes, another seed gives other ids. The events happened
/// in the minutes before `now`.
pub fn variants(seed: u64, now: Timestamp) -> Vec<Variant> {
    let now = now.as_millisecond();
    let mut context = context(seed, now);
    let mut at = now - LEAD_MS - i64::from(context.random.below(60_000));
    let each = |sample| {
        at += 1000 + i64::from(context.random.below(1500));
        let mut values = values(&mut context, at);
        Variant::new(sample, &mut context, &mut values)
    };
    let mut samples: Vec<_> = Sample::all().iter().collect();
    samples.sort_by_key(|sample| sample.kind.map_or(usize::MAX, |kind| kind as usize));
    samples.into_iter().map(each).collect()
}

/// The context of a run of single deliveries.
pub(super) fn context(seed: u64, now: i64) -> Context {
    Context::new(seed, now, ACCOUNTS, PEOPLE)
}

/// Several accounts and people, of which most bodies name the first.
pub(super) fn values(context: &mut Context, at: i64) -> Values {
    let (account, person) = (context.random.below(3), context.random.below(5));
    let mut values = Values::new(at);
    for index in 0..3 {
        let place = (account + u32::from(index)) % 3;
        values.set_account(index, people::account(place.into()));
    }
    for index in 0..5 {
        let place = (person + u32::from(index)) % 5;
        values.set_person(index, people::person(account.into(), place.into()));
    }
    values
}

#[cfg(test)]
mod tests;
