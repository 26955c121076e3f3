//! Heat: events of a week by the hour, as a strip or as a grid of days and hours.

use std::{collections::BTreeMap, fmt};

use askama::filters::{HtmlSafe, Safe};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::frame::Frame;
use crate::query::{Count, Dimension};

/// Hours of a week.
pub(super) const HOURS: usize = 168;

/// Days of a grid.
const DAYS: usize = 7;

/// Events of each hour of a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Week {
    /// Start of the first hour.
    start: Timestamp,
    hours: Vec<i64>,
}

/// Row of a grid.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) name: String,
    pub(super) events: i64,
    pub(super) cells: Vec<Cell>,
}

/// Hour of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) hour: i64,
    /// Start and end as parameters.
    pub(super) since: String,
    pub(super) until: String,
    pub(super) events: i64,
    /// Class of the shade, from 0 to 4.
    pub(super) shade: i64,
}

impl Day {
    /// Name of the day of the week.
    pub(super) fn short(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }
}

impl Week {
    /// The week that ends with the present hour.
    pub(super) fn until(now: Timestamp) -> Self {
        let hour = now.as_second().div_euclid(3_600) * 3_600;
        let first = i64::try_from(HOURS - 1).unwrap_or_default() * 3_600;
        Self {
            start: Timestamp::from_second(hour - first).unwrap_or(now),
            hours: vec![0; HOURS],
        }
    }

    /// Start of the first hour.
    pub(super) fn start(&self) -> Timestamp {
        self.start
    }

    /// Adds counts that have the dimension hour.
    pub(super) fn add(&mut self, count: &Count) {
        let hour = value(count, Dimension::Hour).and_then(|hour| hour.parse::<Timestamp>().ok());
        let since = hour.map(|hour| hour.duration_since(self.start).as_secs() / 3_600);
        let place = since.and_then(|since| self.hours.get_mut(usize::try_from(since).ok()?));
        if let Some(events) = place {
            *events += count.events;
        }
    }

    /// Events of the week.
    pub(super) fn events(&self) -> i64 {
        self.hours.iter().sum()
    }

    /// Shade of a number of events: 4 is the busiest hour.
    fn shade(&self, events: i64) -> i64 {
        let most = self.hours.iter().copied().max().unwrap_or_default();
        match (events, most) {
            (0, _) | (_, 0) => 0,
            (events, most) => 1 + events * 3 / most,
        }
    }

    /// The week as a strip.
    pub(super) fn strip(&self) -> Safe<Strip<'_>> {
        Safe(Strip(self))
    }

    /// Days of the reader, up to today, with their hours.
    pub(super) fn grid(&self, frame: &Frame) -> Vec<Day> {
        let mut days: BTreeMap<Date, Vec<Cell>> = BTreeMap::new();
        for (from, events) in self.each() {
            let at = frame.zoned(from);
            let cells = days.entry(at.date()).or_default();
            let until = from.checked_add(SignedDuration::from_hours(1));
            cells.push(Cell {
                hour: i64::from(at.hour()),
                since: minute(from),
                until: minute(until.unwrap_or(from)),
                events,
                shade: self.shade(events),
            });
        }
        let left_out = days.len().saturating_sub(DAYS);
        let day = |(date, cells): (Date, Vec<Cell>)| Day {
            name: date.strftime("%a %-d %b").to_string(),
            events: cells.iter().map(|cell| cell.events).sum(),
            cells,
        };
        days.into_iter().skip(left_out).map(day).collect()
    }

    /// Hours with their events.
    fn each(&self) -> impl Iterator<Item = (Timestamp, i64)> {
        let hours = self.hours.iter().zip(0..);
        hours.filter_map(|(events, number)| {
            let at = self.start.checked_add(SignedDuration::from_hours(number));
            Some((at.ok()?, *events))
        })
    }
}

/// A time of whole minutes, as short as parameters allow: a grid has many.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// Value of a dimension.
pub(super) fn value(count: &Count, dimension: Dimension) -> Option<&str> {
    let mut values = count.values.iter();
    let found = values.find(|(by, _)| *by == dimension);
    found.and_then(|(_, value)| value.as_deref())
}

/// Strip of a week: a path for each shade, so that many strips stay small.
#[derive(Debug)]
pub(super) struct Strip<'w>(&'w Week);

impl fmt::Display for Strip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.0;
        let most = week.hours.iter().max().copied().unwrap_or_default();
        write!(
            f,
            "<svg class=\"heat\" viewBox=\"0 0 {HOURS} 8\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"{} events in a week, at most {most} in an hour\">\
             <rect class=\"h0\" width=\"{HOURS}\" height=\"8\"/>",
            week.events()
        )?;
        for shade in 1..=4 {
            let runs = runs(&week.hours, |events| week.shade(events) == shade);
            if runs.is_empty() {
                continue;
            }
            write!(f, "<path class=\"h{shade}\" d=\"")?;
            for (start, length) in runs {
                write!(f, "M{start} 0h{length}v8H{start}z")?;
            }
            f.write_str("\"/>")?;
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for Strip<'_> {}

/// Starts and lengths of the runs of hours that `is_in` takes.
fn runs(hours: &[i64], is_in: impl Fn(i64) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (number, _) in hours.iter().enumerate().filter(|(_, it)| is_in(**it)) {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == number => *length += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(counts: &[(&str, i64)]) -> Week {
        let mut week = Week::until("2026-11-30T12:34:56Z".parse().unwrap());
        for (hour, events) in counts {
            week.add(&Count {
                values: vec![(Dimension::Hour, Some((*hour).to_owned()))],
                events: *events,
                repeats: 0,
            });
        }
        week
    }

    #[test]
    fn a_week_has_the_present_hour_and_those_before() {
        let week = week(&[
            ("2026-11-23T12:00:00Z", 100),
            ("2026-11-23T13:00:00Z", 1),
            ("2026-11-30T12:00:00Z", 2),
            ("2026-11-30T12:00:00Z", 3),
            ("2026-11-30T13:00:00Z", 100),
        ]);
        assert_eq!(week.start(), "2026-11-23T13:00:00Z".parse().unwrap());
        assert_eq!((week.hours[0], week.hours[HOURS - 1]), (1, 5));
        assert_eq!(week.events(), 6);
    }

    #[test]
    fn the_busiest_hour_has_the_darkest_shade() {
        let week = week(&[("2026-11-30T10:00:00Z", 300)]);
        let shades = [0, 1, 99, 100, 299, 300].map(|events| week.shade(events));
        assert_eq!(shades, [0, 1, 1, 2, 3, 4]);
    }

    #[test]
    fn a_strip_has_a_path_for_each_shade() {
        let week = week(&[
            ("2026-11-23T13:00:00Z", 4),
            ("2026-11-23T14:00:00Z", 4),
            ("2026-11-23T16:00:00Z", 1),
        ]);
        let strip = week.strip().0.to_string();
        assert!(
            strip.contains("<path class=\"h4\" d=\"M0 0h2v8H0z\"/>"),
            "{strip}"
        );
        assert!(
            strip.contains("<path class=\"h1\" d=\"M3 0h1v8H3z\"/>"),
            "{strip}"
        );
        assert!(
            strip.contains("9 events in a week, at most 4 in an hour"),
            "{strip}"
        );
        assert_eq!(strip.matches("<path").count(), 2);
    }
}
