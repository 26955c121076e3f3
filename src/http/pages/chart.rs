//! Chart of events over time, drawn as SVG on the server: a bar for each bucket, stacked by the
//! families of the kinds. A bar links to its time.

use std::fmt;

use jiff::Timestamp;

use super::{
    kinds::FAMILIES,
    period::{Bucket, Period},
    times::Times,
};
use crate::amounts::count;

/// Width of the drawing.
pub(super) const WIDTH: i64 = 1_000;

/// Number of labels below the bars.
const LABELS: i64 = 6;

/// Least height of a part that counts something, in tenths.
const LEAST: i64 = 8;

/// Height of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Bars alone.
    Low,
    /// Bars with rejections below the line, and a legend.
    Tall,
}

/// Chart with its numbers.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    pub(super) size: Size,
    /// Labels at equal distances.
    pub(super) labels: Vec<String>,
    /// Name of the zone of the labels.
    pub(super) zone: String,
    /// Length of a bucket in words.
    pub(super) step: &'static str,
}

/// Bar of a bucket.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) link: String,
    pub(super) label: String,
    pub(super) bucket: Bucket,
    pub(super) is_asked: bool,
    /// Left edge and width of the area that can be clicked.
    pub(super) area: (Tenths, Tenths),
    /// Left edge and width of the drawn parts.
    pub(super) drawn: (Tenths, Tenths),
    pub(super) parts: Vec<Part>,
}

/// Part of a bar.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) class: String,
    pub(super) y: Tenths,
    pub(super) height: Tenths,
}

/// A length in tenths of a unit of the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tenths(pub(super) i64);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Size {
    pub(super) fn height(self) -> i64 {
        match self {
            Self::Low => 40,
            Self::Tall => 160,
        }
    }

    /// Height of the line below the bars.
    pub(super) fn base(self) -> Tenths {
        match self {
            Self::Low => Tenths(400),
            Self::Tall => Tenths(1_360),
        }
    }

    /// Height of the tallest bar, which leaves room for parts of the least height.
    fn most(self) -> i64 {
        self.base().0 - 8 * LEAST
    }
}

impl Chart {
    /// Draws the counts of a period. `link` makes the link to a time.
    pub(super) fn draw(
        (period, buckets): (&Period, Vec<Bucket>),
        size: Size,
        times: &Times,
        link: impl Fn(Timestamp, Timestamp) -> String,
    ) -> Self {
        let tallest = buckets.iter().map(|it| it.events() + it.repeats).max();
        let tallest = tallest.unwrap_or_default().max(1);
        let count = period.len();
        let left = |number: i64| WIDTH * 10 * number / count;
        let bar = |(number, bucket): (i64, Bucket)| {
            let (start, end) = (period.start(number), period.start(number + 1));
            let (x, width) = (left(number), left(number + 1) - left(number));
            Bar {
                link: link(start, end),
                label: times.label(start, period.is_daily()),
                is_asked: period.is_asked(number),
                area: (Tenths(x), Tenths(width)),
                drawn: (Tenths(x + width / 10), Tenths(width - width / 5)),
                parts: parts(&bucket, size, tallest),
                bucket,
            }
        };
        let labels = LABELS.min(count);
        let places = (0..=labels).map(|label| (count * label + labels / 2) / labels);
        Self {
            bars: (0..).zip(buckets).map(bar).collect(),
            size,
            labels: times.labels(places.map(|it| period.start(it)), period.is_daily()),
            zone: times.zone_of_labels(period.is_daily()),
            step: period.step(),
        }
    }

    /// True if rejections and the legend are shown.
    pub(super) fn is_tall(&self) -> bool {
        self.size == Size::Tall
    }

    /// True if nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.bars.iter().all(|bar| bar.bucket == Bucket::default())
    }
}

impl Bar {
    /// Time and counts in words.
    pub(super) fn title(&self) -> String {
        let Bucket {
            repeats,
            rejections,
            ..
        } = self.bucket;
        let counted = |number: i64, one, more| {
            let number = u64::try_from(number).unwrap_or_default();
            count(number, one, more)
        };
        let events = counted(self.bucket.events(), "event", "events");
        let others = [
            (repeats, counted(repeats, "repeat", "repeats")),
            (rejections, counted(rejections, "rejection", "rejections")),
        ];
        let others = others.into_iter().filter(|(number, _)| *number > 0);
        let said = std::iter::once(events).chain(others.map(|(_, said)| said));
        format!("{}: {}", self.label, said.collect::<Vec<_>>().join(", "))
    }
}

