//! Newest comments of media, without their content: they tell the type of a media.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::{Session, conversation::text};
use crate::store::{
    Error,
    read::{Between, EventFilter, MediaRow, Order},
};

/// Time for which clocks of senders may be ahead of the time of receipt.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Newest comment of a media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastComment {
    /// `comment` or `live_comment`.
    pub kind: String,
    /// Type of the commented media in Meta's spelling; `None` if Meta sent none.
    pub product_type: Option<String>,
}

impl Session {
    /// Reads the newest comments of media, by their positions. A comment that is no longer stored
    /// is left out.
    pub async fn last_comments(
        &mut self,
        media: &[MediaRow],
    ) -> Result<BTreeMap<i64, LastComment>, Error> {
        let Some(first) = media.iter().map(|row| row.last_at).min() else {
            return Ok(BTreeMap::new());
        };
        let filter = EventFilter {
            positions: media.iter().map(|row| row.last_position).collect(),
            since: first.checked_sub(AHEAD).ok(),
            ..EventFilter::default()
        };
        let page = (
            Order::Newest,
            u32::try_from(media.len()).unwrap_or(u32::MAX),
        );
        let reader = &mut self.reader;
        let events = reader
            .events(&filter, Between::default(), page, false)
            .await?;
        let last = events.iter().map(|event| {
            let comment = LastComment {
                kind: event.kind.clone(),
                product_type: text(event, "media_product_type"),
            };
            (event.position, comment)
        });
        Ok(last.collect())
    }
}
