//! Counts as rows of JSON: a key for each dimension asked for.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::store::read::{Count, Dimension};

/// A count with the names of its values.
#[derive(Clone, Copy, Debug)]
pub struct CountLine<'a> {
    /// What was asked for.
    pub by: &'a [Dimension],
    /// What was counted.
    pub count: &'a Count,
}

impl Serialize for CountLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { by, count } = self;
        let mut map = serializer.serialize_map(Some(by.len() + 2))?;
        for (dimension, value) in by.iter().zip(&count.values) {
            map.serialize_entry(dimension.column(), value)?;
        }
        map.serialize_entry("events", &count.events)?;
        map.serialize_entry("repeats", &count.repeats)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::line;

    #[test]
    fn keys_stand_in_the_order_asked_for() {
        let count = Count {
            values: vec![Some("1784".to_owned()), None],
            events: 3,
            repeats: 0,
        };
        let by = [Dimension::Account, Dimension::Client];
        let json = line(&CountLine {
            by: &by,
            count: &count,
        });
        assert_eq!(
            json.unwrap(),
            r#"{"account_id":"1784","client":null,"events":3,"repeats":0}"#
        );
    }
}
