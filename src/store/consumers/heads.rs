//! Encoding of heads: distances as varints (LEB128), from the cursor back to the first head.
//!
//! Neighbours are a few positions apart, so most heads take one byte. A row over 2 kB would cost a
//! second write with each flush.

/// The bytes are no encoding of heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the heads of a consumer are malformed")]
pub struct MalformedHeads;

/// Encodes `heads`, which ascend and end at or before `position`.
pub(in crate::store) fn encode(position: i64, heads: &[i64]) -> Vec<u8> {
    debug_assert!(heads.is_sorted_by(|one, next| one < next));
    debug_assert!(heads.first().is_none_or(|first| *first > 0));
    debug_assert!(heads.last().is_none_or(|last| *last <= position));
    let mut bytes = Vec::with_capacity(2 * heads.len());
    let mut from = position;
    for head in heads.iter().rev() {
        write(from.abs_diff(*head), &mut bytes);
        from = *head;
    }
    bytes
}

/// Decodes the heads of a consumer at `position`, in ascending order. Each list of heads has one
/// encoding; other bytes are malformed.
pub(in crate::store) fn decode(
    position: i64,
    mut bytes: &[u8],
) -> Result<Vec<i64>, MalformedHeads> {
    let mut heads: Vec<i64> = Vec::new();
    let mut from = position;
    while !bytes.is_empty() {
        let (distance, rest) = read(bytes).ok_or(MalformedHeads)?;
        let is_repeated = distance == 0 && !heads.is_empty();
        let head = from.checked_sub_unsigned(distance);
        from = head
            .filter(|head| *head > 0 && !is_repeated)
            .ok_or(MalformedHeads)?;
        heads.push(from);
        bytes = rest;
    }
    heads.reverse();
    Ok(heads)
}

/// Appends seven bits a byte, the lowest first. The high bit marks all bytes but the last.
pub(super) fn write(mut number: u64, to: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            to.push(low);
            return;
        }
        to.push(low | 0x80);
    }
}

/// Reads the first number and returns the remaining bytes. `None` if the number has no end, has
/// more than 63 bits, or could be shorter.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes.iter().take(9).position(|byte| byte & 0x80 == 0)?;
    let (number, rest) = bytes.split_at(end + 1);
    let is_shortest = end == 0 || number[end] != 0;
    let bits = |number: u64, byte: &u8| (number << 7) | u64::from(byte & 0x7f);
    is_shortest.then(|| (number.iter().rev().fold(0, bits), rest))
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::{btree_set, vec},
        prelude::*,
    };

    use super::*;

    proptest! {
        #[test]
        fn heads_come_out_as_they_went_in(
            heads in btree_set(1..=i64::MAX, 0..50),
            near in btree_set(1..=2_000_i64, 0..300),
            ahead in 0..=i64::MAX,
        ) {
            let heads: Vec<i64> = heads.union(&near).copied().collect();
            let position = heads.last().copied().unwrap_or(0).saturating_add(ahead);
            let bytes = encode(position, &heads);
            prop_assert_eq!(decode(position, &bytes), Ok(heads));
        }

        #[test]
        fn any_bytes_are_the_encoding_of_their_heads_or_malformed(
            position in prop_oneof![0..1_000_i64, 0..=i64::MAX], bytes: Vec<u8>,
        ) {
            if let Ok(heads) = decode(position, &bytes) {
                prop_assert_eq!(encode(position, &heads), bytes);
            }
        }

        #[test]
        fn heads_near_each_other_are_small(distances in vec(1..=127_i64, 256)) {
            let ends = distances.iter().scan(0, |end, distance| {
                *end += distance;
                Some(*end)
            });
            let heads: Vec<i64> = ends.collect();
            prop_assert!(encode(heads[255] + 500, &heads).len() < 400);
        }
    }

    #[test]
    fn malformed_bytes_are_refused() {
        let longest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1];
        for (bytes, fault) in [
            (&[0x80][..], "a number without an end"),
            (&[0x81, 0x00], "a number that could be shorter"),
            (&longest, "a number of more than 63 bits"),
            (&[3, 0], "a head twice"),
            (&[10], "a head before the first position"),
        ] {
            assert_eq!(decode(10, bytes), Err(MalformedHeads), "{fault}");
        }
        assert_eq!(decode(10, &[0, 9]), Ok(vec![1, 10]));
        assert_eq!(decode(0, &[]), Ok(Vec::new()));
    }
}
