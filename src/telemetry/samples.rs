//! Samples of the metrics of this process, read from their exposition: the figures of a page are the
//! figures that Prometheus scrapes.

use std::collections::BTreeMap;

/// Values of the metrics at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(BTreeMap<Series, f64>);

/// Name and labels of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
}

impl Samples {
    /// Reads the text format of Prometheus. Lines in another form are skipped.
    pub(super) fn of(exposition: &str) -> Self {
        let lines = exposition.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(sample).collect())
    }

    /// Sum of the series of a metric with these labels; `None` if there is none.
    pub fn get(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let values = self.named(metric).filter(|(series, _)| {
            let mut all = labels.iter();
            all.all(|(name, value)| series.label(name) == Some(value))
        });
        values
            .map(|(_, value)| value)
            .reduce(|sum, value| sum + value)
    }

    /// Sum of the series of a metric with these labels; zero if there is none.
    pub fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(metric, labels).unwrap_or_default()
    }

    /// Sums of a metric by the values of a label.
    pub fn by(&self, metric: &str, label: &str, only: &[(&str, &str)]) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for (series, value) in self.named(metric) {
            let mut all = only.iter();
            let is_asked = all.all(|(name, value)| series.label(name) == Some(value));
            if let Some(label) = series.label(label).filter(|_| is_asked) {
                *sums.entry(label).or_default() += value;
            }
        }
        sums
    }

    /// Quantile of a histogram, interpolated within its bucket; `None` if nothing was recorded.
    pub fn quantile(&self, metric: &str, only: (&str, &str), quantile: f64) -> Option<f64> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let name = format!("{metric}_bucket");
        for (series, count) in self.named(&name) {
            let bound = series.label("le").and_then(|bound| bound.parse().ok());
            let is_asked = series.label(only.0) == Some(only.1);
            if let Some(bound) = bound.filter(|_| is_asked) {
                buckets.push((bound, count));
            }
        }
        buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
        let total = buckets.last().map(|(_, count)| *count)?;
        if total <= 0.0 {
            return None;
        }
        let wanted = total * quantile;
        let (mut below, mut before) = (0.0, 0.0);
        for (bound, count) in buckets {
            if count >= wanted && bound.is_finite() && count > before {
                return Some(below + (bound - below) * (wanted - before) / (count - before));
            }
            if bound.is_finite() {
                below = bound;
            }
            before = count;
        }
        Some(below)
    }

    /// Growth since earlier samples.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let grown = self.0.iter().map(|(series, value)| {
            let before = earlier.0.get(series).copied().unwrap_or_default();
            (series.clone(), value - before)
        });
        Self(grown.collect())
    }

    fn named<'s>(&'s self, name: &str) -> impl Iterator<Item = (&'s Series, f64)> {
        let all = self.0.iter().filter(move |(series, _)| series.name == name);
        all.map(|(series, value)| (series, *value))
    }
}

impl Series {
    fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(label, _)| label == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// A line such as `name{label="value"} 3`.
fn sample(line: &str) -> Option<(Series, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let mut rest = labels.strip_suffix('}')?;
    let mut labels = Vec::new();
    while let Some((label, quoted)) = rest.split_once("=\"") {
        let (value, behind) = unquoted(quoted)?;
        labels.push((label.to_owned(), value));
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    let series = Series {
        name: name.to_owned(),
        labels,
    };
    Some((series, value.parse().ok()?))
}

/// Text up to the closing quote, and the text behind the quote.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERIES: &str = "hookshelf_deliveries_total";
    const DELIVERY_DURATION: &str = "hookshelf_delivery_duration_seconds";
    const SPOOL_RECORDS: &str = "hookshelf_spool_records";

    const TEXT: &str = r#"# TYPE hookshelf_deliveries_total counter
hookshelf_deliveries_total{app="default",outcome="accepted",reason="",source="live"} 7
hookshelf_deliveries_total{app="shop",outcome="accepted",reason="",source="live"} 2
hookshelf_deliveries_total{app="shop",outcome="rejected",reason="a \"b\", c",source="live"} 1

hookshelf_spool_records 214
hookshelf_delivery_duration_seconds_bucket{outcome="accepted",le="0.01"} 50
hookshelf_delivery_duration_seconds_bucket{outcome="accepted",le="0.02"} 100
hookshelf_delivery_duration_seconds_bucket{outcome="accepted",le="+Inf"} 100
"#;

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-9)
    }

    #[test]
    fn series_are_summed_by_their_labels() {
        let samples = Samples::of(TEXT);
        assert!(near(samples.get(SPOOL_RECORDS, &[]), 214.0));
        let accepted = samples.get(DELIVERIES, &[("outcome", "accepted")]);
        assert!(near(accepted, 9.0));
        assert_eq!(samples.get(DELIVERIES, &[("outcome", "failed")]), None);
        let reasons = samples.by(DELIVERIES, "reason", &[("outcome", "rejected")]);
        assert_eq!(reasons.into_keys().collect::<Vec<_>>(), ["a \"b\", c"]);
    }

    #[test]
    fn a_quantile_lies_within_its_bucket() {
        let samples = Samples::of(TEXT);
        let quantile = |of| samples.quantile(DELIVERY_DURATION, ("outcome", "accepted"), of);
        assert!(near(quantile(0.5), 0.01));
        assert!(near(quantile(0.99), 0.0198));
        let none = Samples::default().quantile(DELIVERY_DURATION, ("outcome", "accepted"), 0.5);
        assert_eq!(none, None);
    }

    #[test]
    fn growth_counts_from_earlier_samples() {
        let now = Samples::of(TEXT);
        assert!(near(now.since(&now).get(SPOOL_RECORDS, &[]), 0.0));
        assert_eq!(now.since(&Samples::default()), now);
    }
}
