//! A parser of CSV that takes nothing but RFC 4180.

/// An RFC 4180 cell, and a flag that is true if it was quoted.
pub(crate) type Cell = (String, bool);

/// Parses CSV records that end with CRLF.
pub(crate) fn records(text: &str) -> Vec<Vec<Cell>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let (mut cell, mut quoted) = (String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                assert!(
                    cell.is_empty() && !quoted,
                    "a quote inside of a cell: {cell}"
                );
                quoted = true;
                while let Some(char) = chars.next() {
                    if char != '"' {
                        cell.push(char);
                    } else if chars.next_if_eq(&'"').is_some() {
                        cell.push('"');
                    } else {
                        break;
                    }
                }
            }
            ',' => record.push((std::mem::take(&mut cell), std::mem::take(&mut quoted))),
            '\r' => {
                assert_eq!(chars.next(), Some('\n'), "a record ends with CRLF");
                record.push((std::mem::take(&mut cell), std::mem::take(&mut quoted)));
                records.push(std::mem::take(&mut record));
            }
            char => cell.push(char),
        }
    }
    assert!(
        record.is_empty() && cell.is_empty(),
        "the last record has no end"
    );
    records
}
