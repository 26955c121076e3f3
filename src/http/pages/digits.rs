//! Numbers for people.

/// Digits in groups of three.
pub(super) fn grouped(number: impl TryInto<u64>) -> String {
    let number = number.try_into().unwrap_or_default().to_string();
    let mut grouped = String::with_capacity(number.len() * 4 / 3);
    for (at, digit) in number.char_indices() {
        if at > 0 && (number.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number in groups of three with its noun.
pub(super) fn counted(number: impl TryInto<u64>, one: &str, more: &str) -> String {
    match number.try_into().unwrap_or_default() {
        1 => format!("1 {one}"),
        number => format!("{} {more}", grouped(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_284), "1,284");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(counted(1, "byte", "bytes"), "1 byte");
        assert_eq!(counted(4_312, "byte", "bytes"), "4,312 bytes");
    }
}
