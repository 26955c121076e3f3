//! CSV (RFC 4180): the columns of the JSON form, a line of names first.
//!
//! A text is always in quotes, so that an id can be imported as text and an empty text is no null.

use serde::Serialize;

use super::line;
use crate::meta::json;

/// First characters of a formula in spreadsheets, some of which drop white space in front, or take
/// the wide characters of East Asian keyboards.
const FORMULA: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// Line of CSV.
#[derive(Clone, Debug)]
pub struct CsvRecord {
    /// The cells, without the line's end.
    pub line: String,
    /// Number of cells that a spreadsheet would execute.
    pub formulas: usize,
}

/// Names of the columns of rows like `shape`, separated by commas.
///
/// # Errors
/// If the row cannot be serialised.
pub fn csv_names(shape: &impl Serialize) -> serde_json::Result<String> {
    let text = line(shape)?;
    let columns = json::pairs(&text).unwrap_or_default();
    let names: Vec<_> = columns.iter().map(|(name, _)| &**name).collect();
    Ok(names.join(","))
}

/// Text that no spreadsheet executes: a formula gets `'` in front.
pub fn without_formula(text: &str) -> String {
    let mark = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("{mark}{text}")
}

/// Cells of a row in the columns that `is_kept` names; `shown` converts each text.
///
/// # Errors
/// If the row cannot be serialised.
pub fn csv_record(
    row: &impl Serialize,
    is_kept: impl Fn(&str) -> bool,
    shown: impl Fn(&str) -> String,
) -> serde_json::Result<CsvRecord> {
    let text = line(row)?;
    let columns = json::pairs(&text).unwrap_or_default();
    let mut formulas = 0;
    let mut cell = |value: &str| {
        if value == "null" {
            return String::new();
        }
        let text = json::string(value);
        if text.is_none() && !value.starts_with(['{', '[']) {
            return value.to_owned();
        }
        let text = text.unwrap_or_else(|| value.into());
        formulas += usize::from(text.starts_with(FORMULA));
        format!("\"{}\"", shown(&text).replace('"', "\"\""))
    };
    let kept = columns.iter().filter(|(name, _)| is_kept(name));
    let cells: Vec<_> = kept.map(|(_, value)| cell(value)).collect();
    let line = cells.join(",");
    Ok(CsvRecord { line, formulas })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_quoted_and_a_null_is_empty() {
        let row = json!({"a": "17841400000000000", "b": null, "c": "", "d": 7, "e": true,
            "f": "x,\"y\"\r\nz", "g": {"k": ["v"]}});
        let record = csv_record(&row, |_| true, str::to_owned).unwrap();
        assert_eq!(csv_names(&row).unwrap(), "a,b,c,d,e,f,g");
        assert_eq!(
            record.line,
            "\"17841400000000000\",,\"\",7,true,\"x,\"\"y\"\"\r\nz\",\"{\"\"k\"\":[\"\"v\"\"]}\""
        );
        assert_eq!(record.formulas, 0);
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_counted_and_unchanged() {
        let row = json!({"a": "=1+1", "b": "@x", "c": "-1", "d": -1, "e": "a=1", "f": "\tx"});
        let record = csv_record(&row, |_| true, str::to_owned).unwrap();
        assert_eq!(record.line, "\"=1+1\",\"@x\",\"-1\",-1,\"a=1\",\"\tx\"");
        assert_eq!(record.formulas, 4);
    }
}
