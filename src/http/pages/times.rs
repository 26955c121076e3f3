//! Times on a page, in the form that the reader chose. The other forms are the title.

use std::fmt;

use askama::filters::{HtmlSafe, Safe};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};

use super::preferences::{Preferences, TimeForm};

/// Writes times for a reader.
#[derive(Clone, Debug)]
pub(super) struct Times {
    form: TimeForm,
    zone: TimeZone,
    now: Timestamp,
}

/// A time as an element of HTML.
#[derive(Debug)]
pub(super) struct TimeTag {
    at: Timestamp,
    shown: String,
    title: String,
}

impl Times {
    pub(super) fn new(preferences: &Preferences, now: Timestamp) -> Self {
        Self {
            form: preferences.time,
            zone: preferences.zone.clone(),
            now,
        }
    }

    /// Name of the zone of the shown times.
    pub(super) fn zone(&self) -> &str {
        match self.form {
            TimeForm::Local => self.zone.iana_name().unwrap_or("UTC"),
            TimeForm::Utc => "UTC",
            TimeForm::Relative => "ago",
        }
    }

    /// A time in the zone of the reader.
    pub(super) fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.zone_of_days())
    }

    /// Element of a time.
    pub(super) fn tag(&self, at: Timestamp) -> Safe<TimeTag> {
        let local = || self.clock(&at.to_zoned(self.zone.clone()), &self.zone);
        let utc = || self.clock(&at.to_zoned(TimeZone::UTC), &TimeZone::UTC);
        let ago = || ago(self.now.duration_since(at).as_secs());
        let zone = self.zone.iana_name().unwrap_or("UTC");
        let (shown, title) = match self.form {
            TimeForm::Local => (local(), format!("{at:.3}, {}", ago())),
            TimeForm::Utc => (utc(), format!("{} {zone}, {}", local(), ago())),
            TimeForm::Relative => (ago(), format!("{at:.3}, {} {zone}", local())),
        };
        Safe(TimeTag { at, shown, title })
    }

    /// Time since a moment, in its largest unit.
    pub(super) fn ago(&self, at: Timestamp) -> String {
        ago(self.now.duration_since(at).as_secs())
    }

    /// Name of the zone of labels.
    pub(super) fn zone_of_labels(&self, is_daily: bool) -> String {
        let zone = self.labelled(is_daily);
        zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// Zone of labels: days are counted in UTC.
    fn labelled(&self, is_daily: bool) -> TimeZone {
        match self.form {
            TimeForm::Local | TimeForm::Relative if !is_daily => self.zone.clone(),
            _ => TimeZone::UTC,
        }
    }

    /// Time of a bucket of a chart: hour and minute with the day, or the day alone.
    pub(super) fn label(&self, at: Timestamp, is_daily: bool) -> String {
        let zone = self.labelled(is_daily);
        let (at, now) = (at.to_zoned(zone.clone()), self.now.to_zoned(zone));
        let format = match (is_daily, at.date() == now.date(), at.year() == now.year()) {
            (false, true, _) => "%H:%M",
            (false, false, _) => "%-d %b %H:%M",
            (true, _, true) => "%-d %b",
            (true, _, false) => "%-d %b %Y",
        };
        at.strftime(format).to_string()
    }

    /// Times below a chart. A day is named once.
    pub(super) fn labels(
        &self,
        places: impl Iterator<Item = Timestamp>,
        is_daily: bool,
    ) -> Vec<String> {
        let zone = self.labelled(is_daily);
        let mut day = None;
        let label = |at: Timestamp| {
            let zoned = at.to_zoned(zone.clone());
            let is_named = day.replace(zoned.date()) == Some(zoned.date());
            if is_named && !is_daily {
                return zoned.strftime("%H:%M").to_string();
            }
            self.label(at, is_daily)
        };
        places.map(label).collect()
    }

    /// Element of a time below the heading of its day: the time of day.
    pub(super) fn short_tag(&self, at: Timestamp) -> Safe<TimeTag> {
        let mut tag = self.tag(at);
        if self.form != TimeForm::Relative {
            tag.0.shown = at
                .to_zoned(self.zone_of_days())
                .strftime("%H:%M")
                .to_string();
        }
        tag
    }

    /// Day of a time for the reader.
    pub(super) fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone_of_days()).date()
    }

    /// Start of a day of the reader.
    pub(super) fn start_of(&self, date: Date) -> Option<Timestamp> {
        let start = date.to_zoned(self.zone_of_days()).ok()?;
        Some(start.timestamp())
    }

    /// Name of a day; with the year if it is not this year.
    pub(super) fn day(&self, date: Date) -> String {
        let today = self.date(self.now);
        if date == today {
            "Today".to_owned()
        } else if date.tomorrow().is_ok_and(|next| next == today) {
            "Yesterday".to_owned()
        } else if date.year() == today.year() {
            date.strftime("%A, %-d %B").to_string()
        } else {
            date.strftime("%A, %-d %B %Y").to_string()
        }
    }

    fn zone_of_days(&self) -> TimeZone {
        match self.form {
            TimeForm::Utc => TimeZone::UTC,
            TimeForm::Local | TimeForm::Relative => self.zone.clone(),
        }
    }

    /// Time of day; with the day if it is not today, and with the year if it is not this year.
    fn clock(&self, at: &Zoned, zone: &TimeZone) -> String {
        let now = self.now.to_zoned(zone.clone());
        let format = if at.date() == now.date() {
            "%H:%M:%S"
        } else if at.year() == now.year() {
            "%-d %b %H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M"
        };
        at.strftime(format).to_string()
    }
}

