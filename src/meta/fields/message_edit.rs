//! Another text for a message (`message_edit`).

use std::borrow::Cow;

use crate::meta::json::{Extra, Object};

/// An edit. Recorded ones often lack the text and the sender, and come with `num_edit` 0 a moment
/// after a media message; it is no new message.
#[derive(Clone, Debug)]
pub struct MessageEdit<'a> {
    /// The message.
    pub mid: Option<Cow<'a, str>>,
    /// The text after the edit.
    pub text: Option<Cow<'a, str>>,
    /// How often the message was edited; documented as a string, sent as a number.
    pub num_edit: Option<i64>,
    /// What is not modelled.
    pub extra: Extra<'a>,
}

impl<'a> MessageEdit<'a> {
    /// Reads the value of `message_edit`.
    pub(crate) fn read(edit: &Object<'_, 'a>) -> Self {
        Self {
            mid: edit.id("mid"),
            text: edit.text("text"),
            num_edit: edit.integer("num_edit"),
            extra: edit.extra(&["mid", "text", "num_edit"]),
        }
    }
}
