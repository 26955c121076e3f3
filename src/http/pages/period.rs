//! Period of a chart: buckets of equal length, and the counts of each.

use std::ops::Range;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::kinds::{FAMILIES, look_of};
use crate::{
    http::{api::Api, problem::Problem},
    query::{Count, Dimension, RejectionRow, Session, StatsFilter},
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Maximum number of buckets.
const MOST: i64 = 100;

/// A shorter time is shown within its day: counts are by the hour.
const SHORT: i64 = 6 * HOUR;

/// Lengths of a bucket with their names.
const STEPS: [(i64, &str); 7] = [
    (HOUR, "1 hour"),
    (3 * HOUR, "3 hours"),
    (6 * HOUR, "6 hours"),
    (DAY, "1 day"),
    (7 * DAY, "7 days"),
    (28 * DAY, "28 days"),
    (364 * DAY, "52 weeks"),
];

/// Buckets of equal length, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Period {
    first: i64,
    step: i64,
    count: i64,
    /// The asked time, which may be a part of the period.
    asked: Range<i64>,
}

/// Counts of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Events of each of the [`FAMILIES`].
    pub(super) families: [i64; 6],
    pub(super) repeats: i64,
    pub(super) rejections: i64,
}

impl Period {
    /// Period that shows the time from `since` to `until`. Without a start, it is the last day.
    pub(super) fn of(since: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Self {
        let now = now.as_second();
        let until = until.map_or(now, |until| until.as_second().min(now));
        let since = since.map_or(until - DAY, |since| since.as_second().min(until));
        let is_short = until - since < SHORT;
        let (start, end) = if is_short {
            let end = (until + (DAY - (until - since)) / 2).min(now);
            (end - DAY, end)
        } else {
            (since, until)
        };
        let number = |step: i64| (end - 1).div_euclid(step) - start.div_euclid(step) + 1;
        let fits = STEPS.iter().find(|(step, _)| number(*step) <= MOST);
        let step = fits.map_or(364 * DAY, |(step, _)| *step);
        Self {
            first: start.div_euclid(step) * step,
            step,
            count: number(step).clamp(1, MOST),
            asked: since..until,
        }
    }

    /// Number of buckets.
    pub(super) fn len(&self) -> i64 {
        self.count
    }

    /// Start of a bucket; of the one behind the last, the end of the period.
    pub(super) fn start(&self, bucket: i64) -> Timestamp {
        timestamp(self.first + self.step * bucket)
    }

    /// True if buckets are days or longer.
    pub(super) fn is_daily(&self) -> bool {
        self.step >= DAY
    }

    /// Length of a bucket in words.
    pub(super) fn step(&self) -> &'static str {
        let known = STEPS.iter().find(|(step, _)| *step == self.step);
        known.map_or("", |(_, name)| name)
    }

    /// True if a bucket has a part of the asked time.
    pub(super) fn is_asked(&self, bucket: i64) -> bool {
        let start = self.first + self.step * bucket;
        start < self.asked.end && self.asked.start < start + self.step
    }

    /// Bucket of a time.
    fn bucket(&self, at: Timestamp) -> Option<usize> {
        let bucket = (at.as_second() - self.first).div_euclid(self.step);
        let bucket = usize::try_from(bucket).ok()?;
        (bucket < self.empty().len()).then_some(bucket)
    }

    fn empty(&self) -> Vec<Bucket> {
        vec![Bucket::default(); usize::try_from(self.count).unwrap_or_default()]
    }

    /// Counts the events of each bucket that meet `filter`.
    pub(super) async fn count(
        &self,
        api: &Api,
        session: &mut Session,
        filter: &StatsFilter,
    ) -> Result<Vec<Bucket>, Problem> {
        let filter = StatsFilter {
            since: Some(self.start(0)),
            until: Some(self.start(self.count)),
            ..filter.clone()
        };
        let time = if self.is_daily() {
            Dimension::Day
        } else {
            Dimension::Hour
        };
        let by = [time, Dimension::Kind];
        let counts = api.read(session.stats(&filter, &by)).await?.counts;
        let mut buckets = self.empty();
        for count in &counts.rows {
            if let Some(bucket) = time_of(count).and_then(|at| self.bucket(at)) {
                buckets[bucket].add(count);
            }
        }
        Ok(buckets)
    }

