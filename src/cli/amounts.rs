//! Numbers, sizes and spans of time as a person reads them.

/// A size, rounded down to three digits or so.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut tenths, mut unit) = (bytes, 0, "bytes");
    for larger in UNITS {
        if whole < 1024 {
            break;
        }
        tenths = whole % 1024 * 10 / 1024;
        (whole, unit) = (whole / 1024, larger);
    }
    if tenths == 0 || whole >= 100 {
        format!("{whole} {unit}")
    } else {
        format!("{whole}.{tenths} {unit}")
    }
}

/// A span of time in its two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
    }
}

/// So many of something.
pub(super) fn count(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    }
}

/// So many deliveries.
pub(super) fn deliveries(number: u64) -> String {
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
