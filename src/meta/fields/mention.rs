//! A mention of the account in a comment or caption (`mentions`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// A mention. Its text does not come with it: the Graph API tells it.
#[derive(Clone, Debug)]
pub struct Mention<'a> {
    /// The media.
    pub media_id: Option<Cow<'a, str>>,
    /// The comment; none where the caption mentions the account.
    pub comment_id: Option<Cow<'a, str>>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> Mention<'a> {
    /// Reads the value of a change.
    pub(crate) fn read(value: &Object<'_, 'a>) -> Self {
        Self {
            media_id: value.id("media_id"),
            comment_id: value.id("comment_id"),
            extra: value.extra(&["media_id", "comment_id"]),
        }
    }
}
