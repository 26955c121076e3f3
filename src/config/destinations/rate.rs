//! Rates: a text such as `50/s`.

use std::{fmt, time::Duration};

use super::super::reader::Reader;

/// Units of a rate, in seconds.
const UNITS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3600)];

const MOST: u32 = 100_000;

/// Maximum number of requests in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Number of requests, at least one.
    pub count: u32,
    /// Time for this number: a second, a minute or an hour.
    pub per: Duration,
}

impl Rate {
    /// A rate; none for `off`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let value = reader.required("rate")?;
        let allowed = "off, or 1 to 100000 in a time, such as 50/s, 30/min or 100/h";
        reader.convert("rate", &value, allowed, |text| match text {
            "off" => Some(None),
            text => Self::parse(text).map(Some),
        })?
    }

    fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.split_once('/')?;
        let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit.trim())?;
        let count = count.trim().parse().ok()?;
        (1..=MOST).contains(&count).then_some(Self {
            count,
            per: Duration::from_secs(seconds),
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let unit = UNITS.into_iter().find(|(_, unit)| *unit == seconds);
        write!(f, "{}/{}", self.count, unit.map_or("s", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        for text in ["50/s", "30/min", "100/h", "100000/s"] {
            assert_eq!(Rate::parse(text).unwrap().to_string(), text);
        }
        let spaced = Rate::parse("30 / min").unwrap();
        assert_eq!((spaced.count, spaced.per), (30, Duration::from_mins(1)));
        for text in ["", "50", "/s", "0/s", "-1/s", "1.5/s", "100001/s", "1/day"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }
}
