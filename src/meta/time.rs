//! Parser for Meta's spellings of a time.
//!
//! `changes` have seconds, `messaging` has milliseconds, and both have been observed as strings and
//! as ISO 8601. The unit follows from the magnitude, not from the field.

use jiff::{SignedDuration, Timestamp, fmt::strtime};

/// Nanoseconds of each unit, and the least number in this unit. A smaller unit starts at the number
/// that means the year 5138 in the larger unit.
const UNITS: [(i128, i128); 4] = [
    (1, 100_000_000_000_000_000),
    (1_000, 100_000_000_000_000),
    (1_000_000, 100_000_000_000),
    (1_000_000_000, 0),
];

/// Maximum length of a number with a fraction, before its exponent.
const MAX_LENGTH: usize = 32;

/// Parses a number or a text into a time in whole milliseconds; `None` if it is neither.
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment: Option<Timestamp> = match Decimal::read(text) {
        Some(number) => number.moment(),
        None => text.parse().ok().or_else(|| with_short_offset(text)),
    };
    Timestamp::from_millisecond(moment?.as_millisecond()).ok()
}

/// 2010-01-01T00:00:00Z, the year in which Instagram started.
pub(super) const START: Timestamp = Timestamp::constant(1_262_304_000, 0);

/// True if a time is plausible for something that arrived at `received_at`: from 2010 to one day
/// after arrival.
pub fn believable(moment: Timestamp, received_at: Timestamp) -> bool {
    let end = received_at
        .checked_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX);
    START <= moment && moment <= end
}

/// A decimal number: its digits, and the power of ten of the last digit. Exact, because dedupe keys
/// contain the milliseconds.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    /// Parses a JSON number, or the text of one.
    fn read(text: &str) -> Option<Self> {
        if let Ok(digits) = text.parse::<i64>() {
            let digits = digits.into();
            return Some(Self {
                digits,
                exponent: 0,
            });
        }
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || number.len() > MAX_LENGTH {
            return None;
        }
        let places = i32::try_from(fraction.len()).ok()?;
        Some(Self {
            digits: format!("{whole}{fraction}").parse().ok()?,
            exponent: exponent.parse::<i32>().ok()?.checked_sub(places)?,
        })
    }

    fn moment(self) -> Option<Timestamp> {
        let number = self.times(1)?;
        let (nanoseconds, _) = UNITS.iter().find(|(_, from)| number >= *from)?;
        Timestamp::from_nanosecond(self.times(*nanoseconds)?).ok()
    }

    /// The whole part of the number times `factor`.
    fn times(self, factor: i128) -> Option<i128> {
        let power = 10_i128.checked_pow(self.exponent.unsigned_abs())?;
        let digits = self.digits.checked_mul(factor)?;
        if self.exponent < 0 {
            Some(digits.div_euclid(power))
        } else {
            digits.checked_mul(power)
        }
    }
}

/// Parses `2021-09-08T06:34:04+0000`, the form of the Graph API.
fn with_short_offset(text: &str) -> Option<Timestamp> {
    strtime::parse("%Y-%m-%dT%H:%M:%S%z", text)
        .ok()?
        .to_timestamp()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside what is read")]
    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_magnitude_tells_the_unit() {
        assert_eq!(read("1793000000"), at("2026-10-26T07:33:20Z"));
        assert_eq!(read("1793000000123"), at("2026-10-26T07:33:20.123Z"));
        assert_eq!(read("1793000000123456"), at("2026-10-26T07:33:20.123Z"));
        assert_eq!(read("1793000000123999999"), at("2026-10-26T07:33:20.123Z"));
        assert_eq!(read("0"), at("1970-01-01T00:00:00Z"));
        assert_eq!(read("99999999999"), at("5138-11-16T09:46:39Z"));
    }

    #[test]
    fn fractions_and_exponents_count_in_any_unit() {
        let moment = at("2026-10-26T07:33:20.123Z");
        for text in [
            "1793000000.123",
            "1.793000000123e9",
            "1793000000123.0",
            "1.793000000123E+12",
            "17930000001230e-1",
            "1793000000123000e0",
        ] {
            assert_eq!(read(text), moment, "{text}");
        }
        assert_eq!(read("1.793E9"), at("2026-10-26T07:33:20Z"));
    }

    #[test]
    fn iso_text_is_read_too() {
        assert_eq!(read("2026-10-26T07:33:20+0000"), at("2026-10-26T07:33:20Z"));
        assert_eq!(
            read("2026-10-26T07:33:20+02:00"),
            at("2026-10-26T05:33:20Z")
        );
        assert_eq!(read("2026-10-26T07:33:20Z"), at("2026-10-26T07:33:20Z"));
    }

    #[test]
    fn nonsense_is_no_time() {
        for value in [
            "null",
            "-5",
            "{}",
            "",
            "soon",
            "\"1793000000\"",
            "true",
            "999999999999999999999",
            "1e400",
            "1e-400",
            "1e99999999999",
            ".5",
            "1793000000.-1",
            "1.2.3",
            "1e",
            "1_000",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn only_the_years_of_instagram_are_believable() {
        let now = at("2026-11-20T12:00:00Z").unwrap();
        let believed = |text: &str| believable(at(text).unwrap(), now);
        assert!(believed("2010-01-01T00:00:00Z") && believed("2026-11-21T12:00:00Z"));
        assert!(!believed("2009-12-31T23:59:59Z") && !believed("2026-11-21T12:00:01Z"));
    }
}
