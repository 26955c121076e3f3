//! Whatever stands in a file of the spool is a record that was written, or none.

use sha2::{Digest, Sha256};

use crate::spool::{Record, Unreadable};

const VERSION: u8 = 1;

/// Reads `data` as a record as it is, and with a checksum that says it was written so.
pub fn check(data: &[u8]) {
    let sum = |bytes: &[u8]| Sha256::digest(bytes)[..8].to_vec();
    let whole = data.len().checked_sub(8).map(|end| data.split_at(end));
    let is_whole = whole.is_some_and(|(said, found)| sum(said) == found);
    let found = Record::decode(data);
    assert!(is_whole || found == Err(Unreadable::Damaged));
    let record = [data, &sum(data)].concat();
    match Record::decode(&record) {
        Ok(decoded) => check_record(&decoded, &record),
        Err(Unreadable::Version(found)) => {
            assert!(data.first() == Some(&found) && found != VERSION);
        }
        Err(Unreadable::Damaged) => assert!(data.first().is_none_or(|it| *it == VERSION)),
    }
}

/// It is written as it was read, and one that is a byte short or changed is noticed.
fn check_record(record: &Record, bytes: &[u8]) {
    let written = record.encode().unwrap();
    assert_eq!(Record::decode(&written).as_ref(), Ok(record));
    assert_eq!(written.len(), bytes.len());
    assert!(Record::decode(&written[1..]).is_err());
    assert!(Record::decode(&written[..written.len() - 1]).is_err());
    let mut changed = written;
    let at = record.body.len() % changed.len();
    changed[at] ^= 1;
    assert_eq!(Record::decode(&changed), Err(Unreadable::Damaged));
}
