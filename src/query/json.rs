//! The JSON form of rows: one object a line.

use serde::Serialize;

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
