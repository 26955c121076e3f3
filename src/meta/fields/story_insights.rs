//! The numbers of a story that expired (`story_insights`).

use std::{borrow::Cow, collections::BTreeMap};

use crate::meta::json::{Extra, Object};

/// A story's numbers. Meta writes −1 for a count below 5.
#[derive(Clone, Debug)]
pub struct StoryInsights<'a> {
    /// The story.
    pub media_id: Option<Cow<'a, str>>,
    /// How often it was shown.
    pub impressions: Option<i64>,
    /// To how many accounts.
    pub reach: Option<i64>,
    /// Taps to the next story.
    pub taps_forward: Option<i64>,
    /// Taps back.
    pub taps_back: Option<i64>,
    /// How often somebody left.
    pub exits: Option<i64>,
    /// How many answered.
    pub replies: Option<i64>,
    /// All numbers by name, as they are spelled: they are part of the dedupe key.
    pub numbers: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

const KEYS: &[&str] = &[
    "media_id",
    "impressions",
    "reach",
    "taps_forward",
    "taps_back",
    "exits",
    "replies",
];

impl<'a> StoryInsights<'a> {
    /// Reads the value of a change.
    pub(crate) fn read(value: &Object<'_, 'a>) -> Self {
        Self {
            media_id: value.id("media_id"),
            impressions: value.integer("impressions"),
            reach: value.integer("reach"),
            taps_forward: value.integer("taps_forward"),
            taps_back: value.integer("taps_back"),
            exits: value.integer("exits"),
            replies: value.integer("replies"),
            numbers: numbers(value),
            extra: value.extra(KEYS),
        }
    }
}

/// The numbers of a story, also those under names that Meta may add; the last of a repeated name.
fn numbers<'a>(value: &Object<'_, 'a>) -> BTreeMap<Cow<'a, str>, Cow<'a, str>> {
    let is_number = |text: &Cow<'_, str>| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let numbers = value.pairs().map(|(name, value)| {
        let number = value.id().filter(is_number);
        (name.string().unwrap_or_default(), number)
    });
    let numbers: BTreeMap<_, _> = numbers.filter(|(name, _)| name != "media_id").collect();
    numbers
        .into_iter()
        .filter_map(|(name, number)| Some((name, number?)))
        .collect()
}
