//! Reads Meta's many spellings of a moment.
//!
//! `changes` come in seconds, `messaging` in milliseconds, and both have been seen as strings and
//! as ISO 8601; the unit follows from the magnitude, not from the field.

use jiff::{SignedDuration, Timestamp, fmt::strtime};

/// From here on a number counts milliseconds: as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The moment that a number or a text spells; `None` where it spells none.
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    match text.parse::<i64>() {
        Ok(number) => from_number(number),
        Err(_) => text.parse().ok().or_else(|| with_short_offset(text)),
    }
}

/// 2010-01-01T00:00:00Z: Instagram started in that year.
pub(super) const START: Timestamp = Timestamp::constant(1_262_304_000, 0);

/// Whether something that arrived at `received_at` can have happened at `moment`: from 2010 to one
/// day after its arrival.
pub fn believable(moment: Timestamp, received_at: Timestamp) -> bool {
    let end = received_at
        .checked_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX);
    START <= moment && moment <= end
}

fn from_number(number: i64) -> Option<Timestamp> {
    match number {
        ..0 => None,
        0..MILLISECONDS_FROM => Timestamp::from_second(number).ok(),
        _ => Timestamp::from_millisecond(number).ok(),
    }
}

/// `2021-09-08T06:34:04+0000`, the form of the Graph API.
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
        assert_eq!(read("1793000000123"), at("2026-10-26T07:33:20.123Z"));
        assert_eq!(read("0"), at("1970-01-01T00:00:00Z"));
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
            "99999999999999999999",
            "1e12",
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