/// Time since, in its largest unit.
fn ago(seconds: i64) -> String {
    let (size, ending) = match seconds {
        ..=-1 => (-seconds, "ahead"),
        _ => (seconds, "ago"),
    };
    let (count, unit) = match size {
        0..60 => (size, "s"),
        60..3_600 => (size / 60, "min"),
        3_600..172_800 => (size / 3_600, "h"),
        _ => (size / 86_400, "d"),
    };
    format!("{count} {unit} {ending}")
}

impl fmt::Display for TimeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, shown, title } = self;
        write!(
            f,
            "<time datetime=\"{at:.3}\" title=\"{title}\">{shown}</time>"
        )
    }
}

impl HtmlSafe for TimeTag {}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(form: TimeForm) -> Times {
        Times {
            form,
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            now: "2026-11-30T12:00:00Z".parse().unwrap(),
        }
    }

    fn shown(form: TimeForm, at: &str) -> String {
        times(form).tag(at.parse().unwrap()).0.shown
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_reader() {
        let at = "2026-11-28T23:30:00Z".parse().unwrap();
        for (form, day, time, start) in [
            (
                TimeForm::Local,
                "Yesterday",
                "00:30",
                "2026-11-28T23:00:00Z",
            ),
            (
                TimeForm::Utc,
                "Saturday, 28 November",
                "23:30",
                "2026-11-28T00:00:00Z",
            ),
        ] {
            let times = times(form);
            let date = times.date(at);
            assert_eq!(times.day(date), day);
            assert_eq!(times.short_tag(at).0.shown, time);
            assert_eq!(times.start_of(date), Some(start.parse().unwrap()));
        }
        let last_year = "2025-11-29".parse().unwrap();
        let day = times(TimeForm::Utc).day(last_year);
        assert_eq!(day, "Saturday, 29 November 2025");
    }

    #[test]
    fn a_time_is_as_short_as_its_day_allows() {
        let local = |at| shown(TimeForm::Local, at);
        assert_eq!(local("2026-11-30T11:02:03.5Z"), "12:02:03");
        assert_eq!(local("2026-11-29T23:30:00Z"), "00:30:00");
        assert_eq!(local("2026-11-29T22:30:00Z"), "29 Nov 23:30:00");
        assert_eq!(local("2025-11-29T22:30:00Z"), "2025-11-29 23:30");
        assert_eq!(
            shown(TimeForm::Utc, "2026-11-29T23:30:00Z"),
            "29 Nov 23:30:00"
        );
    }

    #[test]
    fn labels_name_a_day_once() {
        let times = |form| Times {
            form,
            zone: TimeZone::get("Europe/Berlin").unwrap(),
            now: "2026-11-30T12:00:00Z".parse().unwrap(),
        };
        let places = [
            "2026-11-29T10:00:00Z",
            "2026-11-29T12:00:00Z",
            "2026-11-30T00:00:00Z",
        ];
        let labels = |form, is_daily| {
            let places = places.map(|at| at.parse().unwrap());
            times(form).labels(places.into_iter(), is_daily)
        };
        assert_eq!(
            labels(TimeForm::Utc, false),
            ["29 Nov 10:00", "12:00", "00:00"]
        );
        assert_eq!(
            labels(TimeForm::Local, false),
            ["29 Nov 11:00", "13:00", "01:00"]
        );
        assert_eq!(
            labels(TimeForm::Local, true),
            ["29 Nov", "29 Nov", "30 Nov"]
        );
        assert_eq!(
            times(TimeForm::Relative).zone_of_labels(false),
            "Europe/Berlin"
        );
        assert_eq!(times(TimeForm::Relative).zone_of_labels(true), "UTC");
    }

    #[test]
    fn a_relative_time_has_one_unit() {
        let ago = |at| shown(TimeForm::Relative, at);
        assert_eq!(ago("2026-11-30T11:59:52Z"), "8 s ago");
        assert_eq!(ago("2026-11-30T11:57:00Z"), "3 min ago");
        assert_eq!(ago("2026-11-29T12:00:00Z"), "24 h ago");
        assert_eq!(ago("2026-11-20T12:00:00Z"), "10 d ago");
        assert_eq!(ago("2026-11-30T12:00:05Z"), "5 s ahead");
    }
}
