//! The JSON form of rows: one object a line.

use serde::{Serialize, Serializer};

/// Formats a row as JSON without line breaks.
///
/// A payload is the sender's text and may have several lines. Between the tokens of JSON a line
/// break is white space. Inside of a string a line break is not allowed.
///
/// # Errors
/// If the row cannot be serialised. All rows of `store::read` can be.
pub fn line(row: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(row)?;
    Ok(text.replace(['\n', '\r'], " "))
}

/// Serialises a position as a text: many readers of JSON keep only 53 bits of a number.
///
/// # Errors
/// If the serializer fails.
pub fn as_text<S: Serializer>(position: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match position {
        Some(position) => serializer.collect_str(position),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[test]
    fn a_payload_over_several_lines_becomes_one() {
        let payload = "{\r\n  \"a\": \"x\\ny\",\n  \"n\": 12345678901234567890123\n}";
        let row = [RawValue::from_string(payload.to_owned()).unwrap()];
        assert_eq!(
            line(&row).unwrap(),
            "[{    \"a\": \"x\\ny\",   \"n\": 12345678901234567890123 }]"
        );
    }
}
