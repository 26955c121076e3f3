//! Moments as a person writes them: a time, a date, today, yesterday, or a time ago.

use std::str::FromStr;

use jiff::{Span, Timestamp, civil::DateTime, tz::TimeZone};

/// Moment, absolute or relative to now.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// Absolute time; a date means midnight (UTC).
    At(Timestamp),
    /// Time span before now.
    Ago(Span),
    /// Midnight (UTC), a number of days before today.
    Midnight(i64),
}

/// Invalid text of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid time; allowed: a time such as 2026-11-20T13:45:00Z, a date such as 2026-11-20, today \
     or yesterday (UTC unless a zone is given), or an age such as 2h, 90min or \"7 days\""
)]
pub struct InvalidMoment;

impl Moment {
    /// Resolves the moment relative to `now`.
    ///
    /// # Errors
    /// If the moment is before the first date of the calendar.
    pub fn resolve(self, now: Timestamp) -> Result<Timestamp, InvalidMoment> {
        match self {
            Self::At(moment) => Ok(moment),
            Self::Ago(span) => now
                .to_zoned(TimeZone::UTC)
                .checked_sub(span)
                .map(|zoned| zoned.timestamp())
                .map_err(|_| InvalidMoment),
            Self::Midnight(days) => now
                .to_zoned(TimeZone::UTC)
                .checked_sub(Span::new().days(days))
                .and_then(|day| day.start_of_day())
                .map(|zoned| zoned.timestamp())
                .map_err(|_| InvalidMoment),
        }
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let text = text.trim();
        match text {
            "today" => return Ok(Self::Midnight(0)),
            "yesterday" => return Ok(Self::Midnight(1)),
            _ => {}
        }
        if let Ok(moment) = text.parse() {
            return Ok(Self::At(moment));
        }
        // A date alone means midnight.
        if let Ok(time) = text.parse::<DateTime>() {
            let zoned = time.to_zoned(TimeZone::UTC).map_err(|_| InvalidMoment)?;
            return Ok(Self::At(zoned.timestamp()));
        }
        let while_ago = text.strip_suffix("ago").unwrap_or(text).trim();
        let span: Span = while_ago.parse().map_err(|_| InvalidMoment)?;
        // Reject a future time: nothing is received in the future.
        if span.is_negative() {
            return Err(InvalidMoment);
        }
        Ok(Self::Ago(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let moment = text.parse::<Moment>().ok()?;
        Some(moment.resolve(now).ok()?.to_string())
    }

    #[test]
    fn times_dates_and_spans_are_moments() {
        for (text, moment) in [
            ("2026-11-20T13:45:00Z", "2026-11-20T13:45:00Z"),
            ("2026-11-20T13:45:00+02:00", "2026-11-20T11:45:00Z"),
            ("2026-11-20 13:45:00.5Z", "2026-11-20T13:45:00.5Z"),
            ("2026-11-20T13:45", "2026-11-20T13:45:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("today", "2026-11-20T00:00:00Z"),
            ("yesterday", "2026-11-19T00:00:00Z"),
            ("2h", "2026-11-20T10:00:00Z"),
            ("90 min ago", "2026-11-20T10:30:00Z"),
            ("7 days", "2026-11-13T12:00:00Z"),
            ("1 month", "2026-10-20T12:00:00Z"),
            ("PT5M", "2026-11-20T11:55:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(moment), "{text}");
        }
    }

    #[test]
    fn the_message_names_today_and_yesterday() {
        let message = "soon".parse::<Moment>().unwrap_err().to_string();
        assert!(message.contains("today or yesterday"), "{message}");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "soon",
            "tomorrow",
            "2026-13-01",
            "7",
            "-2h",
            "99999999 years",
            "ago",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
