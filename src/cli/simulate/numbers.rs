//! Numbers of `simulate`: as a person writes them, and as one reads them.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest run.
const LONGEST: Duration = Duration::from_hours(24 * 7);

/// The highest rate. What the server or this program cannot do shows as late deliveries.
const HIGHEST: f64 = 1_000_000.0;

/// A length of time: more than nothing, a week at most.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<SignedDuration>().ok();
    read.and_then(|it| Duration::try_from(it).ok())
        .filter(|it| !it.is_zero() && *it <= LONGEST)
        .ok_or_else(|| "allowed: a time such as 30s, 5min or 2h, a week at most".to_owned())
}

/// Deliveries a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let read = text.parse::<f64>().ok();
    read.filter(|it| *it > 0.0 && *it <= HIGHEST)
        .ok_or_else(|| "allowed: a number above 0, such as 200 or 0.5, 1000000 at most".to_owned())
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    let read = text.trim_end_matches('%').parse::<f64>().ok();
    read.filter(|it| (0.0..=100.0).contains(it))
        .ok_or_else(|| "allowed: a number from 0 to 100".to_owned())
}

/// A time, in the unit that shows it best.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_within_their_bounds() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1min 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "30", "0s", "-1s", "8 days", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_read_within_their_bounds() {
        assert_eq!((rate("0.5"), rate("1e6")), (Ok(0.5), Ok(1e6)));
        for bad in ["0", "-1", "NaN", "inf", "1000001", "fast", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!((percent("0"), percent("2.5%")), (Ok(0.0), Ok(2.5)));
        for bad in ["-1", "101", "NaN", "some"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_shown_with_the_unit_that_fits() {
        assert_eq!(time(Duration::from_micros(1250)), "1.2 ms");
        assert_eq!(time(Duration::from_millis(61_500)), "61.5 s");
    }
}
