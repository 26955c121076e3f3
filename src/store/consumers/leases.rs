//! Encoding of leases: for each event that is out, in order, the distance from the one before and the
//! rest of its time in milliseconds, both as varints (LEB128).

use std::{collections::BTreeMap, time::Duration};

use super::heads::{read, write};

/// Encodes the rest of the lease of each event, by position.
pub(super) fn encode(leases: &BTreeMap<i64, Duration>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * leases.len());
    let mut from = 0;
    for (position, rest) in leases {
        write(position.abs_diff(from), &mut bytes);
        write(millis(*rest), &mut bytes);
        from = *position;
    }
    bytes
}

/// Decodes leases; `None` for other bytes.
pub(super) fn decode(mut bytes: &[u8]) -> Option<BTreeMap<i64, Duration>> {
    let mut leases = BTreeMap::new();
    let mut position = 0_i64;
    while !bytes.is_empty() {
        let (distance, rest) = read(bytes)?;
        let (time, rest) = read(rest)?;
        position = position.checked_add_unsigned(distance)?;
        leases.insert(position, Duration::from_millis(time));
        bytes = rest;
    }
    Some(leases)
}

/// Milliseconds of a time, rounded up: no lease gets shorter.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::{btree_map, vec},
        prelude::*,
    };

    use super::*;

    proptest! {
        #[test]
        fn leases_come_out_as_they_went_in(
            leases in btree_map(1..=i64::MAX, 0..=3_600_000_u64, 0..300),
        ) {
            let leases = leases.into_iter();
            let leases = leases.map(|(at, rest)| (at, Duration::from_millis(rest))).collect();
            prop_assert_eq!(decode(&encode(&leases)), Some(leases));
        }

        #[test]
        fn any_bytes_are_leases_or_malformed(bytes in vec(any::<u8>(), 0..40)) {
            if let Some(leases) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&leases)), Some(leases));
            }
        }
    }

    #[test]
    fn malformed_bytes_are_refused() {
        assert_eq!(decode(&[7, 0x80]), None, "a number without an end");
        assert_eq!(decode(&[7]), None, "a position without a time");
        assert_eq!(decode(&[]), Some(BTreeMap::new()));
    }

    #[test]
    fn a_part_of_a_millisecond_counts_as_a_whole_one() {
        let leases = BTreeMap::from([(5, Duration::from_micros(1_001))]);
        assert_eq!(encode(&leases), [5, 2]);
    }
}
