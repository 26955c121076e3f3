//! A conversation was seen (`messaging_seen`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// Seen up to a message (Instagram) or a moment (Messenger).
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The last message that was seen.
    pub mid: Option<Cow<'a, str>>,
    /// Everything before this moment was seen, in milliseconds.
    pub watermark: Option<Cow<'a, str>>,
    /// A Messenger sequence number.
    pub seq: Option<i64>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> Seen<'a> {
    /// Reads the value of `read`.
    pub(crate) fn read(read: &Object<'_, 'a>) -> Self {
        Self {
            mid: read.id("mid"),
            watermark: read.id("watermark"),
            seq: read.integer("seq"),
            extra: read.extra(&["mid", "watermark", "seq"]),
        }
    }
}