/// Points of a curve of counts, in a drawing of 100 by 20.
pub(super) fn curve(counts: &[i64]) -> String {
    let most = counts.iter().copied().max().unwrap_or_default().max(1);
    let last = i64::try_from(counts.len()).unwrap_or(1).max(2) - 1;
    let point = |(place, count): (i64, &i64)| {
        let (x, y) = (1_000 * place / last, 190 - 170 * count / most);
        format!("{},{}", Tenths(x), Tenths(y))
    };
    let points: Vec<_> = (0..).zip(counts).map(point).collect();
    points.join(" ")
}

/// Parts of a bar: the families from the line upwards, repeats on top, rejections below the line.
fn parts(bucket: &Bucket, size: Size, tallest: i64) -> Vec<Part> {
    let length = |count: i64| (size.most() * count / tallest).max(LEAST);
    let families = FAMILIES.iter().zip(bucket.families);
    let families = families.map(|((family, _), count)| (format!("bar-fill {family}"), count));
    let repeats = ("bar-repeat".to_owned(), bucket.repeats);
    let mut top = size.base().0;
    let mut parts = Vec::new();
    for (class, count) in families.chain([repeats]).filter(|(_, count)| *count > 0) {
        top -= length(count);
        parts.push(Part {
            class,
            y: Tenths(top.max(0)),
            height: Tenths(length(count)),
        });
    }
    let below = size.height() * 10 - size.base().0;
    if bucket.rejections > 0 && below > 0 {
        parts.push(Part {
            class: "bar-bad".to_owned(),
            y: size.base(),
            height: Tenths(length(bucket.rejections).clamp(4 * LEAST, below)),
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::pages::preferences::Preferences;

    fn bucket(messages: i64, comments: i64, repeats: i64, rejections: i64) -> Bucket {
        Bucket {
            families: [messages, comments, 0, 0, 0, 0],
            repeats,
            rejections,
        }
    }

    fn drawn(size: Size, buckets: Vec<Bucket>) -> Chart {
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        let period = Period::of(None, None, now);
        let times = Times::new(&Preferences::default(), now);
        let link = |since, until| format!("?since={since}&until={until}");
        Chart::draw((&period, buckets), size, &times, link)
    }

    #[test]
    fn parts_lie_on_each_other_and_the_tallest_bar_fits() {
        let chart = drawn(Size::Tall, vec![bucket(90, 10, 5, 0), bucket(1, 0, 0, 3)]);
        let [tall, low] = &chart.bars[..] else {
            panic!("two bars");
        };
        let classes: Vec<_> = tall.parts.iter().map(|part| &*part.class).collect();
        assert_eq!(
            classes,
            ["bar-fill messages", "bar-fill comments", "bar-repeat"]
        );
        for pair in tall.parts.windows(2) {
            assert_eq!(pair[1].y.0 + pair[1].height.0, pair[0].y.0);
        }
        assert!(tall.parts.iter().all(|part| part.y.0 > 0));
        let rejected = low.parts.last().unwrap();
        assert_eq!(
            (&*rejected.class, rejected.y),
            ("bar-bad", Size::Tall.base())
        );
        assert!(low.parts.iter().all(|part| part.height.0 >= LEAST));
    }

    #[test]
    fn a_bar_says_its_counts_and_links_to_its_time() {
        let chart = drawn(Size::Low, vec![bucket(2, 1, 4, 0)]);
        assert_eq!(chart.bars[0].title(), "29 Nov 12:00: 3 events, 4 repeats");
        assert_eq!(
            chart.bars[0].link,
            "?since=2026-11-29T12:00:00Z&until=2026-11-29T13:00:00Z"
        );
        assert_eq!(chart.labels.len(), 7);
        assert_eq!(chart.labels[0], "29 Nov 12:00");
        assert_eq!(chart.labels[6], "12:00");
        assert_eq!((chart.zone.as_str(), chart.step), ("UTC", "1 hour"));
    }

    #[test]
    fn a_curve_reaches_from_side_to_side() {
        assert_eq!(curve(&[0, 5, 10]), "0.0,19.0 50.0,10.5 100.0,2.0");
    }

    #[test]
    fn lengths_have_one_decimal() {
        assert_eq!(Tenths(104).to_string(), "10.4");
        assert_eq!(Tenths(5).to_string(), "0.5");
    }
}
