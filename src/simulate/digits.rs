//! Numbers as ids spell them: with leading zeros, behind what ids of a sort begin with.

/// Enough for any number.
const MOST: usize = 20;

/// The last `count` digits of `number`, with zeros where it has fewer, after `prefix`. A load run
/// makes several for each delivery, so that they are not left to the general formatter.
pub(super) fn padded(prefix: &str, number: u64, count: usize) -> String {
    let mut digits = [b'0'; MOST];
    let digits = &mut digits[..count.min(MOST)];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    [prefix, str::from_utf8(digits).unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_stand_where_digits_are_missing() {
        assert_eq!(padded("178", 420, 14), format!("178{:014}", 420));
        assert_eq!(padded("", u64::MAX, 20), u64::MAX.to_string());
        assert_eq!(padded("x", 12_345, 3), "x345");
    }
}
