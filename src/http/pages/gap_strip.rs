//! Strip of the gaps in the deliveries, below a chart of the same period.

use super::{
    chart::{Tenths, WIDTH},
    period::Period,
    times::Times,
};
use crate::query::{GapCause, GapRow};

/// Least width of a gap, in tenths, so that it can be seen.
const LEAST: i64 = 20;

/// Gaps of a period.
#[derive(Debug)]
pub(super) struct GapStrip {
    pub(super) gaps: Vec<Gap>,
}

/// A gap in the deliveries of an app.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) row: GapRow,
    pub(super) class: &'static str,
    pub(super) means: &'static str,
    pub(super) title: String,
    pub(super) x: Tenths,
    pub(super) width: Tenths,
}

impl GapStrip {
    /// Draws the gaps of a period.
    pub(super) fn draw(rows: Vec<GapRow>, period: &Period, times: &Times) -> Self {
        let gap = |row: GapRow| {
            let (class, means) = look(&row.cause);
            let start = period.place(row.opened_at, WIDTH * 10);
            let end = row.closed_at.map(|at| period.place(at, WIDTH * 10));
            let end = end.unwrap_or(WIDTH * 10).max(start + LEAST);
            let until = row.closed_at.map(|at| times.label(at, false));
            let until = until.unwrap_or_else(|| "now".to_owned());
            Gap {
                title: format!(
                    "{} to {until}, app {}: {means}",
                    times.label(row.opened_at, false),
                    row.app
                ),
                x: Tenths(start.min(WIDTH * 10 - LEAST)),
                width: Tenths(end - start),
                class,
                means,
                row,
            }
        };
        Self {
            gaps: rows.into_iter().map(gap).collect(),
        }
    }
}

/// Class and meaning of a cause.
fn look(cause: &str) -> (&'static str, &'static str) {
    let known = GapCause::ALL.iter().find(|it| it.as_str() == cause);
    match known {
        Some(GapCause::Down) | None => ("down", "Hookshelf was down"),
        Some(GapCause::Refusing) => ("down", "Meta's deliveries were rejected"),
        Some(GapCause::Unable) => ("unable", "deliveries got 503"),
        Some(GapCause::Spooling) => ("spooling", "deliveries went into the spool, none was lost"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::http::pages::preferences::Preferences;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn drawn(opened: &str, closed: Option<&str>) -> Gap {
        let now = at("2026-11-30T12:00:00Z");
        let row = GapRow {
            app: "shop".to_owned(),
            cause: "spooling".to_owned(),
            opened_at: at(opened),
            closed_at: closed.map(at),
        };
        let times = Times::new(&Preferences::default(), now);
        let strip = GapStrip::draw(vec![row], &Period::of(None, None, now), &times);
        strip.gaps.into_iter().next().unwrap()
    }

    #[test]
    fn a_gap_lies_at_its_time_and_can_be_seen() {
        let short = drawn("2026-11-30T00:00:00Z", Some("2026-11-30T00:00:01Z"));
        assert_eq!((short.x, short.width), (Tenths(5_000), Tenths(LEAST)));
        assert_eq!(
            short.title,
            "00:00 to 00:00, app shop: deliveries went into the spool, none was lost"
        );
        let open = drawn("2026-11-28T00:00:00Z", None);
        assert_eq!((open.x, open.width), (Tenths(0), Tenths(10_000)));
        assert!(open.title.ends_with("none was lost"));
    }
}
