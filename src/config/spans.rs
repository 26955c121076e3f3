//! Spans of time: a text such as `48h`, `90min` or `2 days`.

use std::{ops::RangeInclusive, time::Duration};

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::reader::Reader;

/// The units that a span is written with, the largest first.
const UNITS: [(&str, i64); 3] = [("h", 3600), ("min", 60), ("s", 1)];

impl Reader<'_> {
    /// A span of time within `range`.
    pub(super) fn span(&mut self, key: &str, range: Spans) -> Option<SignedDuration> {
        let value = self.required(key)?;
        self.convert(key, &value, &allowed(&range), |text| within(text, &range))
    }

    /// A duration within `range`.
    pub(super) fn duration(&mut self, key: &str, range: Spans) -> Option<Duration> {
        self.span(key, range).map(SignedDuration::unsigned_abs)
    }

    /// A duration within `range`; none for `off`.
    pub(super) fn duration_or_off(&mut self, key: &str, range: Spans) -> Option<Duration> {
        let value = self.required(key)?;
        let allowed = format!("off, or {}", allowed(&range));
        self.convert(key, &value, &allowed, |text| match text {
            "off" => Some(None),
            text => within(text, &range).map(|span| Some(span.unsigned_abs())),
        })?
    }

    /// A range of durations such as `1s..15m`, all of it within `range`.
    pub(super) fn durations(
        &mut self,
        key: &str,
        range: Spans,
    ) -> Option<RangeInclusive<Duration>> {
        let value = self.required(key)?;
        let allowed = format!("two durations such as 1s..15m, each {}", allowed(&range));
        self.convert(key, &value, &allowed, |text| {
            let (least, most) = text.split_once("..")?;
            let (least, most) = (within(least, &range)?, within(most, &range)?);
            (least <= most).then(|| least.unsigned_abs()..=most.unsigned_abs())
        })
    }
}

/// Range of allowed spans.
pub(super) type Spans = RangeInclusive<SignedDuration>;

/// The rule for spans within `range` in words.
pub(super) fn allowed(range: &Spans) -> String {
    let (least, most) = (shown(*range.start()), shown(*range.end()));
    format!("{least} to {most}, with a unit: s, min, h or days")
}

/// The span of this text, if it is within `range`.
pub(super) fn within(text: &str, range: &Spans) -> Option<SignedDuration> {
    parse(text).filter(|span| range.contains(span))
}

/// A span in the largest unit that it is a whole number of.
pub(super) fn shown(span: SignedDuration) -> String {
    if span.subsec_nanos() != 0 {
        return format!("{span:#}");
    }
    let seconds = span.as_secs();
    let whole = |(_, unit): &&(&str, i64)| seconds > 0 && seconds % unit == 0;
    match UNITS.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// A duration as [`shown`].
pub(super) fn written(duration: Duration) -> String {
    shown(duration.try_into().unwrap_or(SignedDuration::MAX))
}

/// A day has 24 hours here; months and years, which differ in length, are no spans.
fn parse(text: &str) -> Option<SignedDuration> {
    let span: Span = text.trim().parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{reader::Notes, tree::Table};
    use super::*;

    /// The span that was read, or the fault.
    fn read(value: impl Into<toml::Value>) -> Result<i64, String> {
        let mut notes = Notes::default();
        let table = Table::from([("hold_for".to_owned(), value.into().into())]);
        let range = SignedDuration::from_mins(1)..=SignedDuration::from_hours(48);
        let span = Reader::root(table, &mut notes).span("hold_for", range);
        span.map(|it| it.as_secs())
            .ok_or_else(|| notes.into_faults().to_string())
    }

    #[test]
    fn a_span_is_a_text_with_a_unit() {
        for (text, seconds) in [
            ("48h", 172_800),
            ("90min", 5400),
            (" 2 days ", 172_800),
            ("1h 30m", 5400),
            ("PT1H", 3600),
        ] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_or_none_that_is_allowed_is_told() {
        for text in ["", "48", "soon", "1 month", "-1h", "49h", "59s"] {
            let told = read(text).unwrap_err();
            let allowed = "allowed: 1min to 48h, with a unit: s, min, h or days";
            assert!(told.contains(allowed), "{text}: {told}");
        }
        assert!(read(48).unwrap_err().contains("found a number"));
    }

    #[test]
    fn a_span_is_written_with_the_unit_that_fits() {
        for (seconds, text) in [(172_800, "48h"), (5400, "90min"), (61, "61s"), (0, "0s")] {
            assert_eq!(shown(SignedDuration::from_secs(seconds)), text);
        }
    }
}
