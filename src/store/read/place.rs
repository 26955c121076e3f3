//! Places in lists that are ordered by time: keyset pagination by time and position.

use std::{borrow::Cow, fmt, str::FromStr};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::Conditions;

/// Time and position of a row: its place in a list ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Time of the row.
    pub at: Timestamp,
    /// Position that tells rows of the same time apart.
    pub position: i64,
}

impl Place {
    /// Place before all others: the first time of Postgres.
    pub const FIRST: Self = Self {
        at: Timestamp::constant(-210_866_803_200, 0),
        position: 0,
    };
}

/// Text that is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("allowed: a place from the `previous` or `next` of a page")]
pub struct InvalidPlace;

/// Writes the microseconds of the time and the position.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.as_microsecond(), self.position)
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (at, position) = text.split_once('.').ok_or(InvalidPlace)?;
        // Digits only: Postgres has no times long before the epoch.
        let number = |text: &str| -> Result<i64, InvalidPlace> {
            let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_digits);
            number.ok_or(InvalidPlace)
        };
        Ok(Self {
            at: Timestamp::from_microsecond(number(at)?).map_err(|_| InvalidPlace)?,
            position: number(position)?,
        })
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text; the API has a URL with the place instead.
impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

impl Conditions {
    /// Restricts to rows before `place`, if there is one.
    pub(super) fn before_place(&mut self, at: &str, position: &str, place: Option<Place>) {
        self.beside_place(at, position, '<', place);
    }

    /// Restricts to rows after `place`, if there is one.
    pub(super) fn after_place(&mut self, at: &str, position: &str, place: Option<Place>) {
        self.beside_place(at, position, '>', place);
    }

    fn beside_place(&mut self, at: &str, position: &str, side: char, place: Option<Place>) {
        if let Some(place) = place {
            self.0.push(format!(" AND ({at}, {position}) {side} ("));
            self.0.push_bind(place.at.to_sqlx()).push(", ");
            self.0.push_bind(place.position).push(")");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_its_own_text() {
        let place = Place {
            at: "2026-11-20T13:45:00.123456Z".parse().unwrap(),
            position: 42,
        };
        assert_eq!(place.to_string(), "1795182300123456.42");
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in [
            "",
            "1",
            "1.",
            ".1",
            "1.x",
            "-1.1",
            "1.-1",
            "9223372036854775807.1",
        ] {
            assert_eq!(text.parse::<Place>(), Err(InvalidPlace), "{text}");
        }
    }
}
