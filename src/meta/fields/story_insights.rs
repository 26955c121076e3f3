//! The numbers of a story that expired (`story_insights`).

use std::borrow::Cow;

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
    /// What is not modelled.
    pub extra: Extra<'a>,
}

/// The counts, in the order in which they name a story's numbers.
const COUNTS: [&str; 6] = [
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
        let [impressions, reach, taps_forward, taps_back, exits, replies] =
            COUNTS.map(|count| value.integer(count));
        // All of them: the numbers among them are part of the dedupe key.
        let others = value.others(&["media_id"]);
        Self {
            media_id: value.id("media_id"),
            impressions,
            reach,
            taps_forward,
            taps_back,
            exits,
            replies,
            extra: others
                .filter(|(name, _)| !COUNTS.contains(&&**name))
                .collect(),
        }
    }

    /// The six counts, in the order of the struct.
    pub fn counts(&self) -> [Option<i64>; 6] {
        [
            self.impressions,
            self.reach,
            self.taps_forward,
            self.taps_back,
            self.exits,
            self.replies,
        ]
    }
}
