//! Sizes: a text such as `64MiB`, or a plain number of bytes.

use std::ops::RangeInclusive;

use super::fault::quoted;
use super::reader::Reader;
use super::tree::Value;
use crate::amounts::{UNITS, exact_size};

impl Reader<'_> {
    /// Reads a size in bytes: 0, or a value within `range`.
    pub(super) fn size(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.required(key)?;
        let problem = match (bytes(&value), &value) {
            (Some(size), _) if size == 0 || range.contains(&size) => return Some(size),
            (Some(size), _) if size < *range.start() => {
                format!("{} is too small", exact_size(size))
            }
            (Some(size), _) => format!("{} is too large", exact_size(size)),
            (None, Value::Text { text, .. }) => format!("{} is not allowed", quoted(text)),
            (None, _) => format!("found {}", value.describe()),
        };
        self.refuse(key, &value, problem, &allowed(&range));
        None
    }
}

fn allowed(range: &RangeInclusive<u64>) -> String {
    let (least, most) = (*range.start(), exact_size(*range.end()));
    let such = "such as 64MiB; units are KiB, MiB, GiB and TiB";
    match least {
        0 | 1 => format!("0 to {most}, {such}"),
        least => format!("0, or {} to {most}, {such}", exact_size(least)),
    }
}

fn bytes(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => u64::try_from(*number).ok(),
        Value::Text { text, .. } => parse(text),
        _ => None,
    }
}

/// Upper or lower case and a space before the unit are all the same; a unit of 1000 is none, since
/// it would be taken for one of 1024.
fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = match unit.trim_start() {
        "" => 1,
        name => {
            let known = |(known, _): &&(&str, u64)| known.eq_ignore_ascii_case(name);
            UNITS.iter().find(known)?.1
        }
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::super::{reader::Notes, tree::Table};
    use super::*;

    #[test]
    fn a_size_is_a_number_with_or_without_a_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("4KiB", 4096),
            (" 64 MiB ", 64 << 20),
            ("1gib", 1 << 30),
            ("2TIB", 2 << 40),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ",MiB,1.5GiB,-1,+1,1GB,1G,1 Gi B,99999999999TiB".split(',') {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_size_is_written_with_the_unit_that_fits() {
        for bytes in [0, 1, 1000, 1024, 64 << 20, 3 << 29, 5 << 40, u64::MAX] {
            let written = exact_size(bytes);
            assert_eq!(parse(&written), Some(bytes), "{written}");
        }
        let written = [1 << 30, 3 << 29].map(exact_size);
        assert_eq!(written, ["1GiB", "1536MiB"]);
    }

    /// The size that was read, or the fault.
    fn read(value: impl Into<toml::Value>, range: RangeInclusive<u64>) -> Result<u64, String> {
        let mut notes = Notes::default();
        let table = Table::from([("hold".to_owned(), value.into().into())]);
        let size = Reader::root(table, &mut notes).size("hold", range);
        size.ok_or_else(|| notes.into_faults().to_string())
    }

    #[test]
    fn what_is_no_size_or_none_that_is_allowed_is_told() {
        let range = 1 << 20..=1 << 40;
        assert_eq!(read("64MiB", range.clone()), Ok(64 << 20));
        assert_eq!(read(1_048_576, range.clone()), Ok(1 << 20));
        assert_eq!(read(0, range.clone()), Ok(0));
        let allowed = "allowed: 0, or 1MiB to 1TiB, such as 64MiB; units are KiB, MiB, GiB and TiB";
        for (value, problem) in [
            (toml::Value::from("1GB"), r#""1GB" is not allowed"#),
            (toml::Value::from("2TiB"), "2TiB is too large"),
            (toml::Value::from(4096), "4KiB is too small"),
            (toml::Value::from(-1), "found a number"),
            (toml::Value::from(true), "found a boolean"),
        ] {
            let told = format!("hold: {problem}; {allowed}");
            assert_eq!(read(value, range.clone()), Err(told));
        }
        let told = read("9TiB", 1..=1 << 40).unwrap_err();
        assert!(told.contains("allowed: 0 to 1TiB, such as"), "{told}");
    }
}
