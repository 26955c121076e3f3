//! The JSON form of rows: one object a line.

use serde::Serialize;

/// A row as JSON without line breaks.
///
/// A payload is the sender's own text and may be laid out over several lines. Between the tokens
/// of JSON a line break is white space, and inside of strings it cannot stand.
///
/// # Errors
/// Where the row has no JSON form; ours all have.
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
