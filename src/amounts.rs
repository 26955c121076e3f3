//! Numbers, sizes and time spans as text for people.

/// Units of sizes, the smallest first.
pub const UNITS: [(&str, u64); 4] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Formats a size, rounded down to about three digits.
pub fn size(bytes: u64) -> String {
    let fits = UNITS.iter().rev().find(|(_, unit)| bytes >= *unit);
    let (unit, size) = fits.copied().unwrap_or(("bytes", 1));
    let (whole, tenths) = (bytes / size, bytes % size * 10 / size);
    if tenths == 0 || whole >= 100 {
        format!("{whole} {unit}")
    } else {
        format!("{whole}.{tenths} {unit}")
    }
}

/// Formats a size in the largest unit without a remainder, as written in a configuration.
pub fn exact_size(bytes: u64) -> String {
    let whole = |(_, unit): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*unit);
    match UNITS.iter().rev().find(whole) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

/// Formats a time span in its two largest units.
pub fn span(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// Formats a number with its noun: `1 file`, `2 files`.
pub fn count(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    }
}

/// Formats a number of deliveries.
pub fn deliveries(number: u64) -> String {
    count(number, "delivery", "deliveries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_unit_that_fits() {
        let sizes = [
            0,
            1023,
            1024,
            1536,
            100 << 10,
            (1 << 20) - 1,
            1 << 30,
            5 << 40,
        ];
        let written = [
            "0 bytes",
            "1023 bytes",
            "1 KiB",
            "1.5 KiB",
            "100 KiB",
            "1023 KiB",
            "1 GiB",
            "5 TiB",
        ];
        assert_eq!(sizes.map(size), written);
    }

    #[test]
    fn one_is_told_from_more() {
        let counts = [0, 1, 2].map(deliveries);
        assert_eq!(counts, ["0 deliveries", "1 delivery", "2 deliveries"]);
    }

    #[test]
    fn a_span_has_its_two_largest_units() {
        let spans = [0, 59, 61, 3599, 3660, 90_000];
        let written = [
            "0 s",
            "59 s",
            "1 min 1 s",
            "59 min 59 s",
            "1 h 1 min",
            "1 d 1 h",
        ];
        assert_eq!(spans.map(span), written);
    }
}
