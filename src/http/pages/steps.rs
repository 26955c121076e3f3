//! Bars of counts by hour or by minute, over the time of a list.

use jiff::{SignedDuration, Timestamp};

/// Maximum number of bars.
const MOST: i64 = 48;

/// Width of a chart and height of its highest bar, in its own units.
const WIDTH: f64 = 192.0;
const HEIGHT: f64 = 40.0;

/// Seconds of the shortest bars.
pub(super) const HOUR: i64 = 3_600;
pub(super) const MINUTE: i64 = 60;

/// Time of a list, in equal parts.
#[derive(Debug)]
pub(super) struct Steps {
    first: Timestamp,
    /// Seconds of a bar.
    step: i64,
    count: usize,
}

/// Bar of a chart.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) count: i64,
    /// Start and end of its time.
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) y: String,
    pub(super) height: String,
}

impl Steps {
    /// Time from the first to the last of these, in parts of some units.
    pub(super) fn of(unit: i64, times: impl Iterator<Item = Timestamp> + Clone) -> Self {
        let first = times.clone().min().unwrap_or_default();
        let last = times.max().unwrap_or_default();
        let units = last.duration_since(first).as_secs() / unit + 1;
        let each = (units + MOST - 1) / MOST;
        let count = (units + each - 1) / each;
        Self {
            first,
            step: each * unit,
            count: usize::try_from(count).unwrap_or(1),
        }
    }

    /// Bars of counts by unit. A part without a count has none.
    pub(super) fn bars(&self, counts: impl Iterator<Item = (Timestamp, i64)>) -> Vec<Bar> {
        let mut sums = vec![0; self.count];
        for (at, count) in counts {
            let part = at.duration_since(self.first).as_secs() / self.step;
            let part = usize::try_from(part).unwrap_or_default();
            if let Some(sum) = sums.get_mut(part) {
                *sum += count;
            }
        }
        let most = sums.iter().copied().max().unwrap_or_default();
        let parts = sums.iter().enumerate().filter(|(_, count)| **count > 0);
        parts
            .map(|(part, count)| self.bar(part, *count, most))
            .collect()
    }

    fn bar(&self, part: usize, count: i64, most: i64) -> Bar {
        let at = |part: usize| {
            let seconds = self.step * i64::try_from(part).unwrap_or_default();
            let after = SignedDuration::from_secs(seconds);
            self.first.checked_add(after).unwrap_or(self.first)
        };
        let width = WIDTH / as_float(self.count);
        let height = (HEIGHT * as_float(count) / as_float(most)).max(1.0);
        Bar {
            count,
            since: at(part),
            until: at(part + 1),
            x: format!("{:.2}", width * as_float(part)),
            width: format!("{:.2}", (width - 1.0).clamp(1.0, 12.0)),
            y: format!("{:.2}", HEIGHT - height),
            height: format!("{height:.2}"),
        }
    }
}

/// A count for a coordinate. No count of a chart is too large for that.
fn as_float(number: impl TryInto<u32>) -> f64 {
    number
        .try_into()
        .map_or_else(|_| f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_has_a_bar_for_each_hour_with_a_count() {
        let (first, last) = (at("2026-11-29T00:00:00Z"), at("2026-11-29T23:00:00Z"));
        let hours = Steps::of(HOUR, [last, first].into_iter());
        let bars = hours.bars([(first, 10), (last, 5), (last, 15)].into_iter());
        let counts: Vec<_> = bars.iter().map(|bar| bar.count).collect();
        assert_eq!(counts, [10, 20]);
        assert_eq!(
            (bars[1].since, bars[1].until),
            (last, at("2026-11-30T00:00:00Z"))
        );
        assert_eq!((bars[0].y.as_str(), bars[1].y.as_str()), ("20.00", "0.00"));
    }

    #[test]
    fn a_month_has_a_bounded_number_of_bars() {
        let first = at("2026-10-01T00:00:00Z");
        let all = (0..720).map(|hour| first + SignedDuration::from_hours(hour));
        let hours = Steps::of(HOUR, all.clone());
        let bars = hours.bars(all.map(|hour| (hour, 1)));
        assert_eq!(bars.len(), 48);
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<i64>(), 720);
    }

    #[test]
    fn nothing_has_no_bars() {
        let hours = Steps::of(HOUR, std::iter::empty());
        assert_eq!(hours.bars(std::iter::empty()).len(), 0);
    }
}
