//! Headers of a delivery, split into the signature, unique for each delivery, and the other
//! headers, which are the same for nearly all deliveries.

use std::collections::HashMap;

/// The text of the last kept header around the signature's digits.
const SIGNATURE: [&str; 2] = ["\"x-hub-signature-256\":\"sha256=", "\"}"];

/// Distinct header sets of a batch.
#[derive(Debug, Default)]
pub(super) struct HeaderSets {
    places: HashMap<String, i32>,
    all: Vec<String>,
}

impl HeaderSets {
    /// Index of the set `pairs`, from 1; adds the set if it is new.
    pub(super) fn place(&mut self, pairs: &str) -> i32 {
        if let Some(place) = self.places.get(pairs) {
            return *place;
        }
        self.all.push(format!("{{{pairs}}}"));
        let place = i32::try_from(self.all.len()).unwrap_or(i32::MAX);
        self.places.insert(pairs.to_owned(), place);
        place
    }

    /// The sets as JSON objects, in the order of their indexes.
    pub(super) fn all(&self) -> &[String] {
        &self.all
    }

    /// Removes all sets.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.all.clear();
    }
}

/// Splits the JSON object `headers` into the pairs without the signature, and the signature's
/// bytes.
pub(super) fn apart(headers: &str) -> (&str, Option<[u8; 32]>) {
    if let Some((pairs, signature)) = signed(headers) {
        return (pairs.trim_end_matches(','), Some(signature));
    }
    let pairs = headers.strip_prefix('{');
    let pairs = pairs.and_then(|pairs| pairs.strip_suffix('}'));
    (pairs.unwrap_or_default(), None)
}

fn signed(headers: &str) -> Option<(&str, [u8; 32])> {
    let [before, behind] = SIGNATURE;
    let pairs = headers.strip_prefix('{')?.strip_suffix(behind)?;
    let (pairs, digits) = pairs.split_at_checked(pairs.len().checked_sub(64)?)?;
    let mut signature = [0; 32];
    hex::decode_to_slice(digits, &mut signature).ok()?;
    // Upper-case digits would not be restored as received.
    let is_lower = !digits.bytes().any(|digit| digit.is_ascii_uppercase());
    Some((pairs.strip_suffix(before)?, signature)).filter(|_| is_lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_taken_from_the_end() {
        let digits = "0f".repeat(32);
        let headers = format!("{{\"a\":\"b\",{}{digits}\"}}", SIGNATURE[0]);
        assert_eq!(apart(&headers), ("\"a\":\"b\"", Some([15; 32])));
        let alone = format!("{{{}{digits}\"}}", SIGNATURE[0]);
        assert_eq!(apart(&alone), ("", Some([15; 32])));
    }

    #[test]
    fn other_headers_are_left_as_they_are() {
        let upper = format!("{{{}{}\"}}", SIGNATURE[0], "0F".repeat(32));
        for headers in ["{}", "{\"a\":\"b\"}", &upper] {
            let pairs = &headers[1..headers.len() - 1];
            assert_eq!(apart(headers), (pairs, None), "{headers}");
        }
    }

    #[test]
    fn equal_sets_have_one_place() {
        let mut sets = HeaderSets::default();
        let places = ["", "\"a\":\"b\"", ""].map(|pairs| sets.place(pairs));
        assert_eq!(places, [1, 2, 1]);
        assert_eq!(sets.all(), ["{}", "{\"a\":\"b\"}"]);
    }
}