    /// Adds requests that were not stored.
    pub(super) fn add_rejections(&self, buckets: &mut [Bucket], rows: &[RejectionRow]) {
        for row in rows {
            let bucket = self.bucket(row.hour);
            if let Some(bucket) = bucket.and_then(|bucket| buckets.get_mut(bucket)) {
                bucket.rejections += row.count;
            }
        }
    }

    /// Place of a time in the period, between 0 and `width`.
    pub(super) fn place(&self, at: Timestamp, width: i64) -> i64 {
        let whole = self.step * self.count;
        let seconds = (at.as_second() - self.first).clamp(0, whole);
        seconds * width / whole
    }
}

impl Bucket {
    /// Number of events.
    pub(super) fn events(&self) -> i64 {
        self.families.iter().sum()
    }

    fn add(&mut self, count: &Count) {
        let kind = count.values.iter().find(|(by, _)| *by == Dimension::Kind);
        let kind = kind
            .and_then(|(_, kind)| kind.as_deref())
            .unwrap_or_default();
        let family = look_of(kind).family;
        let place = FAMILIES.iter().position(|(name, _)| *name == family);
        if let Some(place) = place {
            self.families[place] += count.events;
        }
        self.repeats += count.repeats;
    }
}

fn time_of(count: &Count) -> Option<Timestamp> {
    let (by, value) = count.values.first()?;
    let value = value.as_deref()?;
    match by {
        Dimension::Day => {
            let date: Date = value.parse().ok()?;
            Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
        }
        _ => value.parse().ok(),
    }
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn period(since: &str, until: &str) -> Period {
        let now = at("2026-11-30T14:20:00Z");
        let given = |text: &str| (!text.is_empty()).then(|| at(text));
        Period::of(given(since), given(until), now)
    }

    #[test]
    fn the_last_day_is_shown_by_the_hour() {
        let day = period("", "");
        assert_eq!((day.step(), day.len()), ("1 hour", 25));
        assert_eq!(day.start(0), at("2026-11-29T14:00:00Z"));
        assert_eq!(day.start(25), at("2026-11-30T15:00:00Z"));
        assert!((0..25).all(|bucket| day.is_asked(bucket)));
    }

    #[test]
    fn a_short_time_is_shown_within_its_day() {
        let hour = period("2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z");
        let asked: Vec<_> = (0..hour.len()).filter(|it| hour.is_asked(*it)).collect();
        assert_eq!(asked.len(), 1);
        assert_eq!(hour.start(asked[0]), at("2026-11-28T10:00:00Z"));
        assert!(hour.len() >= 24);
        let last = period("2026-11-30T13:20:00Z", "");
        assert_eq!(last.start(last.len()), at("2026-11-30T15:00:00Z"));
    }

    #[test]
    fn a_long_time_has_longer_buckets() {
        let steps = ["2026-11-23", "2026-10-31", "2026-01-01", "1970-01-01"];
        let steps = steps.map(|day| period(&format!("{day}T00:00:00Z"), "").step());
        assert_eq!(steps, ["3 hours", "1 day", "7 days", "52 weeks"]);
    }

    #[test]
    fn a_time_that_ends_before_it_begins_is_a_moment() {
        let wrong = period("2026-11-30T10:00:00Z", "2026-11-29T10:00:00Z");
        assert!(wrong.len() >= 24);
    }

    proptest! {
        #[test]
        fn any_time_has_few_buckets_that_cover_it(
            since in 0_i64..4_000_000_000, length in 1_i64..2_000_000_000,
        ) {
            let (start, end) = (timestamp(since), timestamp(since + length));
            let period = Period::of(Some(start), Some(end), end);
            prop_assert!((1..=MOST).contains(&period.len()));
            prop_assert!(period.start(0) <= start);
            prop_assert!(period.start(period.len()) >= end);
            prop_assert!(period.bucket(start).is_some());
        }
    }
}
